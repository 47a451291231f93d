// Package gate lets in as many calls as the process answers in time, and shares the places between
// callers. What cannot come in soon is turned away, which costs next to nothing, so that a process with
// too much to do goes on answering.
package gate

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// ErrFull tells that there is no place, and too many wait for one.
var ErrFull = errors.New("too many calls are under way")

// Options of a gate.
type Options struct {
	Most     int           // calls inside at once, while answers are fast; it starts with as many; and as many wait
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
	crowd   []*caller          // that wait
	waiting int                // calls
	window  window
	full    time.Time // when a call was turned away last
}

// caller is what one caller has.
type caller struct {
	inside int
	turns  []*turn // that wait, in the order they came
}

// turn is a call that waits.
type turn struct {
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

// crowdedFor is how long a gate counts as crowded after it has turned a call away.
const crowdedFor = time.Second

// Crowded tells whether calls are turned away now.
func (g *Gate) Crowded() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Since(g.full) < crowdedFor
}

// Enter takes a place for a call of a caller; leave gives it back, once. When all are taken the call
// waits, and a place that becomes free goes to the caller who holds the fewest. So a caller who alone
// keeps the process busy may have all of it, but no more than a fair part once others wait.
//
// Of one caller's calls the last to come is the first to enter: while too many come, some are answered
// at once and the others not at all, where in turn each would be answered when its caller is about to
// give up. When too many wait, the oldest of the caller with the most is turned away. Enter fails with
// ErrFull, or when the context ends.
func (g *Gate) Enter(ctx context.Context, name string) (leave func(), err error) {
	g.mu.Lock()
	c := g.callers[name]
	if c == nil {
		c = &caller{}
		g.callers[name] = c
	}
	if g.inside < int(g.limit) && g.waiting == 0 {
		g.enter(c)
		g.mu.Unlock()
		return g.leaver(name, c), nil
	}
	t := g.queue(c)
	patience := g.options.Patience
	g.mu.Unlock()
	if err := g.wait(ctx, name, c, t, patience); err != nil {
		return nil, err
	}
	return g.leaver(name, c), nil
}

// queue adds a call to those that wait, and turns one away when they are too many.
func (g *Gate) queue(c *caller) *turn {
	t := &turn{called: make(chan struct{})}
	if len(c.turns) == 0 {
		g.crowd = append(g.crowd, c)
	}
	c.turns = append(c.turns, t)
	g.waiting++
	if g.waiting > g.options.Most {
		most := c
		for _, other := range g.crowd {
			if len(other.turns) > len(most.turns) {
				most = other
			}
		}
		close(g.remove(most, 0).called)
	}
	return t
}

// wait waits for a turn until patience or the context ends.
func (g *Gate) wait(ctx context.Context, name string, c *caller, t *turn, longest time.Duration) error {
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
	if i := slices.Index(c.turns, t); i >= 0 {
		g.remove(c, i)
	}
	g.forget(name, c)
	if ctx.Err() == nil {
		g.full = time.Now()
	}
	return err
}

// admit fills free places with those who wait.
func (g *Gate) admit() {
	for g.inside < int(g.limit) && g.waiting > 0 {
		next := g.crowd[0]
		for _, c := range g.crowd {
			if c.inside < next.inside {
				next = c
			}
		}
		t := g.remove(next, len(next.turns)-1)
		t.entered = true
		g.enter(next)
		close(t.called)
	}
}

func (g *Gate) enter(c *caller) {
	c.inside++
	g.inside++
	g.window.most = max(g.window.most, g.inside)
}

// remove takes a turn out of those that wait.
func (g *Gate) remove(c *caller, i int) *turn {
	t := c.turns[i]
	c.turns = slices.Delete(c.turns, i, i+1)
	g.waiting--
	if len(c.turns) == 0 {
		i := slices.Index(g.crowd, c)
		g.crowd = slices.Delete(g.crowd, i, i+1)
	}
	return t
}

// forget forgets a caller who has nothing any more; another of this name may have come since.
func (g *Gate) forget(name string, c *caller) {
	if c.inside == 0 && len(c.turns) == 0 && g.callers[name] == c {
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
