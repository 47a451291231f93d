package cached_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/cache/memory"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/redistest"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/cached"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

func TestMain(m *testing.M) { redistest.VerifyTestMain(m) }

func newMemory(tb testing.TB) *memory.Cache {
	tb.Helper()
	m, err := memory.New(4<<20, time.Now)
	require.NoError(tb, err)
	return m
}

// newCopies makes copies in this process alone; change may adjust the options.
func newCopies(tb testing.TB, change ...func(*cached.Options)) *cached.Copies {
	tb.Helper()
	o := cached.Options{Memory: newMemory(tb), MaxAge: time.Minute, Log: slog.New(slog.DiscardHandler)}
	for _, c := range change {
		c(&o)
	}
	copies := cached.New(o)
	require.NoError(tb, copies.Start(tb.Context()))
	tb.Cleanup(func() { require.NoError(tb, copies.Stop(context.Background())) })
	return copies
}

// TestCachedStore holds copies to what a store promises. All stores of a test share their copies, as those
// of one process do.
func TestCachedStore(t *testing.T) {
	kept := newMemory(t)
	copies := newCopies(t, func(o *cached.Options) { o.Memory = kept })
	storetest.Run(t, storetest.Backend{
		Databases: storetest.Postgres(1),
		Open: func(_ testing.TB, databases []*database.Database) store.Store {
			kept.Clear() // the suite has emptied the databases
			s := entstore.New(databases[0], entstore.Options{Now: time.Now, Committed: copies.Committed})
			return &throughStore{s, copies.Of(s)}
		},
	})
}

// throughStore is a store whose orders are looked up in copies.
type throughStore struct {
	store.Store
	reads *cached.Orders
}

func (t *throughStore) Order(ctx context.Context, orderID order.ID) (order.Order, error) {
	return t.reads.Order(ctx, orderID)
}

func (t *throughStore) Orders(ctx context.Context, q store.OrderQuery) ([]order.Order, error) {
	return t.reads.Orders(ctx, q)
}

// shelf is a source that counts, and lets a test come between asking and answering.
type shelf struct {
	mu      sync.Mutex
	orders  map[order.ID]order.Order
	asked   atomic.Int64
	between func() // nil for nothing
}

func (s *shelf) put(o order.Order) order.Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.orders == nil {
		s.orders = map[order.ID]order.Order{}
	}
	s.orders[o.ID] = o
	return o
}

func (s *shelf) Order(ctx context.Context, orderID order.ID) (order.Order, error) {
	s.asked.Add(1)
	s.mu.Lock()
	o, ok := s.orders[orderID]
	between := s.between
	s.mu.Unlock()
	if between != nil {
		between()
	}
	if ctx.Err() != nil {
		return order.Order{}, ctx.Err()
	}
	if !ok {
		return order.Order{}, order.NotFound()
	}
	return o, nil
}

func (s *shelf) Orders(_ context.Context, q store.OrderQuery) ([]order.Order, error) {
	s.asked.Add(1)
	s.mu.Lock()
	page := []order.Order{}
	for _, o := range s.orders {
		if q.CustomerID == "" || o.CustomerID == q.CustomerID {
			page = append(page, o)
		}
	}
	between := s.between
	s.mu.Unlock()
	if between != nil {
		between()
	}
	return page, nil
}

// interrupt lets something happen between asking and answering, once.
func (s *shelf) interrupt(happen func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.between = func() {
		s.mu.Lock()
		s.between = nil
		s.mu.Unlock()
		happen()
	}
}

// anOrder has something in every field.
func anOrder(customer string) order.Order {
	at := time.Date(2026, 11, 22, 1, 2, 3, 4000, time.UTC)
	o := order.Order{
		ID: order.NewID(at, customer, "request"),
		Details: order.Details{
			CustomerID: customer, Source: "shop", Number: "4711", Currency: "GBP", Shipping: 95, Note: "ring twice",
			Lines: []order.Line{
				{SKU: "A", Description: "tea", Quantity: 2, UnitPrice: 500, Discount: 1},
				{SKU: "W", Service: true, Quantity: 1, UnitPrice: 250},
			},
			ShipTo: order.Address{Name: "n", Street: "s", City: "c", Region: "r", PostalCode: "p", Country: "GB"},
		},
		Lifecycle: order.Confirmed, Payment: 3, Fulfillment: 2, Returned: []int64{1, 0}, CancelReason: "why",
		PaymentMethod: "tok_ok", Placements: 2, Confirmed: at.Add(time.Second), Version: 7, Created: at, Updated: at.Add(time.Hour),
	}
	o.Progress = order.Progress{
		StatusReason: "RISK_REVIEW", ActionURL: "https://a.example", Cleared: true,
		Shipments: []order.Shipment{{
			ID: order.ShipmentID{UUID: o.ID.WithPart(1)}, State: order.ShipmentShipped, Lines: []order.LineQuantity{{Position: 1, Quantity: 2}},
			Carrier: "DHL", Tracking: "123", Amount: 42, Final: true, Created: at, Updated: at.Add(time.Minute),
		}},
	}
	return o
}

func after(o order.Order) order.Order {
	o.Version++
	return o
}

func requireOrder(t *testing.T, o *cached.Orders, want order.Order) {
	t.Helper()
	got, err := o.Order(t.Context(), want.ID)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(want, got))
}

func TestOrder(t *testing.T) {
	open := func(t *testing.T) (*shelf, *cached.Copies, *cached.Orders) {
		t.Helper()
		s, copies := &shelf{}, newCopies(t)
		return s, copies, copies.Of(s)
	}
	t.Run("the store is asked once, and a copy is the same in everything", func(t *testing.T) {
		s, _, orders := open(t)
		o := s.put(anOrder("cus_1"))
		for range 3 {
			requireOrder(t, orders, o)
		}
		bare := s.put(order.Order{
			ID: order.NewID(o.Created, "", "other"), Version: 1, Created: o.Created, Updated: o.Updated,
			Details: order.Details{Currency: "GBP", Lines: []order.Line{}},
		})
		requireOrder(t, orders, bare)
		requireOrder(t, orders, bare)
		require.EqualValues(t, 2, s.asked.Load())
	})
	t.Run("a change is seen at once, without asking the store", func(t *testing.T) {
		s, copies, orders := open(t)
		o := s.put(anOrder("cus_1"))
		requireOrder(t, orders, o)
		next := s.put(after(o))
		copies.Committed([]order.Order{next}, true)
		requireOrder(t, orders, next)
		require.EqualValues(t, 1, s.asked.Load())
	})
	t.Run("what may have changed is read again", func(t *testing.T) {
		s, copies, orders := open(t)
		o := s.put(anOrder("cus_1"))
		requireOrder(t, orders, o)
		copies.Committed([]order.Order{after(o)}, false)
		requireOrder(t, orders, o)
		require.EqualValues(t, 2, s.asked.Load())
	})
	t.Run("what was read before a change is not kept, and not given to who comes after it", func(t *testing.T) {
		s, copies, orders := open(t)
		o := s.put(anOrder("cus_1"))
		next := after(o)
		s.interrupt(func() {
			s.put(next)
			copies.Committed([]order.Order{next}, true)
			requireOrder(t, orders, next)
		})
		requireOrder(t, orders, o) // it asked before
		requireOrder(t, orders, next)
	})
	t.Run("it is remembered that there is no such order, until there is", func(t *testing.T) {
		s, copies, orders := open(t)
		o := anOrder("cus_1")
		for range 3 {
			_, err := orders.Order(t.Context(), o.ID)
			require.Equal(t, fault.ReasonOrderNotFound, fault.ReasonOf(err))
		}
		require.EqualValues(t, 1, s.asked.Load())
		s.put(o)
		copies.Committed([]order.Order{o}, true)
		requireOrder(t, orders, o)
	})
	t.Run("many who want the same wait for one, who does not end when the first leaves", func(t *testing.T) {
		s, _, orders := open(t)
		o := s.put(anOrder("cus_1"))
		asking, answer := make(chan struct{}), make(chan struct{})
		s.interrupt(func() { close(asking); <-answer })
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error)
		go func() {
			_, err := orders.Order(ctx, o.ID)
			left <- err
		}()
		<-asking
		var others sync.WaitGroup
		for range 20 {
			others.Go(func() {
				if got, err := orders.Order(t.Context(), o.ID); err != nil || !got.Equal(o) {
					t.Errorf("got %v, %v", got, err)
				}
			})
		}
		leave()
		require.ErrorIs(t, <-left, context.Canceled)
		close(answer)
		others.Wait()
		require.EqualValues(t, 1, s.asked.Load())
	})
	t.Run("a failure is everybody's, and not kept", func(t *testing.T) {
		s, _, orders := open(t)
		o := s.put(anOrder("cus_1"))
		s.interrupt(func() { panic("broken") })
		_, err := orders.Order(t.Context(), o.ID)
		require.ErrorContains(t, err, "broken")
		requireOrder(t, orders, o)
	})
}

func TestOrders(t *testing.T) {
	q := store.OrderQuery{CustomerID: "cus_1", Limit: 10}
	open := func(t *testing.T) (*shelf, *cached.Copies, *cached.Orders, order.Order) {
		t.Helper()
		s, copies := &shelf{}, newCopies(t)
		return s, copies, copies.Of(s), s.put(anOrder("cus_1"))
	}
	requirePage := func(t *testing.T, orders *cached.Orders, q store.OrderQuery, want ...order.Order) {
		t.Helper()
		page, err := orders.Orders(t.Context(), q)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(want, page))
	}
	t.Run("the store is asked once for each page", func(t *testing.T) {
		s, _, orders, o := open(t)
		pages := []store.OrderQuery{
			q, {CustomerID: "cus_1", Limit: 11}, {CustomerID: "cus_1", Limit: 10, Ascending: true},
			{CustomerID: "cus_1", Limit: 10, After: o.ID.UUID}, {CustomerID: "cus_1", Limit: 10, Lifecycle: order.Confirmed},
			{CustomerID: "cus_1", Limit: 10, Payment: 1}, {CustomerID: "cus_1", Limit: 10, Fulfillment: 1},
			{CustomerID: "cus_1", Limit: 10, From: o.Created}, {CustomerID: "cus_1", Limit: 10, Before: o.Created},
			{CustomerID: "cus_1", Limit: 10, Number: "4711"},
		}
		for range 3 {
			for _, q := range pages {
				requirePage(t, orders, q, o)
			}
		}
		require.EqualValues(t, len(pages), s.asked.Load())
	})
	t.Run("a customer without orders is remembered as such", func(t *testing.T) {
		s, _, orders, _ := open(t)
		for range 3 {
			page, err := orders.Orders(t.Context(), store.OrderQuery{CustomerID: "cus_2", Limit: 10})
			require.NoError(t, err)
			require.Empty(t, page)
		}
		require.EqualValues(t, 1, s.asked.Load())
	})
	t.Run("a list over all customers is always read", func(t *testing.T) {
		s, _, orders, o := open(t)
		requirePage(t, orders, store.OrderQuery{Limit: 10}, o)
		requirePage(t, orders, store.OrderQuery{Limit: 10}, o)
		require.EqualValues(t, 2, s.asked.Load())
	})
	t.Run("a change of one order ends the pages of its customer alone", func(t *testing.T) {
		s, copies, orders, o := open(t)
		other := s.put(anOrder("cus_2"))
		requirePage(t, orders, q, o)
		requirePage(t, orders, store.OrderQuery{CustomerID: "cus_2", Limit: 10}, other)
		next := s.put(after(o))
		copies.Committed([]order.Order{next}, true)
		requirePage(t, orders, q, next)
		requirePage(t, orders, store.OrderQuery{CustomerID: "cus_2", Limit: 10}, other)
		require.EqualValues(t, 3, s.asked.Load())
	})
	t.Run("a page that was read before a change is not found after it", func(t *testing.T) {
		s, copies, orders, o := open(t)
		next := after(o)
		s.interrupt(func() {
			s.put(next)
			copies.Committed([]order.Order{next}, true)
			requirePage(t, orders, q, next)
		})
		requirePage(t, orders, q, o) // it asked before
		requirePage(t, orders, q, next)
	})
}

var errAway = errors.New("away")
