package redis_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/cache"
	"github.com/orderprocessing/orderprocessing/server/cache/cachetest"
	shared "github.com/orderprocessing/orderprocessing/server/cache/redis"
	"github.com/orderprocessing/orderprocessing/server/redisclient"
	"github.com/orderprocessing/orderprocessing/server/redistest"
)

func TestMain(m *testing.M) { redistest.VerifyTestMain(m) }

const prefix = "cache:"

func open(t *testing.T, urls ...string) redis.UniversalClient {
	t.Helper()
	client, err := redisclient.Open(urls...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// age lets time pass for every key of a server: each expires so much earlier.
func age(tb testing.TB, server redis.Cmdable, d time.Duration) {
	tb.Helper()
	keys := server.Scan(tb.Context(), 0, prefix+"*", 1000).Iterator()
	for keys.Next(tb.Context()) {
		left, err := server.PTTL(tb.Context(), keys.Val()).Result()
		require.NoError(tb, err)
		require.Positive(tb, left, "everything expires")
		require.NoError(tb, server.PExpire(tb.Context(), keys.Val(), left-d).Err())
	}
	require.NoError(tb, keys.Err())
}

func TestRedis(t *testing.T) {
	client := open(t, redistest.Start(t).URL())
	cachetest.Run(t, cachetest.Backend{
		Cache:   shared.New(client, prefix),
		Advance: func(tb testing.TB, d time.Duration) { age(tb, client, d) },
	})
}

func TestRedisCluster(t *testing.T) {
	client := open(t, redistest.StartCluster(t)...)
	cachetest.Run(t, cachetest.Backend{
		Cache: shared.New(client, prefix),
		Advance: func(tb testing.TB, d time.Duration) {
			err := client.(*redis.ClusterClient).ForEachMaster(tb.Context(), func(_ context.Context, server *redis.Client) error {
				age(tb, server, d)
				return nil
			})
			require.NoError(tb, err)
		},
	})
	testListen(t, client)
}

// ears keep what was heard.
type ears struct {
	mu    sync.Mutex
	heard []string
}

func (e *ears) hear(what string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, what)
}

func (e *ears) last() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.heard) == 0 {
		return ""
	}
	return e.heard[len(e.heard)-1]
}

func listen(t *testing.T, c *shared.Cache) (e *ears, stop func()) {
	t.Helper()
	e = &ears{}
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		c.Listen(ctx, func() { e.hear("on") }, func(error) { e.hear("off") },
			func(key string, version int64) { e.hear(fmt.Sprint(key, " ", version)) })
	}()
	return e, func() { cancel(); <-stopped }
}

func eventually(t *testing.T, e *ears, what string) {
	t.Helper()
	require.Eventually(t, func() bool { return e.last() == what }, 20*time.Second, time.Millisecond, what)
}

func testListen(t *testing.T, client redis.UniversalClient) {
	t.Run("replicas hear of each change, also of what is not cached", func(t *testing.T) {
		c := shared.New(client, prefix)
		one, stopOne := listen(t, c)
		defer stopOne()
		other, stopOther := listen(t, c)
		defer stopOther()
		eventually(t, one, "on")
		eventually(t, other, "on")
		for i := range 20 { // all over the servers
			key := fmt.Sprint("key:", i)
			require.NoError(t, c.Update(t.Context(), cache.Update{Key: key, Version: 7}))
			eventually(t, one, key+" 7")
			eventually(t, other, key+" 7")
		}
	})
}

func TestListen(t *testing.T) {
	server := redistest.Start(t)
	client := open(t, server.URL())
	testListen(t, client)
	t.Run("it is told that something may have been missed, and when it hears again", func(t *testing.T) {
		c := shared.New(client, prefix)
		e, stop := listen(t, c)
		defer stop()
		eventually(t, e, "on")
		server.Kill(t)
		eventually(t, e, "off")
		server.Restart(t)
		eventually(t, e, "on")
		require.Eventually(t, func() bool { return c.Update(t.Context(), cache.Update{Key: "key", Version: 8}) == nil },
			20*time.Second, time.Millisecond)
		eventually(t, e, "key 8")
	})
	t.Run("a server that says nothing any more is noticed", func(t *testing.T) {
		e, stop := listen(t, shared.New(client, prefix))
		defer stop()
		eventually(t, e, "on")
		require.NoError(t, client.Do(t.Context(), "CLIENT", "PAUSE", "10000", "ALL").Err())
		eventually(t, e, "off")
	})
}
