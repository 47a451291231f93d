package cached_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/cache/redis"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/redisclient"
	"github.com/orderprocessing/orderprocessing/server/redistest"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/cached"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

const (
	stressReplicas  = 3
	stressReaders   = 2 // of each replica
	stressOrders    = 4
	stressCustomers = 2
)

// process is a replica under stress: a store, and copies of its own.
type process struct {
	store  store.Store
	orders *cached.Orders
	seen   [stressOrders]atomic.Int64 // the highest version that anybody here has seen
}

// TestStress has writers and readers on several replicas over one database and one Redis, which is killed
// and started again under them. On no replica does a version go down, for anybody who asks after
// another has seen a higher one; and in the end all see the last.
func TestStress(t *testing.T) {
	server := redistest.Start(t)
	urls := storetest.SQLite(1)(t)
	replicas := make([]*process, stressReplicas)
	for i := range replicas {
		replicas[i] = newProcess(t, urls[0], server.URL())
	}
	var ids [stressOrders]order.ID
	for i := range ids {
		ids[i] = place(t, replicas[0].store, i)
	}

	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	var reads atomic.Int64
	var last [stressOrders]atomic.Int64
	for _, p := range replicas {
		for range stressReaders {
			running.Go(func() {
				for ctx.Err() == nil && !t.Failed() {
					reads.Add(1)
					p.look(t, rand.IntN(stressOrders), ids[:])
				}
			})
		}
	}
	var writers sync.WaitGroup
	writing, rest := context.WithCancel(t.Context())
	var writes atomic.Int64
	for n, p := range replicas {
		writers.Go(func() {
			for i := n; writing.Err() == nil && !t.Failed(); i++ {
				which := i % stressOrders
				version := change(t, p.store, ids[which], fmt.Sprint(n, i))
				raise(&last[which], version)
				raise(&p.seen[which], version) // who made a change has seen it
				writes.Add(1)
			}
		})
	}
	goOn := func(what string) {
		t.Helper()
		w, r := writes.Load(), reads.Load()
		require.Eventually(t, func() bool { return t.Failed() || writes.Load() > w+60 && reads.Load() > r+1000 },
			time.Minute, time.Millisecond, what)
	}
	goOn("with Redis")
	for range 3 {
		server.Kill(t)
		goOn("without Redis")
		server.Restart(t)
		goOn("with Redis again")
	}
	rest()
	writers.Wait()
	for i, orderID := range ids {
		for _, p := range replicas {
			require.Eventually(t, func() bool {
				o, err := p.orders.Order(t.Context(), orderID)
				return err == nil && o.Version == last[i].Load()
			}, 10*time.Second, time.Millisecond, "the last version is seen")
			require.Eventually(t, func() bool { return p.lists(t, orderID, customerOf(i), last[i].Load()) },
				10*time.Second, time.Millisecond, "the last version is listed")
		}
	}
	stop()
	running.Wait()
	t.Logf("%d writes, %d reads", writes.Load(), reads.Load())
}

func newProcess(t *testing.T, url, redisURL string) *process {
	t.Helper()
	client, err := redisclient.Open(redisURL)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	copies := cached.New(cached.Options{
		Memory: newMemory(t), Shared: redis.New(client, "cache:"), MaxAge: time.Hour, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, copies.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, copies.Stop(context.Background())) })
	d, err := database.Open(t.Context(), url, database.Options{})
	require.NoError(t, err)
	s := entstore.New(d, entstore.Options{Now: time.Now, Committed: copies.Committed})
	t.Cleanup(func() { require.NoError(t, s.Close(context.Background())) })
	return &process{store: s, orders: copies.Of(s)}
}

// look reads an order as one of many on a replica.
func (p *process) look(t *testing.T, which int, ids []order.ID) {
	t.Helper()
	seen := p.seen[which].Load()
	o, err := p.orders.Order(t.Context(), ids[which])
	if err != nil || o.Version < seen {
		t.Errorf("after version %d came %d, %v", seen, o.Version, err)
		return
	}
	raise(&p.seen[which], o.Version)
	if _, err := p.orders.Orders(t.Context(), listOf(customerOf(which))); err != nil {
		t.Errorf("list: %v", err)
	}
}

func (p *process) lists(t *testing.T, orderID order.ID, customer string, version int64) bool {
	t.Helper()
	page, err := p.orders.Orders(t.Context(), listOf(customer))
	require.NoError(t, err)
	require.Len(t, page, stressOrders/stressCustomers)
	for _, o := range page {
		if o.ID == orderID {
			return o.Version == version
		}
	}
	return false
}

func listOf(customer string) store.OrderQuery {
	return store.OrderQuery{CustomerID: customer, Limit: 10}
}

func customerOf(which int) string { return fmt.Sprint("cus_", which%stressCustomers) }

func place(t *testing.T, s store.Store, which int) order.ID {
	t.Helper()
	at := time.UnixMilli(1700000000000).UTC()
	customer := customerOf(which)
	r := store.NewRequest(customer, fmt.Sprint(which), nil)
	o, err := s.CreateOrder(t.Context(), store.NewOrder{
		ID: order.NewID(at, customer, r.String()), Created: at, Request: r,
		Change: order.Placed{Details: order.Details{
			CustomerID: customer, Currency: "GBP", Lines: []order.Line{{SKU: "A", Quantity: 1, UnitPrice: 100}},
		}},
	})
	require.NoError(t, err)
	return o.ID
}

// change edits an order, and gives its version then.
func change(t *testing.T, s store.Store, orderID order.ID, note string) int64 {
	t.Helper()
	o, err := s.ChangeOrder(t.Context(), orderID, store.Request{}, func(o order.Order) ([]order.Change, error) {
		d := o.Details
		d.Note = note
		return []order.Change{order.Edited{Details: d}}, nil
	})
	if err != nil {
		t.Errorf("change: %v", err)
	}
	return o.Version
}

func raise(to *atomic.Int64, version int64) {
	for current := to.Load(); current < version && !to.CompareAndSwap(current, version); current = to.Load() {
	}
}
