package order_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
)

// lifecycles are all places of an order; the first is before it exists.
var lifecycles = []order.Lifecycle{
	0, order.Draft, order.Pending, order.ActionRequired, order.OnHold, order.Confirmed, order.Completed,
	order.Canceling, order.Canceled, order.Rejected, order.Expired,
}

// allowed has a row for each place to leave and a column for each place to reach.
var allowed = map[order.Lifecycle]string{
	//                    –DPAOCKcXRE
	0:                    ".xx..xx....",
	order.Draft:          "..x.......x",
	order.Pending:        "...xxx.x.xx",
	order.ActionRequired: "..x....x..x",
	order.OnHold:         "..x..x.x...",
	order.Confirmed:      "....x.xx...",
	order.Completed:      "...........",
	order.Canceling:      "........x..",
	order.Canceled:       "...........",
	order.Rejected:       "...........",
	order.Expired:        "...........",
}

func TestLifecycle(t *testing.T) {
	t.Run("an order may go where the table says and nowhere else", func(t *testing.T) {
		require.Len(t, allowed, len(lifecycles))
		for _, from := range lifecycles {
			for column, to := range lifecycles {
				require.Equal(t, allowed[from][column] == 'x', from.MayBecome(to), "from %s to %s", from, to)
			}
		}
	})
	t.Run("every place has a name of its own", func(t *testing.T) {
		names := map[string]bool{}
		for _, l := range lifecycles {
			names[l.String()] = true
		}
		require.Len(t, names, len(lifecycles))
		require.Equal(t, "UNKNOWN", order.Lifecycle(200).String())
	})
}

// follows has a row for each change and a column for each place in which it happens.
var follows = map[string]struct {
	change order.Change
	in     string
}{
	//                                                                            –DPAOCKcXRE
	"Drafted":              {order.Drafted{Details: details()}, "x.........."},
	"Placed":               {order.Placed{Details: details()}, "xx.x......."},
	"Edited":               {order.Edited{Details: details()}, ".xxxxx....."},
	"CancelRequested":      {order.CancelRequested{}, "..xxxx....."},
	"Undone":               {order.Undone{}, ".......x..."},
	"Imported":             {order.Imported{Details: details()}, "x.........."},
	"Imported, delivered":  {order.Imported{Details: details(), Delivered: true}, "x.........."},
	"GoodsReturned":        {order.GoodsReturned{Lines: []order.LineQuantity{{Position: 1, Quantity: 1}}}, "..xxxxx...."},
	"GoodsReturned, empty": {order.GoodsReturned{}, "..........."},
	"Accepted":             {order.Accepted{}, "..x........"},
	"ActionAsked":          {order.ActionAsked{}, "..x........"},
	"PutOnHold":            {order.PutOnHold{}, "..x..x....."},
	"Resumed":              {order.Resumed{}, "...xx......"},
	"Refused":              {order.Refused{}, "..x........"},
	"TimedOut":             {order.TimedOut{}, ".xxx......."},
	"PaymentChanged":       {order.PaymentChanged{Payment: order.PaymentPaid}, "..xxxxxxxxx"},
	"PaymentChanged, how?": {order.PaymentChanged{}, "..........."},
	"ShipmentCreated":      {order.ShipmentCreated{ShipmentID: parcel, Lines: []order.LineQuantity{{Position: 1, Quantity: 1}}}, ".....x....."},
	"ShipmentCreated, too": {order.ShipmentCreated{ShipmentID: parcel, Lines: []order.LineQuantity{{Position: 1, Quantity: 1000}}}, "..........."},
	"ShipmentMoved, none":  {order.ShipmentMoved{ShipmentID: parcel, State: order.ShipmentShipped}, "..........."},
	"Finished":             {order.Finished{}, ".....x....."},
	"nothing":              {nil, "..........."},
}

var parcel = order.ShipmentID{UUID: order.ID{}.WithPart(1)}

func TestOrder_Apply(t *testing.T) {
	t.Run("a change happens where the table says and nowhere else", func(t *testing.T) {
		for name, f := range follows {
			for column, in := range lifecycles {
				o := order.Order{}
				if in != 0 {
					o = order.Order{Details: details(), Lifecycle: in, Placements: 1, Version: 1}
				}
				got, err := o.Apply(order.Event{Sequence: o.Version + 1, Change: f.change})
				require.Equal(t, f.in[column] == 'x', err == nil, "%s in %s: %v", name, in, err)
				if err == nil && got.Lifecycle != in {
					require.True(t, in.MayBecome(got.Lifecycle), "%s leads from %s to %s", name, in, got.Lifecycle)
				}
			}
		}
	})
}
