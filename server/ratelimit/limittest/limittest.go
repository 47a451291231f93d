// Package limittest is the suite that every ratelimit.Buckets passes.
package limittest

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sethvargo/go-limiter"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/ratelimit"
)

// Backend is what is tested.
type Backend struct {
	Buckets ratelimit.Buckets
	// Advance lets time pass for all buckets.
	Advance func(tb testing.TB, d time.Duration)
}

// slow fills so slowly that the test itself takes no time: a token every 6 s.
func slow() ratelimit.Limit { return ratelimit.Limit{PerMinute: 10, Burst: 5} }

// near allows for the time that the test itself takes.
const near = 3 * time.Second

// Run runs the suite.
func Run(t *testing.T, b Backend) {
	take := func(t *testing.T, key string, limit ratelimit.Limit, tokens int) ratelimit.Result {
		t.Helper()
		result, err := b.Buckets.Take(t.Context(), key, limit, tokens)
		require.NoError(t, err)
		return result
	}
	t.Run("a new key has a full bucket, and each take takes one", func(t *testing.T) {
		key := rand.Text()
		for left := 4; left >= 0; left-- {
			result := take(t, key, slow(), 1)
			require.True(t, result.OK)
			require.Equal(t, left, result.Remaining)
			require.Zero(t, result.RetryAfter)
			require.Equal(t, slow(), result.Limit)
			require.InDelta(t, float64(5-left)*6, result.Reset.Seconds(), near.Seconds())
		}
	})
	t.Run("an empty bucket refuses, and tells when the next token is there", func(t *testing.T) {
		key := rand.Text()
		require.True(t, take(t, key, slow(), 5).OK)
		result := take(t, key, slow(), 1)
		require.False(t, result.OK)
		require.Zero(t, result.Remaining)
		require.InDelta(t, 6, result.RetryAfter.Seconds(), near.Seconds())
		b.Advance(t, result.RetryAfter)
		require.True(t, take(t, key, slow(), 1).OK)
		require.False(t, take(t, key, slow(), 1).OK)
	})
	t.Run("it fills evenly, not all at once", func(t *testing.T) {
		key := rand.Text()
		require.True(t, take(t, key, slow(), 5).OK)
		b.Advance(t, 13*time.Second)
		require.True(t, take(t, key, slow(), 2).OK)
		require.False(t, take(t, key, slow(), 1).OK)
	})
	t.Run("it holds no more than the burst, however long it rests", func(t *testing.T) {
		key := rand.Text()
		require.True(t, take(t, key, slow(), 1).OK)
		b.Advance(t, time.Hour)
		require.Equal(t, 0, take(t, key, slow(), 5).Remaining)
		require.False(t, take(t, key, slow(), 1).OK)
	})
	t.Run("a cost is taken whole or not at all", func(t *testing.T) {
		key := rand.Text()
		require.True(t, take(t, key, slow(), 3).OK)
		result := take(t, key, slow(), 3)
		require.False(t, result.OK)
		require.Equal(t, 2, result.Remaining)
		require.InDelta(t, 6, result.RetryAfter.Seconds(), near.Seconds())
		require.True(t, take(t, key, slow(), 2).OK)
	})
	t.Run("a cost above the burst takes the whole bucket", func(t *testing.T) {
		key := rand.Text()
		result := take(t, key, slow(), 100)
		require.True(t, result.OK)
		require.Zero(t, result.Remaining)
	})
	t.Run("looking takes nothing, and giving back fills up to the burst", func(t *testing.T) {
		key := rand.Text()
		require.True(t, take(t, key, slow(), 3).OK)
		require.Equal(t, 2, take(t, key, slow(), 0).Remaining)
		require.Equal(t, 4, take(t, key, slow(), -2).Remaining)
		require.Equal(t, 5, take(t, key, slow(), -100).Remaining)
		require.True(t, take(t, key, slow(), 5).OK)
		require.False(t, take(t, key, slow(), 1).OK)
	})
	t.Run("keys do not touch one another", func(t *testing.T) {
		require.True(t, take(t, rand.Text(), slow(), 5).OK)
		require.True(t, take(t, rand.Text(), slow(), 5).OK)
	})
	t.Run("a limit that was lowered forgives what it would not have given", func(t *testing.T) {
		key := rand.Text()
		require.True(t, take(t, key, ratelimit.Limit{PerMinute: 1, Burst: 1000}, 1000).OK)
		result := take(t, key, slow(), 1)
		require.False(t, result.OK)
		require.LessOrEqual(t, result.RetryAfter, 6*time.Second)
	})
	t.Run("of many at once exactly the burst is let through", func(t *testing.T) {
		key, limit := rand.Text(), ratelimit.Limit{PerMinute: 1, Burst: 50}
		var through atomic.Int64
		var callers sync.WaitGroup
		for range 8 {
			callers.Go(func() {
				for range 25 {
					if result, err := b.Buckets.Take(t.Context(), key, limit, 1); err == nil && result.OK {
						through.Add(1)
					}
				}
			})
		}
		callers.Wait()
		require.EqualValues(t, 50, through.Load())
	})
	t.Run("a budget over it is a store of go-limiter", func(t *testing.T) { runStore(t, b) })
}

func runStore(t *testing.T, b Backend) {
	var store limiter.Store = ratelimit.NewBudget(rand.Text(), slow(), b.Buckets)
	other := ratelimit.NewBudget(rand.Text(), slow(), b.Buckets)
	for left := 4; left >= 0; left-- {
		tokens, remaining, reset, ok, err := store.Take(t.Context(), "key")
		require.NoError(t, err)
		require.True(t, ok)
		require.EqualValues(t, 5, tokens)
		require.EqualValues(t, left, remaining)
		require.Positive(t, reset)
	}
	_, _, reset, ok, err := store.Take(t.Context(), "key")
	require.NoError(t, err)
	require.False(t, ok)
	require.InDelta(t, 6, (float64(reset)-float64(time.Now().UnixNano()))/1e9, near.Seconds())

	require.NoError(t, store.Burst(t.Context(), "key", 2))
	tokens, remaining, err := store.Get(t.Context(), "key")
	require.NoError(t, err)
	require.EqualValues(t, 5, tokens)
	require.EqualValues(t, 2, remaining)
	_, remaining, err = other.Get(t.Context(), "key")
	require.NoError(t, err)
	require.EqualValues(t, 5, remaining, "budgets do not touch one another")

	require.ErrorIs(t, store.Set(t.Context(), "key", 1, time.Second), errors.ErrUnsupported)
	require.NoError(t, store.Close(t.Context()))
	_, _, _, _, err = store.Take(context.WithoutCancel(t.Context()), "key")
	require.ErrorIs(t, err, limiter.ErrStopped)
}
