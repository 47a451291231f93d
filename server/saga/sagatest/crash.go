package sagatest

import (
	"context"
	"sync"

	"github.com/orderprocessing/orderprocessing/server/saga"
)

// Crash says when an engine dies: at a boundary, which is before a deed begins or after it ended,
// counted from 1 through all engines of a scenario.
type Crash struct {
	At    int // once
	Every int // again and again

	mu    sync.Mutex
	count int
	dead  map[int]bool // by engine
	Died  chan int     // told which engine died
}

// Wrap gives the plan as an engine of this number runs it. What it does after its death has no
// effect on the world, and what it says then must not be written: Alive tells.
func (c *Crash) Wrap(plan *saga.Saga, engine int) *saga.Saga {
	wrapped := *plan
	wrapped.Steps = make([]saga.Step, len(plan.Steps))
	for i, step := range plan.Steps {
		do, undo := step.Do, step.Undo
		step.Do = func(ctx context.Context, call saga.Call) (result saga.Result, err error) {
			if !c.boundary(ctx, engine) {
				return saga.Result{}, ctx.Err()
			}
			result, err = do(ctx, call)
			if !c.boundary(ctx, engine) {
				return saga.Result{}, ctx.Err()
			}
			return result, err
		}
		if undo != nil {
			step.Undo = func(ctx context.Context, call saga.Call) error {
				if !c.boundary(ctx, engine) {
					return ctx.Err()
				}
				err := undo(ctx, call)
				if !c.boundary(ctx, engine) {
					return ctx.Err()
				}
				return err
			}
		}
		wrapped.Steps[i] = step
	}
	return &wrapped
}

// boundary counts, and tells whether the engine lives on. A dead one hangs until it is buried.
func (c *Crash) boundary(ctx context.Context, engine int) bool {
	c.mu.Lock()
	if !c.dead[engine] {
		c.count++
		if c.count == c.At || c.Every > 0 && c.count%c.Every == 0 {
			if c.dead == nil {
				c.dead = map[int]bool{}
			}
			c.dead[engine] = true
			c.Died <- engine
		}
	}
	dead := c.dead[engine]
	c.mu.Unlock()
	if dead {
		<-ctx.Done()
	}
	return !dead
}

// Dead tells whether an engine has died.
func (c *Crash) Dead(engine int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead[engine]
}
