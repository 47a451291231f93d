// Package outbound is how we call others: within a deadline, again after failures that may pass
// (full jitter, Retry-After, a budget), and not at all while a circuit breaker says that the other
// side is down. What a failure is, and whether it may pass, the caller's Classify tells; this
// package knows no protocol.
package outbound

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/orderprocessing/orderprocessing/server/pause"
)

// Options of the calls to one dependency. Zero values mean the defaults.
type Options struct {
	Timeout    time.Duration // of a call with all its tries, unless the caller's deadline is sooner; 0 means 30 s
	TryTimeout time.Duration // of one try; 0 means 10 s
	MaxTries   int           // at least 1; 0 means 4
	Backoff    time.Duration // ceiling of the pause after the first try; it doubles; 0 means 50 ms
	BackoffCap time.Duration // largest ceiling; 0 means 2 s
	MaxAfter   time.Duration // a longer Retry-After ends the call instead; 0 means 10 s
	Breaker    BreakerOptions
	Log        *slog.Logger          // nil logs nothing
	Metrics    prometheus.Registerer // nil counts nothing; the same dependency may be registered once
}

// Caller makes the calls to one dependency. Make one for each with New, and one for each shard of a
// dependency that fails by shards. It is safe for concurrent use and holds no lock during a call.
type Caller struct {
	name    string
	setup   atomic.Pointer[setup]
	budget  *budget
	metrics *metrics
}

// setup is what can change while calls are under way; each goes by the one that it began with.
type setup struct {
	options Options
	breaker *breaker
}

// New makes a caller of the dependency with this name, such as gateway or vault; it is a metric
// label, so names come from a small set.
func New(name string, options Options) *Caller {
	options = options.withDefaults()
	m := newMetrics(name, options.Metrics)
	c := &Caller{name: name, budget: newBudget(), metrics: m}
	c.setup.Store(&setup{options, newBreaker(name, options.Breaker, m, options.Log)})
	return c
}

// Change bounds calls anew, from the next on. Another breaker begins closed. It is not safe for concurrent use
// with itself.
func (c *Caller) Change(timeout, tryTimeout time.Duration, b BreakerOptions) {
	before := c.setup.Load()
	next := *before
	next.options.Timeout, next.options.TryTimeout, next.options.Breaker = timeout, tryTimeout, b
	next.options = next.options.withDefaults()
	if next.options.Breaker != before.options.Breaker {
		before.breaker.retire()
		next.breaker = newBreaker(c.name, next.options.Breaker, c.metrics, next.options.Log)
	}
	c.setup.Store(&next)
}

// State tells what the breaker does: closed, half-open or open.
func (c *Caller) State() string { return c.setup.Load().breaker.state() }

// Do makes a call, and makes it again as long as classify says so, tries and budget are left, and
// the pause fits before the deadline. It never pauses after the last try. The result and the error
// are those of the last try; a call that the breaker keeps back fails with DEPENDENCY_UNAVAILABLE
// and when to come back, and certainly was not made.
//
// try must be safe to repeat whenever classify gives Retry.
func Do[T any](ctx context.Context, c *Caller, classify Classify, try func(context.Context) (T, error)) (T, error) {
	now := c.setup.Load()
	ctx, cancel := context.WithTimeout(ctx, now.options.Timeout)
	defer cancel()
	c.budget.deposit()
	for tries := 1; ; tries++ {
		result, verdict, err := once(ctx, c, now, classify, try)
		if err == nil || !verdict.Retry || tries >= now.options.MaxTries || ctx.Err() != nil {
			return result, err
		}
		if verdict.After > now.options.MaxAfter {
			return result, err
		}
		// The jitter stays on top of Retry-After: those who were sent away together must not come back as one.
		wait := verdict.After + now.options.backoff(tries)
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
			return result, err
		}
		if !c.budget.withdraw() || pause.For(ctx, wait) != nil {
			return result, err
		}
		c.metrics.retried()
	}
}

// once makes one try, if the breaker lets it.
func once[T any](ctx context.Context, c *Caller, now *setup, classify Classify, try func(context.Context) (T, error)) (result T, v Verdict, err error) {
	report, err := now.breaker.admit()
	if err != nil {
		c.metrics.tried(labelKeptBack, 0)
		return result, Verdict{}, err
	}
	began := time.Now()
	v = Verdict{Health: Failed} // what a panic counts as
	defer func() {
		report(v.Health)
		c.metrics.tried(v.Health.String(), time.Since(began))
	}()
	tryCtx, cancel := context.WithTimeout(ctx, now.options.TryTimeout)
	defer cancel()
	result, err = try(tryCtx)
	v = judge(ctx, err, time.Since(began), classify)
	return result, v, err
}

// backoff is a random part of a ceiling that doubles with every try, up to a cap ("full jitter",
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
func (o Options) backoff(tries int) time.Duration {
	ceiling := o.Backoff
	for range tries - 1 {
		if ceiling >= o.BackoffCap {
			break
		}
		ceiling *= 2 // at most twice the cap: no overflow
	}
	return rand.N(min(ceiling, o.BackoffCap) + 1) //nolint:gosec // it spreads load, it hides nothing
}

func (o Options) withDefaults() Options {
	o.Timeout = orElse(o.Timeout, 30*time.Second)
	o.TryTimeout = orElse(o.TryTimeout, 10*time.Second)
	o.MaxTries = orElse(o.MaxTries, 4)
	o.Backoff = orElse(o.Backoff, 50*time.Millisecond)
	o.BackoffCap = orElse(o.BackoffCap, 2*time.Second)
	o.MaxAfter = orElse(o.MaxAfter, 10*time.Second)
	o.Breaker = o.Breaker.withDefaults()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

func orElse[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}
