package redis_test

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/ratelimit"
	"github.com/orderprocessing/orderprocessing/server/ratelimit/limittest"
	limits "github.com/orderprocessing/orderprocessing/server/ratelimit/redis"
	"github.com/orderprocessing/orderprocessing/server/redisclient"
	"github.com/orderprocessing/orderprocessing/server/redistest"
)

func TestMain(m *testing.M) { redistest.VerifyTestMain(m) }

const prefix = "limit:"

func open(t *testing.T, urls ...string) redis.UniversalClient {
	t.Helper()
	client, err := redisclient.Open(urls...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// rewind lets time pass for every bucket of a server: each is full so much earlier.
func rewind(tb testing.TB, server redis.Cmdable, d time.Duration) {
	tb.Helper()
	keys := server.Scan(tb.Context(), 0, prefix+"*", 1000).Iterator()
	for keys.Next(tb.Context()) {
		full, err := server.Get(tb.Context(), keys.Val()).Int64()
		require.NoError(tb, err)
		earlier := strconv.FormatInt(full-d.Microseconds(), 10)
		require.NoError(tb, server.Set(tb.Context(), keys.Val(), earlier, redis.KeepTTL).Err())
	}
	require.NoError(tb, keys.Err())
}

func TestRedis(t *testing.T) {
	client := open(t, redistest.Start(t).URL())
	limittest.Run(t, limittest.Backend{
		Buckets: limits.New(client, prefix),
		Advance: func(tb testing.TB, d time.Duration) { rewind(tb, client, d) },
	})
	t.Run("a bucket is forgotten when it is full", func(t *testing.T) {
		_, err := limits.New(client, prefix).Take(t.Context(), "key", ratelimit.Limit{PerMinute: 60, Burst: 10}, 5)
		require.NoError(t, err)
		left, err := client.PTTL(t.Context(), prefix+"key").Result()
		require.NoError(t, err)
		require.Greater(t, left, time.Duration(0))
		require.LessOrEqual(t, left, 5*time.Second)
	})
}

func TestRedisCluster(t *testing.T) {
	client := open(t, redistest.StartCluster(t)...)
	limittest.Run(t, limittest.Backend{
		Buckets: limits.New(client, prefix),
		Advance: func(tb testing.TB, d time.Duration) {
			err := client.(*redis.ClusterClient).ForEachMaster(tb.Context(), func(_ context.Context, server *redis.Client) error {
				rewind(tb, server, d)
				return nil
			})
			require.NoError(tb, err)
		},
	})
}

// TestReplicas lets replicas come and go while they share a budget: they are let through no more than
// what one bucket gives, and one percent.
func TestReplicas(t *testing.T) {
	url := redistest.Start(t).URL()
	limit := ratelimit.Limit{PerMinute: 60_000, Burst: 500}
	var through atomic.Int64
	began := time.Now()
	var replicas sync.WaitGroup
	for range 2 {
		replicas.Go(func() {
			for range 5 { // a replica that stops, and one that takes its place
				client, err := redisclient.Open(url)
				if err != nil {
					t.Error(err)
					return
				}
				buckets := limits.New(client, prefix)
				var callers sync.WaitGroup
				for range 4 {
					callers.Go(func() {
						for range 200 {
							result, err := buckets.Take(t.Context(), "shared", limit, 1)
							if err != nil {
								t.Error(err)
								return
							}
							if result.OK {
								through.Add(1)
							}
						}
					})
				}
				callers.Wait()
				_ = client.Close()
			}
		})
	}
	replicas.Wait()
	most := float64(limit.Burst) + time.Since(began).Seconds()*float64(limit.PerMinute)/60
	t.Logf("%d of %.0f", through.Load(), most)
	require.Less(t, most, 8000.0, "there were fewer calls than the limit allows: this proves nothing")
	require.LessOrEqual(t, float64(through.Load()), most*1.01)
	require.GreaterOrEqual(t, through.Load(), int64(limit.Burst))
}
