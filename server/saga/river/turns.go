package river

import (
	"context"
	"sync"
	"time"
)

// longestTurn is how long the next job waits for one whose sagas wait for somebody, such as a bank.
const longestTurn = time.Second

// turns make the jobs of a shard go one after the other while callers are turned away: an order that was taken
// can be carried on later, a caller who finds no place is gone.
type turns struct {
	crowded func() bool   // whether callers are turned away now; nil for never
	taken   chan struct{} // has room for the job whose turn it is
}

func newTurns(crowded func() bool) *turns {
	return &turns{crowded: crowded, taken: make(chan struct{}, 1)}
}

// take waits for the turn of a job, which end ends. It waits no longer when ctx ends.
func (t *turns) take(ctx context.Context) (end func()) {
	if t.crowded == nil || !t.crowded() {
		return func() {}
	}
	select {
	case t.taken <- struct{}{}:
	case <-ctx.Done():
		return func() {}
	}
	over := sync.OnceFunc(func() { <-t.taken })
	if !t.crowded() { // any more
		over()
		return over
	}
	late := time.AfterFunc(longestTurn, over)
	return func() { late.Stop(); over() }
}
