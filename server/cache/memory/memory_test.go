package memory_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orderprocessing/orderprocessing/server/cache"
	"github.com/orderprocessing/orderprocessing/server/cache/cachetest"
	"github.com/orderprocessing/orderprocessing/server/cache/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemory(t *testing.T) {
	var mu sync.Mutex
	at := time.Unix(0, 0)
	c, err := memory.New(1<<20, func() time.Time { mu.Lock(); defer mu.Unlock(); return at })
	require.NoError(t, err)
	cachetest.Run(t, cachetest.Backend{
		Cache:   c,
		Advance: func(_ testing.TB, d time.Duration) { mu.Lock(); defer mu.Unlock(); at = at.Add(d) },
	})
	t.Run("clearing drops entries and ends leases", func(t *testing.T) {
		fill(t, c, "entry", 100)
		_, lease, err := c.Get(t.Context(), "leased")
		require.NoError(t, err)
		c.Clear()
		_, other, err := c.Get(t.Context(), "entry")
		require.NoError(t, err)
		require.NotZero(t, other)
		ok, err := c.Fill(t.Context(), "leased", lease, cache.Entry{}, time.Minute)
		require.NoError(t, err)
		require.False(t, ok)
	})
}

func TestMemory_bound(t *testing.T) {
	const most = 1 << 20
	c, err := memory.New(most, time.Now)
	require.NoError(t, err)
	for i := range 5_000 {
		fill(t, c, fmt.Sprint("key ", i), 1<<10)
		require.LessOrEqual(t, c.Bytes(), most+2<<10)
	}
	require.Greater(t, c.Bytes(), most/2)
}

// fill fills a key that is empty, as long as the cache lets it.
func fill(t *testing.T, c *memory.Cache, key string, size int) {
	t.Helper()
	_, lease, err := c.Get(t.Context(), key)
	require.NoError(t, err)
	require.NotZero(t, lease)
	_, err = c.Fill(t.Context(), key, lease, cache.Entry{Version: 1, Value: make([]byte, size)}, time.Minute)
	require.NoError(t, err)
}

func BenchmarkGet(b *testing.B) {
	c, err := memory.New(16<<20, time.Now)
	require.NoError(b, err)
	_, lease, err := c.Get(b.Context(), "key")
	require.NoError(b, err)
	_, err = c.Fill(b.Context(), "key", lease, cache.Entry{Version: 1, Value: make([]byte, 400)}, time.Hour)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, lease, _ := c.Get(b.Context(), "key"); lease != 0 {
			b.Fatal("it is gone")
		}
	}
}
