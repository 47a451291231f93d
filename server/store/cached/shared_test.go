package cached_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/cache"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/cached"
)

// exchange is a shared cache in memory that a test takes away, or that is silent.
type exchange struct {
	cache.Cache
	away, silent atomic.Bool
	asked        atomic.Int64

	mu        sync.Mutex
	listeners map[*listener]bool
}

type listener struct {
	on      func()
	off     func(error)
	changed func(string, int64)
}

func newExchange(t *testing.T) *exchange {
	t.Helper()
	return &exchange{Cache: newMemory(t), listeners: map[*listener]bool{}}
}

func (e *exchange) answers(ctx context.Context) error {
	e.asked.Add(1)
	if e.silent.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	if e.away.Load() {
		return errAway
	}
	return nil
}

func (e *exchange) Get(ctx context.Context, key string) (cache.Entry, cache.Lease, error) {
	if err := e.answers(ctx); err != nil {
		return cache.Entry{}, 0, err
	}
	return e.Cache.Get(ctx, key)
}

func (e *exchange) Fill(ctx context.Context, key string, l cache.Lease, entry cache.Entry, expiry time.Duration) (bool, error) {
	if err := e.answers(ctx); err != nil {
		return false, err
	}
	return e.Cache.Fill(ctx, key, l, entry, expiry)
}

func (e *exchange) Update(ctx context.Context, updates ...cache.Update) error {
	if err := e.answers(ctx); err != nil {
		return err
	}
	err := e.Cache.Update(ctx, updates...)
	e.mu.Lock()
	defer e.mu.Unlock()
	for l := range e.listeners {
		for _, u := range updates {
			l.changed(u.Key, u.Version)
		}
	}
	return err
}

func (e *exchange) Listen(ctx context.Context, on func(), off func(error), changed func(string, int64)) {
	l := &listener{on, off, changed}
	e.mu.Lock()
	on()
	e.listeners[l] = true
	e.mu.Unlock()
	<-ctx.Done()
	e.mu.Lock()
	delete(e.listeners, l)
	e.mu.Unlock()
}

// heard lets everybody know whether they hear.
func (e *exchange) heard(ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for l := range e.listeners {
		if ok {
			l.on()
		} else {
			l.off(errAway)
		}
	}
}

// replica is a process with copies of its own.
func (e *exchange) replica(t *testing.T, s *shelf) (*cached.Copies, *cached.Orders) {
	t.Helper()
	copies := newCopies(t, func(o *cached.Options) { o.Shared = e })
	return copies, copies.Of(s)
}

// connected waits until so many replicas listen.
func (e *exchange) connected(t *testing.T, n int) {
	t.Helper()
	require.Eventually(t, func() bool { e.mu.Lock(); defer e.mu.Unlock(); return len(e.listeners) == n }, 10*time.Second, time.Millisecond)
}

func eventuallyOrder(t *testing.T, o *cached.Orders, want order.Order) {
	t.Helper()
	require.Eventually(t, func() bool {
		got, err := o.Order(t.Context(), want.ID)
		return err == nil && got.Equal(want)
	}, 10*time.Second, time.Millisecond)
}

func TestShared(t *testing.T) {
	open := func(t *testing.T) (*exchange, *shelf, *cached.Copies, *cached.Orders, *cached.Orders) {
		t.Helper()
		e, s := newExchange(t), &shelf{}
		copies, one := e.replica(t, s)
		_, other := e.replica(t, s)
		e.connected(t, 2)
		return e, s, copies, one, other
	}
	t.Run("replicas share what one has read", func(t *testing.T) {
		_, s, _, one, other := open(t)
		o := s.put(anOrder("cus_1"))
		requireOrder(t, one, o)
		requireOrder(t, other, o)
		require.EqualValues(t, 1, s.asked.Load())
		for _, orders := range []*cached.Orders{one, other} {
			_, err := orders.Orders(t.Context(), store.OrderQuery{CustomerID: "cus_1", Limit: 1})
			require.NoError(t, err)
		}
		require.EqualValues(t, 2, s.asked.Load())
	})
	t.Run("replicas hear of a change, and who made it never sees what was before", func(t *testing.T) {
		_, s, copies, one, other := open(t)
		o := s.put(anOrder("cus_1"))
		requireOrder(t, one, o)
		requireOrder(t, other, o)
		for range 50 {
			o = s.put(after(o))
			copies.Committed([]order.Order{o}, true)
			requireOrder(t, one, o)
			eventuallyOrder(t, other, o)
			require.Eventually(t, func() bool {
				page, err := other.Orders(t.Context(), store.OrderQuery{CustomerID: "cus_1", Limit: 1})
				return err == nil && page[0].Equal(o)
			}, 10*time.Second, time.Millisecond)
		}
	})
	t.Run("while the shared cache is away all is read from the store, and nobody sees a version go down afterwards", func(t *testing.T) {
		e, s, copies, one, other := open(t)
		o := s.put(anOrder("cus_1"))
		requireOrder(t, one, o)
		requireOrder(t, other, o)
		e.away.Store(true)
		e.heard(false)
		next := s.put(after(o))
		copies.Committed([]order.Order{next}, true) // the shared cache has o
		requireOrder(t, one, next)
		requireOrder(t, other, next)
		e.away.Store(false)
		e.heard(true)
		requireOrder(t, one, next)
		requireOrder(t, other, next)
		_, third := e.replica(t, s)
		eventuallyOrder(t, third, next) // it has been told, late
	})
	t.Run("more than can be owed is forgotten, and the shared cache is not asked before it has forgotten too", func(t *testing.T) {
		e, s, copies, one, _ := open(t)
		o := s.put(anOrder("cus_1"))
		requireOrder(t, one, o)
		e.away.Store(true)
		e.heard(false)
		next := s.put(after(o))
		copies.Committed([]order.Order{next}, true)
		for i := range 10_000 {
			copies.Committed([]order.Order{{ID: order.NewID(o.Created, "", fmt.Sprint(i)), Version: 1}}, true)
		}
		e.away.Store(false)
		e.heard(true)
		requireOrder(t, one, next)
	})
	t.Run("copies in this process are not used while it may not hear of changes", func(t *testing.T) {
		e, s, _, one, _ := open(t)
		o := s.put(anOrder("cus_1"))
		requireOrder(t, one, o)
		e.heard(false)
		before := e.asked.Load()
		requireOrder(t, one, o)
		require.Greater(t, e.asked.Load(), before)
		e.heard(true)
		requireOrder(t, one, o)
		before = e.asked.Load()
		requireOrder(t, one, o)
		require.Equal(t, before, e.asked.Load())
	})
	t.Run("a shared cache that hangs is soon left alone", func(t *testing.T) {
		e, s, _, one, _ := open(t)
		e.silent.Store(true)
		began := time.Now()
		for i := range 200 {
			requireOrder(t, one, s.put(order.Order{
				ID: order.NewID(began, "", fmt.Sprint(i)), Version: 1, Created: began.UTC(), Updated: began.UTC(),
				Details: order.Details{Lines: []order.Line{}},
			}))
		}
		require.Less(t, e.asked.Load(), int64(50))
	})
	t.Run("a value of another version of the program is read from the store", func(t *testing.T) {
		e, s, _, one, _ := open(t)
		o := s.put(anOrder("cus_1"))
		key := "order:" + o.ID.String()
		_, lease, err := e.Cache.Get(t.Context(), key)
		require.NoError(t, err)
		filled, err := e.Cache.Fill(t.Context(), key, lease, cache.Entry{Version: 7, Value: []byte{200, 1, 2, 3}}, time.Minute)
		require.NoError(t, err)
		require.True(t, filled)
		requireOrder(t, one, o)
	})
}
