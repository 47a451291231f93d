package order_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// since applies changes to a new order, a second apart.
func since(t *testing.T, changes ...order.Change) order.Order {
	t.Helper()
	var o order.Order
	orderID := order.NewID(noon, "cus_1", "")
	for i, c := range changes {
		var err error
		o, _, err = o.Advance(orderID, noon.Add(time.Duration(i)*time.Second), c)
		require.NoError(t, err)
	}
	return o
}

var (
	placed    = order.Placed{Details: details(), PaymentMethod: "tok_visa"}
	confirmed = order.Accepted{Payment: order.PaymentAuthorized}
)

func TestOrder_Apply_progress(t *testing.T) {
	for name, c := range map[string]struct {
		changes []order.Change
		want    order.Lifecycle
		reason  string
	}{
		"confirmed":             {[]order.Change{placed, confirmed}, order.Confirmed, ""},
		"waiting for action":    {[]order.Change{placed, order.ActionAsked{Reason: "R"}}, order.ActionRequired, "R"},
		"placed again":          {[]order.Change{placed, order.ActionAsked{Reason: "R"}, placed}, order.Pending, ""},
		"proved":                {[]order.Change{placed, order.ActionAsked{URL: "u"}, order.Resumed{}}, order.Pending, ""},
		"on hold":               {[]order.Change{placed, order.PutOnHold{Reason: "R"}}, order.OnHold, "R"},
		"resumed":               {[]order.Change{placed, order.PutOnHold{}, order.Resumed{}}, order.Pending, ""},
		"resumed, confirmed":    {[]order.Change{placed, confirmed, order.PutOnHold{}, order.Resumed{}}, order.Confirmed, ""},
		"rejected":              {[]order.Change{placed, order.Refused{Reason: "R"}}, order.Rejected, "R"},
		"expired":               {[]order.Change{placed, order.TimedOut{}}, order.Expired, ""},
		"an expired draft":      {[]order.Change{order.Drafted{Details: details()}, order.TimedOut{}}, order.Expired, ""},
		"canceled while asked":  {[]order.Change{placed, order.ActionAsked{}, order.CancelRequested{}, order.Undone{}}, order.Canceled, ""},
		"canceled when on hold": {[]order.Change{placed, order.PutOnHold{}, order.CancelRequested{}}, order.Canceling, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := since(t, c.changes...)
			require.Equal(t, c.want, o.Lifecycle)
			require.Equal(t, c.reason, o.StatusReason)
		})
	}
	t.Run("what cannot follow is refused", func(t *testing.T) {
		for _, c := range []order.Change{
			confirmed, order.PutOnHold{}, order.Resumed{}, order.Refused{}, order.TimedOut{}, order.Finished{}, order.ActionAsked{},
			order.ShipmentCreated{Lines: []order.LineQuantity{{Position: 1, Quantity: 1}}}, order.ShipmentMoved{}, order.PaymentChanged{},
		} {
			canceled := since(t, placed, order.CancelRequested{}, order.Undone{})
			_, _, err := canceled.Advance(canceled.ID, noon, c)
			require.Error(t, err, "%T", c)
		}
	})
	t.Run("each placement is an attempt of its own, but for one that only brings the proof", func(t *testing.T) {
		asked := order.ActionAsked{Reason: "AUTHENTICATION_REQUIRED", URL: "https://bank.example"}
		require.Equal(t, 1, since(t, placed).Placements)
		require.Equal(t, 1, since(t, placed, asked, placed).Placements)
		require.Equal(t, 2, since(t, placed, asked, order.Placed{Details: details(), PaymentMethod: "other"}).Placements)
		require.Equal(t, 2, since(t, placed, order.ActionAsked{Reason: "DECLINED"}, placed).Placements)
		require.Equal(t, 2, since(t, placed, asked, order.Edited{Details: details()}, placed).Placements)
	})
	t.Run("an order without goods has nothing to wait for once it is paid", func(t *testing.T) {
		d := details()
		for i := range d.Lines {
			d.Lines[i].Service = true
		}
		o := since(t, order.Placed{Details: d}, confirmed)
		require.Equal(t, order.Delivered, o.Fulfillment)
		changes, err := o.Paid(order.PaymentPaid)
		require.NoError(t, err)
		require.Equal(t, []order.Change{order.PaymentChanged{Payment: order.PaymentPaid}, order.Finished{}}, changes)
	})
}

// shop is an order of two lines: 3 at 334 less 1, and 2 at 500; carriage 100 and a service of 50.
func shop() order.Details {
	return order.Details{CustomerID: "cus_1", Currency: "GBP", Shipping: 100, Lines: []order.Line{
		{SKU: "A", Quantity: 3, UnitPrice: 334, Discount: 1}, {SKU: "B", Quantity: 2, UnitPrice: 500},
		{SKU: "WRAP", Quantity: 1, UnitPrice: 50, Service: true},
	}}
}

func do(t *testing.T, o order.Order, changes []order.Change, err error) order.Order {
	t.Helper()
	require.NoError(t, err)
	o, _, err = o.Advance(o.ID, noon, changes...)
	require.NoError(t, err)
	return o
}

func TestOrder_shipments(t *testing.T) {
	of := func(position int, quantity int64) order.LineQuantity {
		return order.LineQuantity{Position: position, Quantity: quantity}
	}
	allocate := func(t *testing.T, o order.Order, lines ...order.LineQuantity) order.Order {
		changes, err := o.Allocate(lines)
		return do(t, o, changes, err)
	}
	move := func(t *testing.T, o order.Order, parcel int, to order.ShipmentState) order.Order {
		changes, err := o.MoveShipment(o.Shipments[parcel].ID, order.Move{To: to})
		return do(t, o, changes, err)
	}
	t.Run("parcels share the goods, and their amounts add up to the total", func(t *testing.T) {
		o := since(t, order.Placed{Details: shop()}, confirmed)
		o = allocate(t, o, of(1, 1))
		o = allocate(t, o, of(1, 1), of(2, 1))
		o = allocate(t, o)
		require.Equal(t, []order.LineQuantity{of(1, 1), of(2, 1)}, o.Shipments[2].Lines)
		_, err := o.Allocate(nil)
		require.Equal(t, fault.ReasonNothingToShip, fault.ReasonOf(err))

		o = move(t, o, 1, order.ShipmentShipped)
		require.Equal(t, money.Minor(100+50+334+500), o.Shipments[1].Amount)
		require.Equal(t, order.PartlyShipped, o.Fulfillment)
		o = move(t, o, 0, order.ShipmentShipped)
		require.False(t, o.Shipments[0].Final)
		o = move(t, o, 2, order.ShipmentShipped)
		require.True(t, o.Shipments[2].Final)
		require.Equal(t, order.Shipped, o.Fulfillment)
		total, err := o.Total()
		require.NoError(t, err)
		require.Equal(t, total, o.Shipments[0].Amount+o.Shipments[1].Amount+o.Shipments[2].Amount)

		o = move(t, o, 0, order.ShipmentDelivered)
		require.Equal(t, order.PartlyDelivered, o.Fulfillment)
		o = move(t, o, 1, order.ShipmentDelivered)
		o = move(t, o, 2, order.ShipmentDelivered)
		require.Equal(t, order.Delivered, o.Fulfillment)
		require.Equal(t, order.Confirmed, o.Lifecycle, "the money is not settled")
		changes, err := o.Paid(order.PaymentPaid)
		require.Equal(t, order.Completed, do(t, o, changes, err).Lifecycle)
	})
	t.Run("the last delivery completes an order that is paid", func(t *testing.T) {
		o := since(t, order.Placed{Details: shop()}, confirmed, order.PaymentChanged{Payment: order.PaymentPaid})
		o = move(t, allocate(t, o), 0, order.ShipmentShipped)
		require.Equal(t, order.Completed, move(t, o, 0, order.ShipmentDelivered).Lifecycle)
	})
	t.Run("an order whose money was let go before it was taken is not complete", func(t *testing.T) {
		o := since(t, order.Placed{Details: shop()}, confirmed, order.PaymentChanged{Payment: order.PaymentVoided})
		o = move(t, allocate(t, o), 0, order.ShipmentShipped)
		require.Equal(t, order.Confirmed, move(t, o, 0, order.ShipmentDelivered).Lifecycle)
	})
	t.Run("what was given up can go into another parcel", func(t *testing.T) {
		o := allocate(t, since(t, order.Placed{Details: shop()}, confirmed))
		o = move(t, o, 0, order.ShipmentCanceled)
		o = allocate(t, o)
		require.Equal(t, o.Shipments[0].Lines, o.Shipments[1].Lines)
	})
	t.Run("canceling the order gives up its parcels", func(t *testing.T) {
		o := allocate(t, since(t, order.Placed{Details: shop()}, confirmed))
		changes, err := o.Cancel("")
		o = do(t, o, changes, err)
		require.Equal(t, order.ShipmentCanceled, o.Shipments[0].State)
		_, err = o.MoveShipment(o.Shipments[0].ID, order.Move{To: order.ShipmentShipped})
		require.Equal(t, fault.ReasonTransitionRefused, fault.ReasonOf(err))
	})
	t.Run("an order of which a part has left is not canceled", func(t *testing.T) {
		o := allocate(t, since(t, order.Placed{Details: shop()}, confirmed), of(1, 1))
		_, err := move(t, o, 0, order.ShipmentShipped).Cancel("")
		require.Equal(t, fault.ReasonTransitionRefused, fault.ReasonOf(err))
	})
	t.Run("what is not there, or not confirmed, does not ship", func(t *testing.T) {
		o := since(t, order.Placed{Details: shop()}, confirmed)
		for reason, lines := range map[fault.Reason][]order.LineQuantity{
			fault.ReasonNothingToShip: {of(1, 4)}, fault.ReasonLineUnknown: {of(3, 1)},
		} {
			_, err := o.Allocate(lines)
			require.Equal(t, reason, fault.ReasonOf(err))
		}
		for _, lines := range [][]order.LineQuantity{{of(0, 1)}, {of(4, 1)}, {of(1, 0)}, {of(1, 2), of(1, 2)}} {
			_, err := o.Allocate(lines)
			require.Error(t, err)
		}
		_, err := since(t, placed).Allocate(nil)
		require.Equal(t, fault.ReasonTransitionRefused, fault.ReasonOf(err))
		_, err = o.MoveShipment(order.ShipmentID{UUID: o.ID.WithPart(1)}, order.Move{To: order.ShipmentShipped})
		require.Equal(t, fault.ReasonShipmentNotFound, fault.ReasonOf(err))
	})
	t.Run("a move to where the parcel is changes nothing, and it goes only where it may", func(t *testing.T) {
		o := allocate(t, since(t, order.Placed{Details: shop()}, confirmed))
		for to := order.ShipmentAllocated; to <= order.ShipmentLost; to++ {
			changes, err := o.MoveShipment(o.Shipments[0].ID, order.Move{To: to})
			switch {
			case to == order.ShipmentAllocated:
				require.NoError(t, err)
				require.Empty(t, changes)
			case order.ShipmentAllocated.MayBecome(to):
				require.NoError(t, err)
			default:
				require.Equal(t, fault.ReasonTransitionRefused, fault.ReasonOf(err))
			}
		}
	})
}
