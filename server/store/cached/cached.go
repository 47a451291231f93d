// Package cached keeps copies of orders and of customers' lists of them, for those who only look. Whoever
// decides on something reads the store itself. docs/caching.md says how old a copy may be.
//
// Copies are in this process, then in a cache that replicas share, either of them or both. Whatever
// goes wrong with them costs hits and nothing else.
package cached

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"

	"github.com/orderprocessing/orderprocessing/server/cache"
	"github.com/orderprocessing/orderprocessing/server/cache/memory"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
)

const (
	// loadTimeout is how long loading may take; it goes on when those who wait for it leave.
	loadTimeout = 10 * time.Second
	// notFoundFor is how long it is remembered that there is no such order.
	notFoundFor = 2 * time.Second
	// maxBytes is the largest value that is kept, so that a few do not drive out all others.
	maxBytes = 256 << 10
)

// Shared is a cache that replicas share.
type Shared interface {
	cache.Cache
	// Listen hears of the updates of all replicas until the context ends: on when it begins to hear of
	// every update, off when it may have missed some, changed for each update; never two at a time.
	Listen(ctx context.Context, on func(), off func(error), changed func(key string, version int64))
}

// Options of the copies. Without either cache everything is read from the store.
type Options struct {
	Memory *memory.Cache // nil for none. Without Shared nobody else may change what is stored
	Shared Shared        // nil for none
	// MaxAge is how old a copy can be when no notice of its change arrives.
	MaxAge   time.Duration
	Log      *slog.Logger
	Registry prometheus.Registerer // nil counts nothing
}

// Copies is what is kept. Make it with New, start it, and let it know of every commit.
type Copies struct {
	options Options
	memory  *layer // nil for none
	shared  *layer // nil for none
	hearing hearing
	owed    *owed
	flights singleflight.Group
	expiry  time.Duration
	stop    context.CancelFunc
	stopped chan struct{}
}

// New makes copies of nothing yet.
func New(o Options) *Copies {
	c := &Copies{options: o, owed: newOwed(o.MaxAge + loadTimeout), expiry: o.MaxAge}
	m := newMetrics(o.Registry, o.Memory, c.owed)
	if o.Memory != nil {
		c.memory = &layer{cache: o.Memory, reads: m.reads(labelMemory), writes: m.writes(labelMemory)}
	}
	if o.Shared != nil {
		c.expiry = o.MaxAge / 2 // a copy here may be of a copy there
		c.shared = &layer{cache: guarded(o.Shared, o.Registry), reads: m.reads(labelShared), writes: m.writes(labelShared)}
	}
	c.hearing.everything.Store(o.Shared == nil)
	return c
}

// Committed lets the copies know of orders as they stand after a commit, before who changed them is told
// of it; entstore calls it. Where it is not certain that they stand so, copies are dropped.
func (c *Copies) Committed(orders []order.Order, certain bool) {
	updates := make([]cache.Update, 0, 2*len(orders))
	for _, o := range orders {
		u := cache.Update{Key: orderKey(o.ID), Version: o.Version, Expiry: c.jittered(c.expiry)}
		if certain {
			u.Value = func() []byte { return encode(o) }
		}
		updates = append(updates, u)
		if o.CustomerID != "" {
			updates = append(updates, cache.Update{Key: listKey(o.CustomerID)})
		}
	}
	if c.shared != nil {
		c.owed.add(updates...)
	}
	c.changed(updates...)
}

// changed ends what this process knows of what was before a change.
func (c *Copies) changed(updates ...cache.Update) {
	c.memory.update(context.Background(), updates...) // in memory: nothing waits
	for _, u := range updates {
		c.flights.Forget(u.Key)
	}
}

// place is where a value is kept: the key in each layer, empty for not there.
type place struct {
	memory string
	shared func(ctx context.Context) string
}

// loader reads the store, and says for how long what it gives is kept.
type loader func(ctx context.Context) (cache.Entry, time.Duration, error)

// read gives the entry at a place from wherever it is. Those who want the same at the same time wait for
// one of them.
func (c *Copies) read(ctx context.Context, p place, load loader) (cache.Entry, error) {
	if ctx.Err() != nil { // a store would say so, too
		return cache.Entry{}, ctx.Err()
	}
	if p.memory == "" {
		return c.find(ctx, p, load)
	}
	if e, _, ok := c.memory.get(ctx, c.usable(p.memory)); ok {
		return e, nil
	}
	found := c.flights.DoChan(p.memory, func() (e any, err error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
		defer cancel()
		defer func() {
			if value := recover(); value != nil { // nobody above would catch it
				err = fmt.Errorf("panic: %v\n%s", value, debug.Stack())
			}
		}()
		return c.find(ctx, p, load)
	})
	select {
	case result := <-found:
		e, _ := result.Val.(cache.Entry)
		return e, result.Err
	case <-ctx.Done():
		return cache.Entry{}, ctx.Err()
	}
}

// find asks one layer after the other, then the store, and fills those that had nothing. Each lease is
// taken before what is behind it is asked.
func (c *Copies) find(ctx context.Context, p place, load loader) (cache.Entry, error) {
	key := c.usable(p.memory)
	e, lease, ok := c.memory.peek(ctx, key)
	if ok {
		return e, nil
	}
	e, expiry, err := c.findShared(ctx, p, load)
	if err == nil {
		c.memory.fill(ctx, key, lease, e, min(expiry, c.jittered(c.expiry)))
	}
	return e, err
}

func (c *Copies) findShared(ctx context.Context, p place, load loader) (cache.Entry, time.Duration, error) {
	if c.shared == nil {
		return load(ctx)
	}
	key := p.shared(ctx)
	asked := key
	if c.owed.has(key) {
		asked = "" // what is there may be older than what was seen here
	}
	e, lease, ok := c.shared.get(ctx, asked)
	if ok {
		if isNothing(e) {
			return e, notFoundFor, nil
		}
		return e, c.expiry, nil
	}
	e, expiry, err := load(ctx)
	if err == nil && !c.shared.fill(ctx, asked, lease, e, expiry) && e.Version > 0 && key != "" {
		// What is there may be older than what is seen here from now on.
		c.owed.add(cache.Update{Key: key, Version: e.Version, Expiry: expiry, Value: func() []byte { return e.Value }})
	}
	return e, expiry, err
}

// usable gives the key, or none while copies in this process may be old.
func (c *Copies) usable(key string) string {
	if !c.hearing.everything.Load() {
		return ""
	}
	return key
}

// jittered takes up to a tenth off, so that what was filled together does not expire together.
func (c *Copies) jittered(d time.Duration) time.Duration {
	return d - rand.N(d/10+1) //nolint:gosec // it spreads load, it hides nothing
}
