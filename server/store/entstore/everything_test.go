//go:build !race

package entstore_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// loaded is a moment in the middle of the orders that the plans' tables hold.
var loaded = time.UnixMilli(1700000000000).Add(50_000 * time.Second)

// doEverything calls every method of a store on every way that makes another statement.
func doEverything(t *testing.T, s store.Store) {
	t.Helper()
	ctx := t.Context()
	must := func(_ any, err error) {
		t.Helper()
		require.NoError(t, err)
	}
	n := newOrder("cus_1", "plan")
	for range 2 { // the second time is a replay
		must(s.CreateOrder(ctx, n))
		must(s.ChangeOrder(ctx, n.ID, store.NewRequest("plan", "note", nil), func(o order.Order) ([]order.Change, error) {
			note := "changed"
			return o.Edit(order.Edit{Note: &note})
		}))
		must(s.ChangeOrder(ctx, n.ID, store.NewRequest("plan", "move", nil), func(o order.Order) ([]order.Change, error) {
			return o.Edit(order.Edit{ShipTo: &order.Address{}})
		}))
		must(s.Import(ctx, importedDocuments("cus_1")))
		must(s.PutProduct(ctx, "sku", store.NewRequest("sku", "put", nil), func(*stock.Product) (stock.Product, error) {
			return stock.Product{SKU: "sku", Name: "x", Currency: "GBP", Version: 1, Created: loaded, Updated: loaded}, nil
		}))
		must(s.PutProduct(ctx, "sku", store.NewRequest("sku", "again", nil), func(p *stock.Product) (stock.Product, error) {
			p2 := *p
			p2.Name, p2.Version = "y", p.Version+1
			return p2, nil
		}))
		for _, request := range []string{"first", "second"} {
			a := stock.Adjustment{SKU: "sku", Delta: 5, Reason: 1, Time: loaded}
			must(s.AdjustStock(ctx, a, store.NewRequest("sku", request, nil)))
		}
	}
	must(s.Order(ctx, n.ID))
	must(s.OrderEvents(ctx, n.ID, 0, 50))
	must(s.Return(ctx, importedDocuments("cus_1")[1].Return.ID))
	must(s.Product(ctx, "sku"))
	must(s.Products(ctx, "sku_5", 50))
	must(s.StockLevel(ctx, "sku"))
	must(s.Audit(ctx, id.First(loaded), 50))
	require.NoError(t, s.ScanOrders(ctx, store.OrderQuery{CustomerID: "cus_7"}, func([]order.Order) error { return nil }))
	require.NoError(t, s.ScanReturns(ctx, store.ReturnQuery{CustomerID: "cus_7"}, func([]order.Return) error { return nil }))
	listOrders(t, s)
	listReturns(t, s)
}

// listOrders asks for pages by every set of filters, first and later ones, in both directions.
func listOrders(t *testing.T, s store.Store) {
	t.Helper()
	for set := range 1 << 8 {
		has := func(bit int) bool { return set>>bit&1 == 1 }
		q := store.OrderQuery{Limit: 50, Ascending: has(0)}
		if has(1) {
			q.CustomerID = "cus_7"
		}
		if has(2) {
			q.Lifecycle = order.Pending
		}
		if has(3) {
			q.Payment = order.PaymentNone
		}
		if has(4) {
			q.Fulfillment = order.Unfulfilled
		}
		if has(5) {
			q.Number = "77777"
		}
		if has(6) {
			q.From, q.Before = loaded.Add(-time.Hour), loaded.Add(time.Hour)
		}
		if has(7) {
			q.After = id.First(loaded)
		}
		_, err := s.Orders(t.Context(), q)
		require.NoError(t, err)
	}
}

func listReturns(t *testing.T, s store.Store) {
	t.Helper()
	for set := range 1 << 5 {
		has := func(bit int) bool { return set>>bit&1 == 1 }
		q := store.ReturnQuery{Limit: 50, Ascending: has(0)}
		if has(1) {
			q.CustomerID = "cus_7"
		}
		if has(2) {
			q.Number = "77777"
		}
		if has(3) {
			q.From, q.Before = loaded.Add(-time.Hour), loaded.Add(time.Hour)
		}
		if has(4) {
			q.After = id.First(loaded)
		}
		_, err := s.Returns(t.Context(), q)
		require.NoError(t, err)
	}
}

// importedDocuments is a sale and the return of a part of it.
func importedDocuments(customer string) []store.Document {
	lines := []order.Line{{SKU: "A", Quantity: 2, UnitPrice: 5}}
	d := order.Details{CustomerID: customer, Source: "plan", Number: "P1", Currency: "GBP", Lines: lines}
	return []store.Document{
		{Order: &store.NewOrder{
			ID: order.ImportedID(loaded, customer, "plan", "P1"), Created: loaded, Change: order.Imported{Details: d, Delivered: true},
		}},
		{Return: &order.Return{
			ID: order.ImportedReturnID(loaded, customer, "plan", "C1"), CustomerID: customer, Source: "plan", Number: "C1",
			Status: order.ReturnClosed, Currency: "GBP", Created: loaded, Lines: []order.ReturnLine{{Line: lines[0]}},
		}},
	}
}
