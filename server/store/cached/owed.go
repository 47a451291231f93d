package cached

import (
	"sync"
	"time"

	"github.com/orderprocessing/orderprocessing/server/cache"
)

// maxOwed bounds the updates that wait for the shared cache, and maxBatch those of one round trip.
const (
	maxOwed  = 8192
	maxBatch = 256
)

// owed is what the shared cache has not been told yet, though somebody here may have seen it: until it
// has been, what it says of these keys is not asked for.
type owed struct {
	mu      sync.Mutex
	updates map[string]debt
	count   uint64
	// When too much is owed it is forgotten instead, and the cache is not asked for anything until all that
	// is in it now has expired.
	forgets   time.Duration
	forgotten time.Time // until when
	wake      chan struct{}
}

type debt struct {
	cache.Update
	number uint64 // tells it from a later one of the same key
}

func newOwed(forgets time.Duration) *owed {
	return &owed{updates: map[string]debt{}, forgets: forgets, wake: make(chan struct{}, 1)}
}

func (o *owed) add(updates ...cache.Update) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, u := range updates {
		if d, ok := o.updates[u.Key]; ok && d.Version > u.Version {
			continue
		}
		if len(o.updates) == maxOwed {
			o.forgotten = time.Now().Add(o.forgets)
			clear(o.updates)
		}
		o.count++
		o.updates[u.Key] = debt{u, o.count}
	}
	select {
	case o.wake <- struct{}{}:
	default: // it is awake already
	}
}

func (o *owed) has(key string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, ok := o.updates[key]
	return ok || time.Now().Before(o.forgotten)
}

func (o *owed) len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.updates)
}

// batch gives some of what is owed, in no order.
func (o *owed) batch() []debt {
	o.mu.Lock()
	defer o.mu.Unlock()
	some := make([]debt, 0, min(len(o.updates), maxBatch))
	for _, d := range o.updates {
		if len(some) == maxBatch {
			break
		}
		some = append(some, d)
	}
	return some
}

// paid strikes out what was told, unless there is more to tell of it.
func (o *owed) paid(batch []debt) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, d := range batch {
		if o.updates[d.Key].number == d.number {
			delete(o.updates, d.Key)
		}
	}
}
