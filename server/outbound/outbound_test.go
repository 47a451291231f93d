package outbound_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/outbound"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errDown = errors.New("down")

func always(v outbound.Verdict) outbound.Classify { return func(error) outbound.Verdict { return v } }

var retryable = always(outbound.Verdict{Health: outbound.Failed, Retry: true})

// failing fails a number of times, counts its calls, and remembers when they came.
type failing struct {
	times int
	calls []time.Time
}

func (f *failing) try(context.Context) (int, error) {
	f.calls = append(f.calls, time.Now())
	if len(f.calls) <= f.times {
		return 0, errDown
	}
	return len(f.calls), nil
}

func TestDo_Retry(t *testing.T) {
	t.Run("what may pass is tried again until it does", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := &failing{times: 2}
			got, err := outbound.Do(t.Context(), outbound.New("x", outbound.Options{}), retryable, f.try)
			require.NoError(t, err)
			require.Equal(t, 3, got)
		})
	})
	t.Run("it does not pause after the last try", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := &failing{times: 99}
			_, err := outbound.Do(t.Context(), outbound.New("x", outbound.Options{MaxTries: 3}), retryable, f.try)
			require.ErrorIs(t, err, errDown)
			require.Len(t, f.calls, 3)
			require.Equal(t, f.calls[2], time.Now())
		})
	})
	t.Run("one try is made even when only one is allowed", func(t *testing.T) {
		f := &failing{}
		got, err := outbound.Do(t.Context(), outbound.New("x", outbound.Options{MaxTries: 1}), retryable, f.try)
		require.NoError(t, err)
		require.Equal(t, 1, got)
	})
	t.Run("what cannot pass is tried once", func(t *testing.T) {
		f := &failing{times: 99}
		_, err := outbound.Do(t.Context(), outbound.New("x", outbound.Options{}), always(outbound.Verdict{}), f.try)
		require.ErrorIs(t, err, errDown)
		require.Len(t, f.calls, 1)
	})
	t.Run("pauses are under a ceiling that doubles to its cap and never overflows", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := &failing{times: 9}
			c := outbound.New("x", outbound.Options{
				MaxTries: 12, Backoff: time.Second, BackoffCap: 3 * time.Second, Timeout: time.Hour,
				Breaker: outbound.BreakerOptions{MinTries: math.MaxUint32},
			})
			_, err := outbound.Do(t.Context(), c, retryable, f.try)
			require.NoError(t, err)
			for i, ceiling := range []time.Duration{1, 2, 3, 3, 3, 3, 3, 3, 3} {
				require.LessOrEqual(t, f.calls[i+1].Sub(f.calls[i]), ceiling*time.Second)
			}
		})
	})
	t.Run("it waits at least as long as the other side asks", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := &failing{times: 1}
			_, err := outbound.Do(t.Context(), outbound.New("x", outbound.Options{}),
				always(outbound.Verdict{Retry: true, After: 3 * time.Second}), f.try)
			require.NoError(t, err)
			require.GreaterOrEqual(t, f.calls[1].Sub(f.calls[0]), 3*time.Second)
		})
	})
	t.Run("a side that asks for too long is left alone", func(t *testing.T) {
		f := &failing{times: 1}
		_, err := outbound.Do(t.Context(), outbound.New("x", outbound.Options{}),
			always(outbound.Verdict{Retry: true, After: time.Minute}), f.try)
		require.ErrorIs(t, err, errDown)
		require.Len(t, f.calls, 1)
	})
	t.Run("a pause that would outlast the deadline is not begun", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			f := &failing{times: 9}
			_, err := outbound.Do(ctx, outbound.New("x", outbound.Options{}),
				always(outbound.Verdict{Retry: true, After: 2 * time.Second}), f.try)
			require.ErrorIs(t, err, errDown)
			require.Equal(t, f.calls[0], time.Now())
		})
	})
	t.Run("a try that hangs is ended, and another made", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			tries := 0
			got, err := outbound.Do(t.Context(), outbound.New("x", outbound.Options{TryTimeout: time.Second}), retryable,
				func(ctx context.Context) (string, error) {
					if tries++; tries == 1 {
						<-ctx.Done()
						return "", ctx.Err()
					}
					return "answer", nil
				})
			require.NoError(t, err)
			require.Equal(t, "answer", got)
		})
	})
	t.Run("retries stay within a tenth of the calls and ten more", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := outbound.New("x", outbound.Options{Breaker: outbound.BreakerOptions{MinTries: math.MaxUint32}})
			f := &failing{times: math.MaxInt}
			for range 100 {
				_, _ = outbound.Do(t.Context(), c, retryable, f.try)
			}
			require.LessOrEqual(t, len(f.calls), 100+10+10)
			require.Greater(t, len(f.calls), 100+10)
		})
	})
	t.Run("a caller who goes away ends the pause", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			f := &failing{times: 9}
			var err error
			go func() {
				_, err = outbound.Do(ctx, outbound.New("x", outbound.Options{}),
					always(outbound.Verdict{Retry: true, After: 5 * time.Second}), f.try)
			}()
			synctest.Wait()
			cancel()
			synctest.Wait()
			require.ErrorIs(t, err, errDown)
			require.Len(t, f.calls, 1)
		})
	})
}

func call(ctx context.Context, c *outbound.Caller, health outbound.Health, err error) error {
	_, err = outbound.Do(ctx, c, always(outbound.Verdict{Health: health}), func(context.Context) (int, error) { return 0, err })
	return err
}

func TestDo_Breaker(t *testing.T) {
	options := outbound.Options{Breaker: outbound.BreakerOptions{
		Window: 10 * time.Second, MinTries: 10, FailureRate: 0.5, OpenFor: 5 * time.Second, Probes: 2,
	}}
	open := func(t *testing.T, c *outbound.Caller) {
		t.Helper()
		for range 10 {
			require.ErrorIs(t, call(t.Context(), c, outbound.Failed, errDown), errDown)
		}
		require.Equal(t, "open", c.State())
	}
	t.Run("it opens at its failure rate, keeps calls back, and says when to come back", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := outbound.New("x", options)
			open(t, c)
			err := succeed(t, c)
			require.Equal(t, fault.ReasonDependencyDown, fault.ReasonOf(err))
			require.Equal(t, fault.KindUnavailable, fault.KindOf(err))
			require.Equal(t, 5*time.Second, fault.From(err).RetryAfter)
		})
	})
	t.Run("failures that are older than the window are forgotten", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := outbound.New("x", options)
			for range 9 {
				_ = call(t.Context(), c, outbound.Failed, errDown)
			}
			pass(12 * time.Second)
			for range 9 {
				_ = call(t.Context(), c, outbound.Failed, errDown)
			}
			require.Equal(t, "closed", c.State())
		})
	})
	t.Run("answers, declines included, and callers who go away are no failures", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := outbound.New("x", options)
			gone, cancel := context.WithCancel(t.Context())
			cancel()
			for range 100 {
				_ = call(t.Context(), c, outbound.Answered, errDown)
				_ = call(gone, c, outbound.Failed, errDown)
			}
			require.Equal(t, "closed", c.State())
		})
	})
	t.Run("a caller in a hurry proves nothing, one who waited a second does", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			hang := func(c *outbound.Caller, patience time.Duration) {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				_, err := outbound.Do(ctx, c, retryable, func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() })
				require.ErrorIs(t, err, context.DeadlineExceeded)
			}
			c := outbound.New("x", outbound.Options{Breaker: outbound.BreakerOptions{Window: time.Hour, MinTries: 10}})
			for range 20 {
				hang(c, time.Millisecond)
			}
			require.Equal(t, "closed", c.State())
			for range 10 {
				hang(c, time.Second)
			}
			require.Equal(t, "open", c.State())
		})
	})
	t.Run("half open lets so many probes through at once, and closes when they succeed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := outbound.New("x", options)
			open(t, c)
			pass(6 * time.Second)
			require.Equal(t, "half-open", c.State())
			answer := make(chan struct{})
			var mu sync.Mutex
			var callers sync.WaitGroup
			reached, keptBack := 0, 0
			for range 10 {
				callers.Go(func() {
					_, err := outbound.Do(t.Context(), c, retryable, func(context.Context) (int, error) {
						mu.Lock()
						reached++
						mu.Unlock()
						<-answer
						return 0, nil
					})
					if err != nil {
						mu.Lock()
						keptBack++
						mu.Unlock()
					}
				})
			}
			synctest.Wait()
			mu.Lock()
			require.Equal(t, 2, reached)
			require.Equal(t, 8, keptBack)
			mu.Unlock()
			close(answer)
			callers.Wait()
			require.Equal(t, "closed", c.State())
		})
	})
	t.Run("a probe whose caller goes away gives its place to another", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := outbound.New("x", options)
			open(t, c)
			pass(6 * time.Second)
			gone, cancel := context.WithCancel(t.Context())
			cancel()
			for range 5 {
				require.ErrorIs(t, call(gone, c, outbound.Failed, errDown), errDown)
			}
			require.Equal(t, "half-open", c.State())
			require.NoError(t, succeed(t, c))
			require.NoError(t, succeed(t, c))
			require.Equal(t, "closed", c.State())
		})
	})
	t.Run("an answer that comes after the state has changed counts for nothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := outbound.New("x", options)
			late := make(chan struct{})
			go func() {
				_, _ = outbound.Do(t.Context(), c, always(outbound.Verdict{Health: outbound.Failed}), func(context.Context) (int, error) {
					<-late
					return 0, errDown
				})
			}()
			synctest.Wait()
			open(t, c)
			pass(6 * time.Second)
			require.Equal(t, "half-open", c.State())
			close(late)
			synctest.Wait()
			require.Equal(t, "half-open", c.State())
		})
	})
	t.Run("a probe that fails opens it again, and a panic counts as a failure", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := outbound.New("x", options)
			open(t, c)
			pass(6 * time.Second)
			require.Panics(t, func() {
				_, _ = outbound.Do(t.Context(), c, retryable, func(context.Context) (int, error) { panic("bug") })
			})
			require.Equal(t, "open", c.State())
		})
	})
	t.Run("no call waits for another", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := outbound.New("x", options)
			stuck := make(chan struct{})
			go func() {
				_, _ = outbound.Do(t.Context(), c, retryable, func(context.Context) (int, error) { <-stuck; return 0, nil })
			}()
			synctest.Wait()
			require.NoError(t, succeed(t, c))
			close(stuck)
		})
	})
}

// succeed makes one call that would succeed.
func succeed(t *testing.T, c *outbound.Caller) error {
	t.Helper()
	return call(t.Context(), c, outbound.Answered, nil)
}

// pass lets the time of the bubble pass.
func pass(d time.Duration) { <-time.After(d) }

func TestDo_Observed(t *testing.T) {
	t.Run("the breaker's state is a metric and a line in the log", func(t *testing.T) {
		var log bytes.Buffer
		registry := prometheus.NewRegistry()
		c := outbound.New("gateway", outbound.Options{
			Log: slog.New(slog.NewTextHandler(&log, nil)), Metrics: registry, Breaker: outbound.BreakerOptions{MinTries: 1},
		})
		_ = call(t.Context(), c, outbound.Failed, errDown)
		_ = call(t.Context(), c, outbound.Answered, nil)
		require.Contains(t, log.String(), "dependency=gateway from=closed to=open")
		require.Equal(t, map[string]float64{"": 2}, gathered(t, registry, telemetry.MetricBreakerState))
		require.Equal(t, map[string]float64{"failed": 1, "kept_back": 1}, gathered(t, registry, telemetry.MetricOutboundDuration))
	})
}

// gathered gives a metric of the dependency gateway by its outcome: a gauge's value, a histogram's count.
func gathered(t *testing.T, registry *prometheus.Registry, name string) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	require.NoError(t, err)
	values := map[string]float64{}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			outcome := ""
			for _, label := range m.GetLabel() {
				switch label.GetName() {
				case telemetry.LabelOutcome:
					outcome = label.GetValue()
				case telemetry.LabelDependency:
					require.Equal(t, "gateway", label.GetValue())
				}
			}
			values[outcome] = m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return values
}

func BenchmarkDo(b *testing.B) {
	c := outbound.New("x", outbound.Options{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, _ = outbound.Do(b.Context(), c, retryable, func(context.Context) (int, error) { return 0, nil })
		}
	})
}
