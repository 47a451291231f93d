package server

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/payments"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// working is jobs at work. In a bubble of synctest time passes only while everybody waits for it.
type working struct {
	*jobs
	log    bytes.Buffer
	ok     atomic.Int32
	failed atomic.Int32
}

func begin(t *testing.T, list ...job) *working {
	t.Helper()
	w := new(working)
	w.jobs = &jobs{list: list, logger: slog.New(slog.NewTextHandler(&w.log, nil)), count: func(_ string, err error) {
		if err != nil {
			w.failed.Add(1)
		} else {
			w.ok.Add(1)
		}
	}}
	require.NoError(t, w.part().Start(context.WithoutCancel(t.Context())))
	return w
}

func TestJobs(t *testing.T) {
	t.Run("a job runs once in its time, from a moment within the first", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var runs atomic.Int32
			w := begin(t, job{name: "a", every: time.Minute, run: func(context.Context) (bool, error) {
				runs.Add(1)
				return false, nil
			}})
			for n := range int32(5) {
				time.Sleep(time.Minute) // in the bubble: nobody waits
				synctest.Wait()
				require.Equal(t, n+1, runs.Load())
			}
			require.NoError(t, w.part().Stop(t.Context()))
			time.Sleep(time.Hour) // in the bubble
			require.EqualValues(t, 5, runs.Load())
			require.EqualValues(t, 5, w.ok.Load())
		})
	})
	t.Run("jobs that start together do not run together", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			begun := make(chan time.Time, 20)
			var list []job
			for range cap(begun) {
				list = append(list, job{name: "a", every: time.Hour, run: func(context.Context) (bool, error) {
					begun <- time.Now()
					return false, nil
				}})
			}
			w := begin(t, list...)
			moments := map[time.Time]bool{}
			for range list {
				moments[<-begun] = true
			}
			require.Greater(t, len(moments), 10)
			require.NoError(t, w.part().Stop(t.Context()))
		})
	})
	t.Run("batches follow one another until nothing is left, and count once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			left := atomic.Int32{}
			left.Store(7)
			w := begin(t, job{name: "a", every: time.Minute, run: func(context.Context) (bool, error) {
				return left.Add(-1) > 0, nil
			}})
			time.Sleep(time.Minute) // in the bubble
			synctest.Wait()
			require.Zero(t, left.Load())
			require.EqualValues(t, 1, w.ok.Load())
			require.NoError(t, w.part().Stop(t.Context()))
		})
	})
	t.Run("a job that fails is logged and counted, and runs again in its time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := begin(t, job{name: "broken", every: time.Minute, run: func(context.Context) (bool, error) {
				return true, errors.New("the shard is away")
			}})
			time.Sleep(2 * time.Minute) // in the bubble
			require.NoError(t, w.part().Stop(t.Context()))
			require.EqualValues(t, 2, w.failed.Load())
			require.Zero(t, w.ok.Load())
			require.Contains(t, w.log.String(), "level=WARN")
			require.Contains(t, w.log.String(), "job=broken")
			require.Contains(t, w.log.String(), "the shard is away")
		})
	})
	t.Run("one that hangs is ended after a minute, and holds up no other", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			hang := job{name: "hangs", every: time.Second, run: func(ctx context.Context) (bool, error) {
				<-ctx.Done()
				return false, ctx.Err()
			}}
			w := begin(t, hang, job{name: "a", every: time.Second, run: func(context.Context) (bool, error) { return false, nil }})
			time.Sleep(jobTimeout + time.Second) // in the bubble
			synctest.Wait()
			require.EqualValues(t, 1, w.failed.Load())
			require.Greater(t, w.ok.Load(), int32(50))
			require.NoError(t, w.part().Stop(t.Context()))
		})
	})
	t.Run("stopping lets a batch finish, and begins no other", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var batches atomic.Int32
			begun := make(chan struct{})
			w := begin(t, job{name: "slow", every: time.Second, run: func(ctx context.Context) (bool, error) {
				close(begun)
				time.Sleep(jobGrace / 2) // in the bubble
				if ctx.Err() == nil {
					batches.Add(1)
				}
				return true, nil
			}})
			<-begun
			require.NoError(t, w.part().Stop(t.Context()))
			require.EqualValues(t, 1, batches.Load())
			require.EqualValues(t, 1, w.ok.Load())
		})
	})
	t.Run("a batch that does not finish is cut off", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			begun := make(chan struct{})
			w := begin(t, job{name: "hangs", every: time.Second, run: func(ctx context.Context) (bool, error) {
				close(begun)
				<-ctx.Done()
				return false, ctx.Err()
			}})
			<-begun
			from := time.Now()
			require.NoError(t, w.part().Stop(t.Context()))
			require.Equal(t, jobGrace, time.Since(from))
		})
	})
}

// chores records what jobs ask for, and has so much to do.
type chores struct {
	left      int
	at        time.Time
	limit     int
	waited    time.Duration
	forgotten store.Forgettable
}

func (c *chores) ExpireHolds(_ context.Context, now time.Time, limit int) ([]stock.Hold, error) {
	c.at, c.limit = now, limit
	c.left--
	return make([]stock.Hold, max(0, c.left)), nil
}

func (c *chores) SettleOpen(_ context.Context, waited time.Duration, limit int) (payments.Settled, error) {
	c.waited, c.limit = waited, limit
	return payments.Settled{Asked: 1}, nil
}

func (c *chores) Forget(_ context.Context, before store.Forgettable, limit int) (int, error) {
	c.forgotten, c.limit = before, limit
	c.left--
	return max(0, c.left), nil
}

func TestPeriodic(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)
	now := func() time.Time { return noon }
	drain := func(t *testing.T, j job) (batches int) {
		t.Helper()
		for more := true; more; batches++ {
			var err error
			more, err = j.run(t.Context())
			require.NoError(t, err)
		}
		return batches
	}
	t.Run("holds are swept until there are none", func(t *testing.T) {
		c := &chores{left: 3}
		require.Equal(t, 3, drain(t, sweeping(c, now)))
		require.Equal(t, noon.Truncate(time.Microsecond), c.at)
		require.Equal(t, sweepAtOnce, c.limit)
	})
	t.Run("payments are settled once at a time: one that cannot be settled yet stays", func(t *testing.T) {
		c := &chores{}
		require.Equal(t, 1, drain(t, settling(c, time.Minute)))
		require.Equal(t, time.Minute, c.waited)
		require.Equal(t, settleAtOnce, c.limit)
	})
	t.Run("each kind is forgotten after its own time, until there is none", func(t *testing.T) {
		c := &chores{left: 4}
		keep := config.Retention{Requests: time.Hour, PaymentEvents: 2 * time.Hour, Sagas: 3 * time.Hour}
		require.Equal(t, 4, drain(t, forgetting(c, keep, now)))
		at := noon.Truncate(time.Microsecond)
		require.Equal(t, store.Forgettable{Requests: at.Add(-time.Hour), PaymentEvents: at.Add(-2 * time.Hour), Sagas: at.Add(-3 * time.Hour)}, c.forgotten)
		require.Equal(t, forgetAtOnce, c.limit)
	})
}
