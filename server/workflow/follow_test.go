package workflow_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/workflow"
)

func TestFollow(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	orderID := order.NewID(noon, "cus_1", "")
	shipmentID := order.ShipmentID{UUID: orderID.WithPart(1)}
	goods := order.Details{Lines: []order.Line{{SKU: "A", Quantity: 1}}}
	lesson := order.Details{Lines: []order.Line{{SKU: "L", Quantity: 1, Service: true}}}
	amendmentID := order.AmendmentID{UUID: orderID.WithPart(3)}
	amending := order.Order{Lifecycle: order.Confirmed, Confirmed: noon}
	amending.Amendment = &order.Amendment{ID: amendmentID}
	follow := workflow.Follow{PlaceTimeout: time.Hour, DraftLifetime: 24 * time.Hour}
	for name, c := range map[string]struct {
		o        order.Order
		sequence int64
		change   order.Change
		starts   []string
		signals  []string
	}{
		"a draft":                            {order.Order{Lifecycle: order.Draft}, 1, order.Drafted{}, []string{"expire"}, nil},
		"a new order":                        {order.Order{Lifecycle: order.Pending}, 1, order.Placed{}, []string{"place"}, nil},
		"a draft that is placed":             {order.Order{Lifecycle: order.Pending}, 2, order.Placed{}, []string{"place"}, []string{"place"}},
		"an order that goes on":              {order.Order{Lifecycle: order.Pending}, 3, order.Resumed{}, nil, []string{"place"}},
		"a confirmed order that goes on":     {order.Order{Lifecycle: order.Confirmed}, 3, order.Resumed{}, nil, nil},
		"canceled before it was confirmed":   {order.Order{Placements: 1}, 3, order.CancelRequested{}, nil, []string{"place"}},
		"canceled after":                     {order.Order{Placements: 1, Confirmed: noon}, 3, order.CancelRequested{}, []string{"cancel"}, nil},
		"canceled, and history":              {order.Order{}, 3, order.CancelRequested{}, []string{"cancel"}, nil},
		"confirmed, and goods":               {order.Order{Lifecycle: order.Confirmed, Details: goods}, 2, order.Accepted{}, nil, nil},
		"confirmed, and no goods":            {order.Order{Lifecycle: order.Confirmed, Details: lesson}, 2, order.Accepted{}, []string{"ship"}, nil},
		"confirmed, no goods, and free":      {order.Order{Lifecycle: order.Completed, Details: lesson}, 2, order.Accepted{}, nil, nil},
		"a parcel that leaves":               {order.Order{}, 4, order.ShipmentMoved{ShipmentID: shipmentID, State: order.ShipmentShipped}, []string{"ship"}, nil},
		"a parcel that is packed or arrives": {order.Order{}, 4, order.ShipmentMoved{ShipmentID: shipmentID, State: order.ShipmentDelivered}, nil, nil},
		"a confirmed order that is amended":  {amending, 3, order.AmendmentAsked{}, []string{"amend"}, nil},
		"an amended order that goes on":      {amending, 4, order.Resumed{}, nil, []string{"amend"}},
		"anything else":                      {order.Order{}, 4, order.Edited{}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c.o.ID = orderID
			wakes := follow.AfterOrder(c.o, order.Event{OrderID: orderID, Sequence: c.sequence, Time: noon, Change: c.change})
			var starts, signals []string
			for _, s := range wakes.Starts {
				starts = append(starts, s.Saga)
				want := orderID.String()
				switch c.change.(type) {
				case order.ShipmentMoved:
					want = shipmentID.String()
				case order.AmendmentAsked:
					want = amendmentID.String()
				}
				require.Equal(t, want, s.Subject)
				require.Equal(t, int(orderID.Slot()), s.Slot)
				require.True(t, s.Deadline.After(noon))
			}
			for _, s := range wakes.Signals {
				signals = append(signals, s.Saga)
				require.Contains(t, []string{orderID.String(), amendmentID.String()}, s.Subject)
			}
			require.Equal(t, c.starts, starts)
			require.Equal(t, c.signals, signals)
		})
	}
	t.Run("each change of a payment is told by a saga of its own, which wakes the one that waits for money", func(t *testing.T) {
		paymentID := payment.ID(payment.OperationIDOf(orderID, "by-hand"))
		seen := map[string]bool{}
		for version := int64(1); version < 4; version++ {
			wakes := follow.AfterPayment(payment.Payment{ID: paymentID, OrderID: orderID, Version: version})
			require.Equal(t, []saga.Signal{{Subject: orderID.String(), Saga: workflow.Place}}, wakes.Signals)
			moveID, err := payment.ParseMoveID(wakes.Starts[0].Subject)
			require.NoError(t, err)
			require.Equal(t, paymentID, moveID.PaymentID())
			require.Equal(t, int(orderID.Slot()), wakes.Starts[0].Slot)
			seen[moveID.String()] = true
		}
		require.Len(t, seen, 3)
	})
	t.Run("a return is given back when that is decided", func(t *testing.T) {
		r := order.Return{ID: order.NewReturnID(noon, orderID)}
		for status, want := range map[order.ReturnStatus]int{order.ReturnReceived: 0, order.ReturnInspected: 1, order.ReturnClosed: 0} {
			r.Status = status
			require.Len(t, follow.AfterReturn(r).Starts, want)
		}
	})
}

// draft gives a draft of two.
func (w *world) draft() order.ID {
	w.t.Helper()
	orderID := order.NewID(w.clock(), "cus_1", "")
	_, err := w.store.CreateOrder(w.t.Context(), store.NewOrder{ID: orderID, Created: orderID.Time(), Change: order.Drafted{
		Details: order.Details{CustomerID: "cus_1", Currency: "GBP", Lines: []order.Line{{SKU: w.sku, Quantity: 2, UnitPrice: 1000}}},
	}})
	require.NoError(w.t, err)
	require.Contains(w.t, w.records, saga.Key(orderID.String(), workflow.Expire))
	return orderID
}
