// Package memory caches in this process, in bounded room.
package memory

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/orderprocessing/orderprocessing/server/cache"
)

// overhead is what an entry takes besides its key and value, in bytes.
const overhead = 160

// Cache is a cache.Cache. It does not fail. When room is short, what is read least often gives way.
type Cache struct {
	items *otter.Cache[string, item]
	now   func() time.Time
}

// item is an entry, or a lease that waits for one.
type item struct {
	lease   cache.Lease // 0 for an entry
	entry   cache.Entry
	expires time.Time
}

var _ cache.Cache = (*Cache)(nil)

// New makes a cache of at most so many bytes, which are taken as they are needed.
func New(maxBytes int, now func() time.Time) (*Cache, error) {
	items, err := otter.New(&otter.Options[string, item]{
		MaximumWeight: uint64(maxBytes), //nolint:gosec // not negative
		Weigher: func(key string, i item) uint32 {
			return uint32(overhead + len(key) + len(i.entry.Value)) //nolint:gosec // a message at most
		},
		Executor: func(work func()) { work() }, // what is evicted is so at once, by who fills
	})
	return &Cache{items: items, now: now}, err
}

// Get implements cache.Cache.
func (c *Cache) Get(_ context.Context, key string) (cache.Entry, cache.Lease, error) {
	found, ok := c.items.GetIfPresent(key)
	if !ok || c.expired(found) {
		found, _ = c.items.Compute(key, func(current item, ok bool) (item, otter.ComputeOp) {
			if ok && !c.expired(current) {
				return current, otter.CancelOp
			}
			return item{lease: newLease()}, otter.WriteOp
		})
	}
	return found.entry, found.lease, nil
}

// Fill implements cache.Cache.
func (c *Cache) Fill(_ context.Context, key string, lease cache.Lease, e cache.Entry, expiry time.Duration) (bool, error) {
	filled := false
	c.items.ComputeIfPresent(key, func(current item) (item, otter.ComputeOp) {
		switch {
		case current.lease != 0 && current.lease != lease:
			return item{}, otter.InvalidateOp
		case current.lease == 0 && current.entry.Version >= e.Version:
			return current, otter.CancelOp
		}
		filled = true
		return item{entry: e, expires: c.now().Add(expiry)}, otter.WriteOp
	})
	return filled, nil
}

// Update implements cache.Cache.
func (c *Cache) Update(_ context.Context, updates ...cache.Update) error {
	for _, u := range updates {
		c.items.ComputeIfPresent(u.Key, func(current item) (item, otter.ComputeOp) {
			switch {
			case current.lease != 0:
				return item{}, otter.InvalidateOp
			case current.entry.Version >= u.Version:
				return current, otter.CancelOp
			case u.Value == nil:
				return item{}, otter.InvalidateOp
			}
			return item{entry: cache.Entry{Version: u.Version, Value: u.Value()}, expires: c.now().Add(u.Expiry)}, otter.WriteOp
		})
	}
	return nil
}

// Clear drops everything, and ends all leases.
func (c *Cache) Clear() { c.items.InvalidateAll() }

// Bytes is how much room is taken.
func (c *Cache) Bytes() int { return int(c.items.WeightedSize()) } //nolint:gosec // bounded

// expired tells whether an entry is too old; a lease never is.
func (c *Cache) expired(i item) bool { return i.lease == 0 && !c.now().Before(i.expires) }

func newLease() cache.Lease { return cache.Lease(rand.Uint64() | 1) } //nolint:gosec // unique is enough
