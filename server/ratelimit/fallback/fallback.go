// Package fallback counts in this process while the buckets that replicas share are away.
package fallback

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/orderprocessing/orderprocessing/server/outbound"
	"github.com/orderprocessing/orderprocessing/server/ratelimit"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// Options of the fallback.
type Options struct {
	Shared   ratelimit.Buckets
	Local    ratelimit.Buckets     // must not fail
	Share    float64               // of each limit that applies while counting locally: one by the number of replicas
	OpenFor  time.Duration         // how long shared buckets that failed are left alone; 0 means 1 s
	Log      *slog.Logger          // one line when the shared buckets go, one when they are back
	Registry prometheus.Registerer // nil counts nothing
}

// tryTimeout is what the shared buckets may take: a call waits for them.
const tryTimeout = 100 * time.Millisecond

// Buckets is a ratelimit.Buckets that does not fail.
type Buckets struct {
	options Options
	shared  *outbound.Caller
	taken   prometheus.Counter
	local   atomic.Bool // whether it counts locally now
}

// New puts local buckets behind shared ones.
func New(o Options) *Buckets {
	if o.OpenFor == 0 {
		o.OpenFor = time.Second
	}
	b := &Buckets{
		options: o,
		shared: outbound.New("limits", outbound.Options{
			Timeout: tryTimeout, TryTimeout: tryTimeout, MaxTries: 1, Metrics: o.Registry,
			Breaker: outbound.BreakerOptions{MinTries: 5, OpenFor: o.OpenFor, Probes: 1},
		}),
		taken: prometheus.NewCounter(prometheus.CounterOpts{
			Name: telemetry.MetricLimitFallback,
			Help: "Calls that were counted in this process because the shared buckets were away.",
		}),
	}
	if o.Registry != nil {
		o.Registry.MustRegister(b.taken)
	}
	return b
}

// Take implements ratelimit.Buckets.
func (b *Buckets) Take(ctx context.Context, key string, limit ratelimit.Limit, tokens int) (ratelimit.Result, error) {
	result, err := outbound.Do(ctx, b.shared, failed, func(ctx context.Context) (ratelimit.Result, error) {
		return b.options.Shared.Take(ctx, key, limit, tokens)
	})
	b.tell(err)
	if err == nil {
		return result, nil
	}
	b.taken.Inc()
	return b.options.Local.Take(ctx, key, limit.Times(b.options.Share), tokens)
}

// tell logs a change: away when the breaker opens, back when it has closed.
func (b *Buckets) tell(err error) {
	closed := b.shared.State() == "closed"
	switch {
	case closed && err == nil && b.local.CompareAndSwap(true, false):
		b.options.Log.Info("the limits are shared between replicas again")
	case !closed && err != nil && b.local.CompareAndSwap(false, true):
		b.options.Log.Warn("the limits are counted in this process alone, at a share: the shared ones cannot be reached",
			slog.Any(telemetry.LogError, err))
	}
}

func failed(error) outbound.Verdict { return outbound.Verdict{Health: outbound.Failed} }
