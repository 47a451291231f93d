package cached

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/orderprocessing/orderprocessing/server/cache"
	"github.com/orderprocessing/orderprocessing/server/outbound"
)

const (
	// patience is what a shared cache may take: a caller waits for it, who could have asked the store.
	patience = 20 * time.Millisecond
	// aloneFor is how long a shared cache that failed is left alone.
	aloneFor = time.Second
)

// layer is a cache whose failures are counted, and cost hits. A nil layer has nothing and keeps nothing,
// and so has the empty key.
type layer struct {
	cache         cache.Cache
	reads, writes outcomes
}

// get gives an entry, or else a lease, which is 0 where nothing can be filled.
func (l *layer) get(ctx context.Context, key string) (e cache.Entry, lease cache.Lease, ok bool) {
	if l == nil || key == "" {
		return e, 0, false
	}
	e, lease, err := l.cache.Get(ctx, key)
	switch {
	case err != nil:
		l.reads.failed.Inc()
		return cache.Entry{}, 0, false
	case lease != 0:
		l.reads.not.Inc()
		return e, lease, false
	}
	l.reads.done.Inc()
	return e, 0, true
}

// peek is get without being counted.
func (l *layer) peek(ctx context.Context, key string) (e cache.Entry, lease cache.Lease, ok bool) {
	if l == nil || key == "" {
		return e, 0, false
	}
	e, lease, err := l.cache.Get(ctx, key)
	return e, lease, err == nil && lease == 0
}

// fill tells whether no older entry can be there from now on.
func (l *layer) fill(ctx context.Context, key string, lease cache.Lease, e cache.Entry, expiry time.Duration) bool {
	if l == nil || key == "" || lease == 0 {
		return false
	}
	if len(e.Value) > maxBytes {
		return false
	}
	filled, err := l.cache.Fill(ctx, key, lease, e, expiry)
	l.writes.count(filled, err)
	return err == nil
}

func (l *layer) update(ctx context.Context, updates ...cache.Update) {
	if l == nil {
		return
	}
	if err := l.cache.Update(ctx, updates...); err != nil {
		l.writes.failed.Inc()
	}
}

// impatient is a cache that is left alone while it is slow or away. Its updates are not for callers to
// wait for, and are made whatever became of others.
type impatient struct {
	cache.Cache
	calls *outbound.Caller
}

func guarded(shared cache.Cache, registry prometheus.Registerer) *impatient {
	return &impatient{shared, outbound.New("cache", outbound.Options{
		Timeout: time.Minute, TryTimeout: patience, MaxTries: 1, Metrics: registry,
		Breaker: outbound.BreakerOptions{MinTries: 5, OpenFor: aloneFor, Probes: 1},
	})}
}

type gotten struct {
	entry cache.Entry
	lease cache.Lease
}

// Get implements cache.Cache.
func (i *impatient) Get(ctx context.Context, key string) (cache.Entry, cache.Lease, error) {
	g, err := outbound.Do(ctx, i.calls, failed, func(ctx context.Context) (g gotten, err error) {
		g.entry, g.lease, err = i.Cache.Get(ctx, key)
		return g, err
	})
	return g.entry, g.lease, err
}

// Fill implements cache.Cache.
func (i *impatient) Fill(
	ctx context.Context, key string, lease cache.Lease, e cache.Entry, expiry time.Duration,
) (bool, error) {
	return outbound.Do(ctx, i.calls, failed, func(ctx context.Context) (bool, error) {
		return i.Cache.Fill(ctx, key, lease, e, expiry)
	})
}

func failed(error) outbound.Verdict { return outbound.Verdict{Health: outbound.Failed} }
