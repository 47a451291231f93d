package memory_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/ratelimit"
	"github.com/orderprocessing/orderprocessing/server/ratelimit/limittest"
	"github.com/orderprocessing/orderprocessing/server/ratelimit/memory"
)

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(_ testing.TB, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func newClock() *clock { return &clock{at: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)} }

func TestMemory(t *testing.T) {
	c := newClock()
	limittest.Run(t, limittest.Backend{Buckets: memory.New(1<<20, c.now), Advance: c.advance})
}

func TestMemory_bounded(t *testing.T) {
	const most = 1_000_000
	limit := ratelimit.Limit{PerMinute: 60, Burst: 100}
	c := newClock()
	heap := func() uint64 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	take := func(t *testing.T, b *memory.Buckets, key string, tokens int) ratelimit.Result {
		t.Helper()
		result, err := b.Take(t.Context(), key, limit, tokens)
		require.NoError(t, err)
		return result
	}
	before := heap()
	buckets := memory.New(most, c.now)
	for i := range 10_000 {
		take(t, buckets, fmt.Sprintf("address:198.51.%d.%d", i/256, i%256), 1)
	}
	require.Equal(t, 10_000, buckets.Len())
	require.True(t, take(t, buckets, "noisy", 100).OK)
	for i := range 1_200_000 {
		take(t, buckets, fmt.Sprintf("read:usr_01jd%022d", i), 1)
	}
	used := heap() - before
	t.Logf("%d keys in %d MiB", buckets.Len(), used>>20)
	t.Run("more than a million keys leave no more, in less than 200 MiB", func(t *testing.T) {
		require.LessOrEqual(t, buckets.Len(), most)
		require.Greater(t, buckets.Len(), most*9/10)
		require.Less(t, used, uint64(200<<20))
	})
	t.Run("the flood did not give back what a noisy caller had used up", func(t *testing.T) {
		require.False(t, take(t, buckets, "noisy", 1).OK)
	})
	t.Run("buckets that have filled meanwhile give way before one that has not", func(t *testing.T) {
		c.advance(t, time.Hour)
		take(t, buckets, "busy", 1)
		for i := range 50_000 {
			take(t, buckets, fmt.Sprintf("later:%d", i), 1)
		}
		require.LessOrEqual(t, buckets.Len(), most)
		require.Equal(t, 98, take(t, buckets, "busy", 1).Remaining)
	})
	runtime.KeepAlive(buckets)
}

func BenchmarkTake(b *testing.B) {
	buckets := memory.New(1<<20, time.Now)
	limit := ratelimit.Limit{PerMinute: 6_000_000, Burst: 1_000_000}
	b.ReportAllocs()
	for b.Loop() {
		_, _ = buckets.Take(b.Context(), "read:usr_01jd0000000000000000000000", limit, 1)
	}
}
