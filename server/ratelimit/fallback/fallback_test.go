package fallback_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/ratelimit"
	"github.com/orderprocessing/orderprocessing/server/ratelimit/fallback"
	"github.com/orderprocessing/orderprocessing/server/ratelimit/limittest"
	"github.com/orderprocessing/orderprocessing/server/ratelimit/memory"
	"github.com/orderprocessing/orderprocessing/server/ratelimit/redis"
	"github.com/orderprocessing/orderprocessing/server/redisclient"
	"github.com/orderprocessing/orderprocessing/server/redistest"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

func TestMain(m *testing.M) { redistest.VerifyTestMain(m) }

type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) count(text string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.buf.String(), text)
}

const (
	away = "counted in this process alone"
	back = "shared between replicas again"
)

func counted(t *testing.T, registry *prometheus.Registry) float64 {
	t.Helper()
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() == telemetry.MetricLimitFallback {
			return family.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatal("nothing is counted")
	return 0
}

// broken is a store that is away as long as it is told to be.
type broken struct {
	ratelimit.Buckets
	away  atomic.Bool
	tried atomic.Int64
}

func (b *broken) Take(ctx context.Context, key string, limit ratelimit.Limit, tokens int) (ratelimit.Result, error) {
	b.tried.Add(1)
	if b.away.Load() {
		return ratelimit.Result{}, errors.New("away")
	}
	return b.Buckets.Take(ctx, key, limit, tokens)
}

func TestFallback(t *testing.T) {
	var mu sync.Mutex
	at := time.Unix(0, 0)
	now := func() time.Time { mu.Lock(); defer mu.Unlock(); return at }
	advance := func(_ testing.TB, d time.Duration) { mu.Lock(); defer mu.Unlock(); at = at.Add(d) }
	limit := ratelimit.Limit{PerMinute: 1, Burst: 100}
	build := func() (*fallback.Buckets, *broken, *logBuffer, *prometheus.Registry) {
		shared, logs, registry := &broken{Buckets: memory.New(1000, now)}, &logBuffer{}, prometheus.NewRegistry()
		return fallback.New(fallback.Options{
			Shared: shared, Local: memory.New(1000, now), Share: 0.5, OpenFor: time.Hour,
			Log: slog.New(slog.NewTextHandler(logs, nil)), Registry: registry,
		}), shared, logs, registry
	}
	t.Run("while the shared buckets are there it is one like any other", func(t *testing.T) {
		buckets, _, logs, _ := build()
		limittest.Run(t, limittest.Backend{Buckets: buckets, Advance: advance})
		require.Zero(t, logs.count("level"))
	})
	t.Run("while they are away it counts locally, at its share", func(t *testing.T) {
		buckets, shared, logs, registry := build()
		shared.away.Store(true)
		through := 0
		for range 200 {
			result, err := buckets.Take(t.Context(), "key", limit, 1)
			require.NoError(t, err)
			if result.OK {
				through++
			}
		}
		require.Equal(t, 50, through)
		require.Equal(t, 1, logs.count(away), "the change is told once")
		require.EqualValues(t, 5, shared.tried.Load(), "what is known to be away is left alone")
		require.EqualValues(t, 200, counted(t, registry))
	})
	t.Run("a caller who leaves does not count against the shared buckets", func(t *testing.T) {
		buckets, shared, logs, _ := build()
		shared.away.Store(true)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 20 {
			_, err := buckets.Take(ctx, "key", limit, 1)
			require.NoError(t, err)
		}
		require.Zero(t, logs.count(away))
	})
}

// TestFallback_redisKilled kills Redis under calls and starts it again.
func TestFallback_redisKilled(t *testing.T) {
	server := redistest.Start(t)
	client, err := redisclient.Open(server.URL())
	require.NoError(t, err)
	defer client.Close()
	logs := &logBuffer{}
	buckets := fallback.New(fallback.Options{
		Shared: redis.New(client, "limit:"), Local: memory.New(1000, time.Now), Share: 0.5, OpenFor: 50 * time.Millisecond,
		Log: slog.New(slog.NewTextHandler(logs, nil)),
	})
	ctx, stop := context.WithCancel(t.Context())
	var calls atomic.Int64
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for ctx.Err() == nil {
				calls.Add(1)
				if _, err := buckets.Take(t.Context(), "busy", ratelimit.Limit{PerMinute: 60_000, Burst: 100}, 1); err != nil {
					t.Errorf("a call failed: %v", err)
					return
				}
			}
		})
	}
	eventually := func(happened func() bool, what string) {
		require.Eventually(t, happened, 20*time.Second, time.Millisecond, what)
	}
	eventually(func() bool { return calls.Load() > 100 }, "calls go on")
	server.Kill(t)
	eventually(func() bool { return logs.count(away) > 0 }, "it is noticed that Redis is away")
	since := calls.Load()
	eventually(func() bool { return calls.Load() > since+10_000 }, "calls go on without Redis, and fast")

	limit, through := ratelimit.Limit{PerMinute: 1, Burst: 100}, 0
	for range 200 {
		result, err := buckets.Take(t.Context(), "counted", limit, 1)
		require.NoError(t, err)
		if result.OK {
			through++
		}
	}
	require.Equal(t, 50, through, "limits go on, at the share")

	server.Restart(t)
	eventually(func() bool { return logs.count(back) > 0 }, "it comes back by itself")
	stop()
	callers.Wait()
	eventually(func() bool {
		result, err := buckets.Take(t.Context(), rand.Text(), limit, 1)
		require.NoError(t, err)
		return result.Remaining == 99
	}, "it is Redis that counts again, the whole limit")
}

func BenchmarkTake_away(b *testing.B) {
	shared := &broken{Buckets: memory.New(1000, time.Now)}
	shared.away.Store(true)
	buckets := fallback.New(fallback.Options{
		Shared: shared, Local: memory.New(1000, time.Now), Share: 0.5, OpenFor: time.Hour, Log: slog.New(slog.DiscardHandler),
	})
	b.ReportAllocs()
	for b.Loop() {
		_, _ = buckets.Take(b.Context(), "key", ratelimit.Limit{PerMinute: 60, Burst: 100}, 1)
	}
}
