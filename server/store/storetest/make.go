package storetest

import (
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// noon is when the tests' orders begin, unless they say otherwise.
var noon = time.Date(2026, 3, 29, 12, 0, 0, int(7*time.Millisecond), time.UTC)

func line(sku string, quantity int64) order.Line {
	return order.Line{SKU: sku, Description: "one " + sku, Quantity: quantity, UnitPrice: 255}
}

func details(customer string) order.Details {
	return order.Details{
		CustomerID: customer,
		Number:     "PO-1",
		Currency:   "GBP",
		Lines:      []order.Line{line("85123A", 6), {SKU: "POST", Service: true, Quantity: 1, UnitPrice: 1800, Discount: 300}},
		Shipping:   495,
		ShipTo:     order.Address{Name: "Ada", Street: "1 Mill Lane", City: "Leeds", PostalCode: "LS1 1AA", Country: "GB"},
		Note:       "leave with the neighbour",
	}
}

// placed is a new order, asked for by a request of this name.
func placed(request string, d order.Details) store.NewOrder {
	return made(noon, request, order.Placed{Details: d}, d)
}

func drafted(request string, d order.Details) store.NewOrder {
	return made(noon, request, order.Drafted{Details: d}, d)
}

func made(at time.Time, request string, c order.Change, d order.Details) store.NewOrder {
	r := asked(d.CustomerID, request)
	return store.NewOrder{ID: order.NewID(at, d.CustomerID, r.String()), Created: at, Change: c, Request: r}
}

// asked is a request that asks for what its name says.
func asked(owner, request string) store.Request {
	return store.NewRequest(owner, request, []byte(owner+request))
}

// otherwise is a request with the key of r that asks for something else.
func otherwise(r store.Request) store.Request {
	r.Fingerprint[0]++
	return r
}

func create(t *testing.T, s store.Store, n store.NewOrder) order.Order {
	t.Helper()
	o, err := s.CreateOrder(t.Context(), n)
	require.NoError(t, err)
	return o
}

// createMany stores n orders of customers of their own, all of the same millisecond.
func createMany(t *testing.T, s store.Store, n int) []order.Order {
	t.Helper()
	orders := make([]order.Order, n)
	for i := range orders {
		orders[i] = create(t, s, placed("many", details(fmt.Sprintf("cus_%d", i))))
	}
	return orders
}

// noting decides to change the note.
func noting(note string) store.Decide {
	return func(o order.Order) ([]order.Change, error) { return o.Edit(order.Edit{Note: &note}) }
}

// notingAt is noting for who knows the order at this etag.
func notingAt(etag, note string) store.Decide {
	return func(o order.Order) ([]order.Change, error) {
		if err := o.CheckEtag(etag); err != nil {
			return nil, err
		}
		return noting(note)(o)
	}
}

func canceling(o order.Order) ([]order.Change, error) { return o.Cancel("too late") }

func change(t *testing.T, s store.Store, orderID order.ID, request string, decide store.Decide) order.Order {
	t.Helper()
	o, err := s.ChangeOrder(t.Context(), orderID, asked(orderID.String(), request), decide)
	require.NoError(t, err)
	return o
}

// requireStored makes sure that the order is stored as want and that its events say the same.
func requireStored(t *testing.T, s store.Store, want order.Order) {
	t.Helper()
	got, err := s.Order(t.Context(), want.ID)
	require.NoError(t, err)
	requireSame(t, want, got)
	requireUTC(t, got.Created, got.Updated)
	events, err := s.OrderEvents(t.Context(), want.ID, 0, id.MaxPart)
	require.NoError(t, err)
	require.Len(t, events, int(want.Version))
	for _, e := range events {
		require.Equal(t, want.ID, e.OrderID)
		requireUTC(t, e.Time)
	}
	folded, err := order.Fold(events)
	require.NoError(t, err)
	requireSame(t, want, folded)
}

func requireSame(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		if w, g := reflect.ValueOf(want), reflect.ValueOf(got); w.Kind() == reflect.Slice && w.Len() != g.Len() {
			t.Fatalf("%d instead of %d", g.Len(), w.Len())
		}
		t.Fatalf("differs (- want, + got):\n%s", diff)
	}
}

func requireUTC(t *testing.T, times ...time.Time) {
	t.Helper()
	for _, at := range times {
		require.Equal(t, time.UTC, at.Location())
		require.Zero(t, at.Nanosecond()%1000, "times are whole microseconds: %s", at)
	}
}

func requireReason(t *testing.T, want fault.Reason, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, want, fault.ReasonOf(err), "%v", err)
}

// requireOrders makes sure that these orders are stored, in any order, and no others.
func requireOrders(t *testing.T, s store.Store, want ...order.ID) {
	t.Helper()
	got := []order.ID{}
	for _, o := range walk(t, s, store.OrderQuery{Limit: 100}) {
		got = append(got, o.ID)
	}
	require.ElementsMatch(t, want, got)
}

// walk reads page after page until one is empty.
func walk(t *testing.T, s store.Store, q store.OrderQuery) (all []order.Order) {
	t.Helper()
	for {
		page, err := s.Orders(t.Context(), q)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page), q.Limit)
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
		q.After = page[len(page)-1].ID.UUID
	}
}

// atOnce runs n callers together and waits for all of them.
func atOnce(n int, call func(i int)) {
	var ready, callers sync.WaitGroup
	ready.Add(n)
	for i := range n {
		callers.Go(func() {
			ready.Done()
			ready.Wait()
			call(i)
		})
	}
	callers.Wait()
}

func quoted(u id.UUID) string { return "'" + uuid.UUID(u).String() + "'" }
