package coalesce_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store/coalesce"
)

// gate is a flush that waits to be let through and doubles its numbers; negative ones fail.
type gate struct {
	open    chan struct{}
	batches [][]int
}

func (g *gate) flush(_ context.Context, batch []int) []coalesce.Result[int] {
	g.batches = append(g.batches, batch)
	<-g.open
	out := make([]coalesce.Result[int], len(batch))
	for i, n := range batch {
		out[i].Value = 2 * n
		if n < 0 {
			out[i].Err = errors.New("negative")
		}
	}
	return out
}

// newWriter makes a writer that ends with the test.
func newWriter(t *testing.T, flush coalesce.Flush[int, int], maxBatch, maxQueue int, observe coalesce.Observe) *coalesce.Writer[int, int] {
	t.Helper()
	w := coalesce.New(flush, maxBatch, maxQueue, observe)
	t.Cleanup(func() { w.Close(context.Background()) })
	return w
}

func TestWriter(t *testing.T) {
	t.Run("requests that come during a commit share the next one, in order", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := &gate{open: make(chan struct{})}
			w := newWriter(t, g.flush, 3, 100, nil)
			var callers sync.WaitGroup
			for n := range 5 {
				callers.Go(func() {
					got, err := w.Do(t.Context(), n)
					require.NoError(t, err)
					require.Equal(t, 2*n, got)
				})
				synctest.Wait()
			}
			close(g.open)
			callers.Wait()
			require.Equal(t, [][]int{{0}, {1, 2, 3}, {4}}, g.batches)
		})
	})
	t.Run("who observes learns how many a batch has, and how long the first of them waited", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := &gate{open: make(chan struct{})}
			var sizes []int
			var waits []time.Duration
			w := newWriter(t, g.flush, 10, 100, func(size int, waited time.Duration) {
				sizes, waits = append(sizes, size), append(waits, waited)
			})
			var callers sync.WaitGroup
			for n := range 3 {
				callers.Go(func() { _, _ = w.Do(t.Context(), n) })
				synctest.Wait()
				time.Sleep(time.Second)
			}
			close(g.open)
			callers.Wait()
			require.Equal(t, []int{1, 2}, sizes)
			require.Equal(t, []time.Duration{0, 2 * time.Second}, waits)
		})
	})
	t.Run("one that fails fails alone", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := &gate{open: make(chan struct{})}
			w := newWriter(t, g.flush, 10, 100, nil)
			errs := make([]error, 3)
			var callers sync.WaitGroup
			for i, n := range []int{1, -2, 3} {
				callers.Go(func() { _, errs[i] = w.Do(t.Context(), n) })
				synctest.Wait()
			}
			close(g.open)
			callers.Wait()
			require.NoError(t, errs[0])
			require.Error(t, errs[1])
			require.NoError(t, errs[2])
		})
	})
	t.Run("a caller that goes away before the batch starts withdraws its request", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := &gate{open: make(chan struct{})}
			w := newWriter(t, g.flush, 10, 100, nil)
			go func() { _, _ = w.Do(t.Context(), 1) }()
			synctest.Wait()
			ctx, cancel := context.WithCancel(t.Context())
			var err error
			go func() { _, err = w.Do(ctx, 2) }()
			synctest.Wait()
			cancel()
			synctest.Wait()
			require.ErrorIs(t, err, context.Canceled)
			close(g.open)
			synctest.Wait()
			require.Equal(t, [][]int{{1}}, g.batches)
		})
	})
	t.Run("a full queue sheds at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := &gate{open: make(chan struct{})}
			w := newWriter(t, g.flush, 10, 1, nil)
			for range 2 {
				go func() { _, _ = w.Do(t.Context(), 1) }()
				synctest.Wait()
			}
			_, err := w.Do(t.Context(), 3)
			require.Equal(t, fault.KindExhausted, fault.KindOf(err))
			close(g.open)
		})
	})
	t.Run("who has gone makes room", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := &gate{open: make(chan struct{})}
			w := newWriter(t, g.flush, 10, 1, nil)
			go func() { _, _ = w.Do(t.Context(), 1) }()
			synctest.Wait()
			ctx, cancel := context.WithCancel(t.Context())
			go func() { _, _ = w.Do(ctx, 2) }()
			synctest.Wait()
			cancel()
			synctest.Wait()
			go func() { _, _ = w.Do(t.Context(), 3) }()
			synctest.Wait()
			close(g.open)
			synctest.Wait()
			require.Equal(t, [][]int{{1}, {3}}, g.batches)
		})
	})
	t.Run("a batch that gets no answer is given up, and the next one goes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			w := newWriter(t, func(ctx context.Context, batch []int) []coalesce.Result[int] {
				results := make([]coalesce.Result[int], len(batch))
				if calls++; calls == 1 {
					<-ctx.Done()
					results[0].Err = ctx.Err()
				}
				return results
			}, 10, 10, nil)
			_, err := w.Do(t.Context(), 1)
			require.Equal(t, fault.ReasonDatabaseDown, fault.ReasonOf(err))
			_, err = w.Do(t.Context(), 2)
			require.NoError(t, err)
		})
	})
	t.Run("a panic is its callers' own", func(t *testing.T) {
		w := newWriter(t, func(_ context.Context, batch []int) []coalesce.Result[int] {
			if batch[0] < 0 {
				panic("a bug")
			}
			return make([]coalesce.Result[int], len(batch))
		}, 10, 10, nil)
		require.Panics(t, func() { _, _ = w.Do(t.Context(), -1) })
		_, err := w.Do(t.Context(), 1)
		require.NoError(t, err)
	})
	t.Run("close waits for what was taken and refuses the rest", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := &gate{open: make(chan struct{})}
			w := newWriter(t, g.flush, 10, 10, nil)
			var got int
			go func() { got, _ = w.Do(t.Context(), 21) }()
			synctest.Wait()
			closed := make(chan struct{})
			go func() { w.Close(context.Background()); close(closed) }()
			synctest.Wait()
			_, err := w.Do(t.Context(), 1)
			require.Equal(t, fault.KindUnavailable, fault.KindOf(err))
			close(g.open)
			<-closed
			synctest.Wait()
			require.Equal(t, 42, got)
		})
	})
}

func BenchmarkWriter(b *testing.B) {
	w := coalesce.New(func(_ context.Context, batch []int) []coalesce.Result[int] {
		return make([]coalesce.Result[int], len(batch))
	}, 64, 4096, nil)
	defer w.Close(context.Background())
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, _ = w.Do(b.Context(), 1)
		}
	})
}

func TestTurns(t *testing.T) {
	t.Run("while one writer writes, the others gather", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			first, second := &gate{open: make(chan struct{})}, &gate{open: make(chan struct{})}
			turns := coalesce.NewTurns(1)
			one := newWriter(t, first.flush, 10, 100, nil).InTurn(turns)
			other := newWriter(t, second.flush, 10, 100, nil).InTurn(turns)
			var callers sync.WaitGroup
			callers.Go(func() { _, _ = one.Do(t.Context(), 0) })
			synctest.Wait()
			for n := range 3 {
				callers.Go(func() { _, _ = other.Do(t.Context(), n) })
				synctest.Wait()
			}
			require.Empty(t, second.batches)
			close(first.open)
			synctest.Wait()
			require.Equal(t, [][]int{{0, 1, 2}}, second.batches)
			close(second.open)
			callers.Wait()
		})
	})
	t.Run("as many write at once as there are turns", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			turns := coalesce.NewTurns(2)
			gates := make([]*gate, 3)
			var callers sync.WaitGroup
			for i := range gates {
				gates[i] = &gate{open: make(chan struct{})}
				w := newWriter(t, gates[i].flush, 10, 100, nil).InTurn(turns)
				callers.Go(func() { _, _ = w.Do(t.Context(), i) })
				synctest.Wait()
			}
			require.NotEmpty(t, gates[1].batches)
			require.Empty(t, gates[2].batches)
			close(gates[1].open)
			synctest.Wait()
			require.NotEmpty(t, gates[2].batches)
			close(gates[0].open)
			close(gates[2].open)
			callers.Wait()
		})
	})
}
