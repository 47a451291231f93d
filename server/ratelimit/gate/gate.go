// Package gate lets in as many calls as the process answers in time, and shares the places between
// callers. What cannot come in soon is turned away at once, which costs next to nothing, so that a
// process with too much to do goes on answering.
package gate

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrFull tells that there is no place, and too many wait for one.
var ErrFull = errors.New("too many calls are under way")

// Options of a gate.
type Options struct {
	Most     int           // calls inside at once, while answers are fast; it starts with as many
	Least    int           // calls inside at once, however slow answers are
	Target   time.Duration // an answer that takes longer is slow; see adapt
	Patience time.Duration // how long a call waits for a place
}

// Gate is safe for concurrent use.
type Gate struct {
	options Options

	mu      sync.Mutex
	limit   float64
	inside  int
	callers map[string]*caller // that are inside or wait
	waiting []*turn            // in the order they came; no more than the limit
	window  window
}

// caller is what one caller has.
type caller struct{ inside, waiting int }

// turn is a call that waits.
type turn struct {
	caller  *caller
	called  chan struct{} // closed when the waiting is over
	entered bool          // else it was displaced
}

// New makes a gate.
func New(o Options) *Gate {
	return &Gate{options: o, limit: float64(o.Most), callers: map[string]*caller{}, window: window{since: time.Now()}}
}

// Change puts other options in force. Who is inside stays; who waits goes by the new ones but for their patience.
func (g *Gate) Change(o Options) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.limit == float64(g.options.Most) { // answers are fast
		g.limit = float64(o.Most)
	}
	g.options = o
	g.limit = min(max(g.limit, float64(o.Least)), float64(o.Most))
	g.admit()
}

// Limit is how many calls may be inside now.
func (g *Gate) Limit() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return int(g.limit)
}

// Enter takes a place for a call of a caller; leave gives it back, once. When all are taken the call
// waits, and a place that becomes free goes to the caller who holds the fewest. So a caller who alone
// keeps the process busy may have all of it, but no more than a fair part once others wait. It fails
// with ErrFull, or when the context ends.
func (g *Gate) Enter(ctx context.Context, name string) (leave func(), err error) {
	g.mu.Lock()
	c := g.callers[name]
	if c == nil {
		c = &caller{}
		g.callers[name] = c
	}
	if g.inside < int(g.limit) && len(g.waiting) == 0 {
		g.enter(c)
		g.mu.Unlock()
		return g.leaver(name, c), nil
	}
	if len(g.waiting) >= int(g.limit) && !g.displace(c) {
		g.forget(name, c)
		g.mu.Unlock()
		return nil, ErrFull
	}
	t := &turn{caller: c, called: make(chan struct{})}
	c.waiting++
	g.waiting = append(g.waiting, t)
	patience := g.options.Patience
	g.mu.Unlock()
	if err := g.wait(ctx, name, t, patience); err != nil {
		return nil, err
	}
	return g.leaver(name, c), nil
}

// wait waits for a turn until patience or the context ends.
func (g *Gate) wait(ctx context.Context, name string, t *turn, longest time.Duration) error {
	patience := time.NewTimer(longest)
	defer patience.Stop()
	err := ErrFull
	select {
	case <-t.called:
	case <-patience.C:
	case <-ctx.Done():
		err = ctx.Err()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if t.entered {
		return nil // be it in the last moment
	}
	for i := range g.waiting {
		if g.waiting[i] == t {
			g.remove(i)
			break
		}
	}
	g.forget(name, t.caller)
	return err
}

// displace makes room among those who wait: the newest turn of the caller with the most, unless that
// would be unfair to them.
func (g *Gate) displace(newcomer *caller) bool {
	last := -1
	for i, t := range g.waiting {
		if last < 0 || t.caller.waiting >= g.waiting[last].caller.waiting {
			last = i
		}
	}
	if last < 0 || g.waiting[last].caller.waiting <= newcomer.waiting+1 {
		return false
	}
	close(g.remove(last).called)
	return true
}

// admit fills free places with those who wait.
func (g *Gate) admit() {
	for g.inside < int(g.limit) && len(g.waiting) > 0 {
		next := 0
		for i, t := range g.waiting {
			if t.caller.inside < g.waiting[next].caller.inside {
				next = i
			}
		}
		t := g.remove(next)
		t.entered = true
		g.enter(t.caller)
		close(t.called)
	}
}

func (g *Gate) enter(c *caller) {
	c.inside++
	g.inside++
	g.window.most = max(g.window.most, g.inside)
}

func (g *Gate) remove(i int) *turn {
	t := g.waiting[i]
	g.waiting = append(g.waiting[:i], g.waiting[i+1:]...)
	t.caller.waiting--
	return t
}

func (g *Gate) forget(name string, c *caller) {
	if c.inside == 0 && c.waiting == 0 {
		delete(g.callers, name)
	}
}

// leaver gives what ends a call that entered now.
func (g *Gate) leaver(name string, c *caller) func() {
	entered := time.Now()
	return func() {
		now := time.Now()
		g.mu.Lock()
		defer g.mu.Unlock()
		g.inside--
		c.inside--
		g.forget(name, c)
		g.adapt(now, now.Sub(entered))
		g.admit()
	}
}
