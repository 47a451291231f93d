package integrity_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/integrity"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/shard"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

// shop is two shards with a confirmed order, its stock and its money.
type shop struct {
	*shard.Store
	t       *testing.T
	urls    []string
	order   order.ID
	payment payment.ID
}

func newShop(t *testing.T) *shop {
	t.Helper()
	urls := storetest.SQLite(2)(t)
	s := &shop{Store: open(t, urls, 0, 1), t: t, urls: urls}
	t.Cleanup(func() { require.NoError(t, s.Close(context.WithoutCancel(t.Context()))) })
	now := time.Now().UTC().Truncate(time.Millisecond)
	_, err := s.PutProduct(t.Context(), "A", store.NewRequest("A", "put", nil), func(*stock.Product) (stock.Product, error) {
		return stock.Upsert(nil, stock.Product{SKU: "A", Currency: "GBP"}, "", now)
	})
	require.NoError(t, err)
	_, err = s.AdjustStock(t.Context(), stock.Adjustment{SKU: "A", Delta: 10, Reason: 1, Time: now}, store.NewRequest("A", "in", nil))
	require.NoError(t, err)
	s.order = order.NewID(now, "cus_1", "")
	_, err = s.CreateOrder(t.Context(), store.NewOrder{ID: s.order, Created: now, Change: order.Placed{Details: wanted()}})
	require.NoError(t, err)
	_, err = s.HoldStock(t.Context(), s.order, []stock.Demand{{SKU: "A", Quantity: 5}}, time.Time{})
	require.NoError(t, err)
	s.payment = pay(t, s, s.order)
	s.change(order.Accepted{Payment: order.PaymentAuthorized})
	return s
}

// change lets something happen to the order, and to nothing else.
func (s *shop) change(changes ...order.Change) {
	s.t.Helper()
	_, err := s.ChangeOrder(s.t.Context(), s.order, store.Request{}, func(order.Order) ([]order.Change, error) { return changes, nil })
	require.NoError(s.t, err)
}

// void lets the money go.
func (s *shop) void() {
	s.t.Helper()
	key := payment.KeyOf(s.order, "void")
	change := func(decide store.DecidePayment) {
		_, err := s.ChangePayment(s.t.Context(), store.PaymentChange{
			PaymentID: s.payment, Operation: payment.OperationIDOf(s.order, key), Decide: decide,
		})
		require.NoError(s.t, err)
	}
	change(func(r payment.Record) (*payment.Decision, error) {
		return payment.Ask(r, payment.KindVoid, payment.Wish{Key: key}, time.Now())
	})
	change(func(r payment.Record) (*payment.Decision, error) {
		return payment.Apply(r, payment.Outcome{Answer: payment.AnswerDone}, time.Now()), nil
	})
}

func (s *shop) release(skus ...string) {
	s.t.Helper()
	_, err := s.ReleaseStock(s.t.Context(), s.order, skus)
	require.NoError(s.t, err)
}

func (s *shop) damage(statements ...string) {
	s.t.Helper()
	for _, statement := range statements {
		for _, url := range s.urls {
			damage(s.t, url, statement)
		}
	}
}

// ship hands a parcel with three of five over, for a price, and takes what it carries off the shelf.
func (s *shop) ship(price money.Minor) {
	s.t.Helper()
	shipmentID := order.ShipmentID{UUID: s.order.WithPart(1)}
	s.change(
		order.ShipmentCreated{ShipmentID: shipmentID, Lines: []order.LineQuantity{{Position: 1, Quantity: 3}}},
		order.ShipmentMoved{ShipmentID: shipmentID, State: order.ShipmentShipped, Amount: price},
	)
	_, err := s.CommitStock(s.t.Context(), s.order, []stock.Demand{{SKU: "A", Quantity: 3}}, store.NewRequest("order", shipmentID.String(), nil))
	require.NoError(s.t, err)
}

// names gives the invariants that are broken, each as often as it is.
func names(listed []integrity.Violation) []string {
	all := []string{}
	for _, v := range listed {
		all = append(all, v.Invariant)
	}
	return all
}

func TestFacts(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(*shop)
		want    []string
	}{
		"a confirmed order with its stock and its money is clean": {func(*shop) {}, nil},
		"a parcel that has left took its goods along":             {func(s *shop) { s.ship(60) }, nil},
		"a parcel that costs more than the order":                 {func(s *shop) { s.ship(101) }, []string{integrity.Parcels}},
		"goods that left without their parcel": {func(s *shop) {
			_, err := s.CommitStock(s.t.Context(), s.order, []stock.Demand{{SKU: "A", Quantity: 1}}, store.NewRequest("x", "x", nil))
			require.NoError(s.t, err)
		}, []string{integrity.Reserved}},
		"a confirmed order without its stock":                {func(s *shop) { s.release("A") }, []string{integrity.Reserved}},
		"a confirmed order that holds what it does not want": {holdMore, []string{integrity.Reserved}},
		"money that went without the order being told":       {func(s *shop) { s.void() }, []string{integrity.Status}},
		"an order that was undone by name only": {
			func(s *shop) {
				s.change(order.CancelRequested{}, order.Undone{Payment: order.PaymentVoided})
			},
			[]string{integrity.Ended, integrity.Ended, integrity.Status},
		},
		"an order that was undone is clean": {func(s *shop) {
			s.void()
			s.release("A")
			s.change(order.CancelRequested{}, order.Undone{Payment: order.PaymentVoided})
		}, nil},
		"an order that is gone": {
			func(s *shop) { s.damage("DELETE FROM orders", "DELETE FROM order_events") },
			[]string{integrity.Orphans, integrity.Orphans},
		},
		"a hold that is stored under another key": {
			func(s *shop) { s.damage("UPDATE holds SET sku = 'B'") },
			[]string{integrity.Held, integrity.Placement, integrity.Reserved, integrity.Reserved},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			test.happens(s)
			report, err := integrity.Check(t.Context(), from(s.Store), nil)
			require.NoError(t, err)
			require.ElementsMatch(t, test.want, names(report.Listed), "%v", report.Listed)
			require.Equal(t, len(test.want) == 0, report.OK)
			require.Zero(t, report.Unsettled)
			for _, v := range report.Listed {
				if v.SKU == "" {
					require.Equal(t, s.order.String(), v.OrderID)
				}
			}
		})
	}
}

// holdMore lets the order hold a product that it does not want.
func holdMore(s *shop) {
	s.t.Helper()
	now := time.Now().UTC()
	_, err := s.PutProduct(s.t.Context(), "B", store.NewRequest("B", "put", nil), func(*stock.Product) (stock.Product, error) {
		return stock.Upsert(nil, stock.Product{SKU: "B", Currency: "GBP"}, "", now)
	})
	require.NoError(s.t, err)
	_, err = s.AdjustStock(s.t.Context(), stock.Adjustment{SKU: "B", Delta: 1, Reason: 1, Time: now}, store.NewRequest("B", "in", nil))
	require.NoError(s.t, err)
	_, err = s.HoldStock(s.t.Context(), s.order, []stock.Demand{{SKU: "B", Quantity: 1}}, time.Time{})
	require.NoError(s.t, err)
}
