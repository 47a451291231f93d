package river_test

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/saga/river"
	"github.com/orderprocessing/orderprocessing/server/saga/sagatest"
)

// TestTurns has three jobs of a shard come together. Times are those of synctest's clock.
func TestTurns(t *testing.T) {
	test := func(name string, crowded bool, run func(t *testing.T, w *waitingRoom)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &waitingRoom{crowded: crowded, ends: make(chan func(), 3)}
				w.ctx, w.cancel = context.WithCancel(t.Context())
				defer w.cancel()
				turns := river.NewTurns(func() bool { return w.crowded })
				for range 3 {
					go func() { w.ends <- turns.Take(w.ctx) }()
				}
				synctest.Wait()
				run(t, w)
			})
		})
	}
	test("while every caller finds a place they all go", false, func(t *testing.T, w *waitingRoom) {
		require.Len(t, w.ends, 3)
	})
	test("while callers are turned away one goes when the one before has ended", true, func(t *testing.T, w *waitingRoom) {
		for range 3 {
			require.Len(t, w.ends, 1)
			end := <-w.ends
			end()
			end()
			synctest.Wait()
		}
		require.Empty(t, w.ends)
	})
	test("or takes too long", true, func(t *testing.T, w *waitingRoom) {
		time.Sleep(river.LongestTurn - 1)
		synctest.Wait()
		require.Len(t, w.ends, 1)
		time.Sleep(1 * time.Nanosecond)
		synctest.Wait()
		require.Len(t, w.ends, 2)
		(<-w.ends)() // its turn is over
		synctest.Wait()
		require.Len(t, w.ends, 1)
	})
	test("when no caller is turned away any more the others go together", true, func(t *testing.T, w *waitingRoom) {
		w.crowded = false
		(<-w.ends)()
		synctest.Wait()
		require.Len(t, w.ends, 2)
	})
	test("nobody waits longer than its context", true, func(t *testing.T, w *waitingRoom) {
		w.cancel()
		synctest.Wait()
		require.Len(t, w.ends, 3)
	})
	require.NotPanics(t, river.NewTurns(nil).Take(t.Context()))
}

// TestEngine_crowded: jobs that were started apart are not worked on at once while callers are turned away.
func TestEngine_crowded(t *testing.T) {
	onBoth(t, func(t *testing.T, location string) {
		db, world := prepared(t, location), sagatest.NewWorld()
		var working, asked atomic.Int64
		held := plan(world)
		do := held.Steps[0].Do
		held.Steps[0].Do = func(ctx context.Context, call saga.Call) (saga.Result, error) {
			defer working.Add(-1)
			assert.EqualValues(t, 1, working.Add(1))
			runtime.Gosched() // who may come, comes
			return do(ctx, call)
		}
		const jobs = 10
		seen := &finished{done: make(chan struct{})}
		seen.left.Store(jobs)
		engine := newEngineWith(t, db, river.Options{Observer: seen, Crowded: func() bool { asked.Add(1); return true }}, held)
		for i := range jobs {
			start(t, db, "place", fmt.Sprint("ord_", i))
		}
		require.NoError(t, engine.Start(t.Context()))
		<-seen.done
		require.NoError(t, engine.Stop(t.Context()))
		require.GreaterOrEqual(t, asked.Load(), int64(jobs))
	})
}

// waitingRoom is what the jobs are in.
type waitingRoom struct {
	ctx     context.Context //nolint:containedctx // of the jobs
	cancel  context.CancelFunc
	crowded bool
	ends    chan func() // of the turns that began
}
