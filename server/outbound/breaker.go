package outbound

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// BreakerOptions say when calls are kept back. Zero values mean the defaults.
type BreakerOptions struct {
	Window      time.Duration // over which failures are counted, rolling; 0 means 10 s
	MinTries    uint32        // no verdict on fewer tries in the window; 0 means 20
	FailureRate float64       // it opens at this fraction of failures; 0 means 0.5
	OpenFor     time.Duration // before it lets probes through; 0 means 5 s
	Probes      uint32        // at once while half open, and needed to close; 0 means 3
}

// buckets is into how many parts the window is cut.
const buckets = 10

var (
	errFailed  = errors.New("failed")
	errIgnored = errors.New("ignored")
)

// breaker is a circuit breaker. Its lock is held to admit and to report, never during a call. A
// report of a try that was admitted before the last change of state is dropped.
type breaker struct {
	name      string
	circuit   *gobreaker.TwoStepCircuitBreaker[any]
	openUntil atomic.Int64 // nanoseconds since 1970; when open
	retired   atomic.Bool  // another one has taken its place
}

// retire makes it tell nobody any more.
func (b *breaker) retire() { b.retired.Store(true) }

func newBreaker(name string, o BreakerOptions, m *metrics, log *slog.Logger) *breaker {
	b := &breaker{name: name}
	m.state(gobreaker.StateClosed)
	b.circuit = gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
		Name:         name,
		Interval:     o.Window,
		BucketPeriod: max(o.Window/buckets, 1),
		Timeout:      o.OpenFor,
		MaxRequests:  o.Probes,
		ReadyToTrip: func(counts gobreaker.Counts) bool {
			total := counts.TotalSuccesses + counts.TotalFailures
			return total >= o.MinTries && float64(counts.TotalFailures) >= o.FailureRate*float64(total)
		},
		IsExcluded: func(err error) bool { return errors.Is(err, errIgnored) },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			if to == gobreaker.StateOpen {
				b.openUntil.Store(time.Now().Add(o.OpenFor).UnixNano())
			}
			if b.retired.Load() {
				return
			}
			m.state(to)
			log.Warn("the circuit breaker changed its state", telemetry.LogDependency, name,
				telemetry.LogFrom, from.String(), telemetry.LogTo, to.String())
		},
	})
	return b
}

func (b *breaker) state() string { return b.circuit.State().String() }

// admit lets a try through, and gives what its outcome must be reported to.
func (b *breaker) admit() (report func(Health), err error) {
	done, err := b.circuit.Allow()
	if err != nil {
		f := fault.New(fault.KindUnavailable, fault.ReasonDependencyDown, "%s is not called for now: it failed too often", b.name)
		f.RetryAfter = max(time.Until(time.Unix(0, b.openUntil.Load())), time.Second)
		return nil, f.Because(err)
	}
	return func(h Health) {
		switch h {
		case Failed:
			done(errFailed)
		case Ignored:
			done(errIgnored)
		default:
			done(nil)
		}
	}, nil
}

func (o BreakerOptions) withDefaults() BreakerOptions {
	o.Window = orElse(o.Window, 10*time.Second)
	o.MinTries = orElse(o.MinTries, 20)
	o.FailureRate = orElse(o.FailureRate, 0.5)
	o.OpenFor = orElse(o.OpenFor, 5*time.Second)
	o.Probes = orElse(o.Probes, 3)
	return o
}
