package order_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

func TestOrder_Erase(t *testing.T) {
	const mark = "s3cretm4rk"
	orderID := order.NewID(noon, mark, "")
	personal := details()
	personal.CustomerID, personal.Note = mark, mark
	personal.ShipTo = order.Address{Name: mark, Street: mark, City: mark, Region: mark, PostalCode: mark, Country: mark}
	shipmentID := order.ShipmentID{UUID: orderID.WithPart(1)}
	lines := []order.LineQuantity{{Position: 1, Quantity: 1}}
	for name, changes := range map[string][]order.Change{
		"delivered": {
			order.Drafted{Details: personal}, order.Edited{Details: personal}, order.Placed{Details: personal, PaymentMethod: mark},
			order.ActionAsked{Reason: "AUTHENTICATION_REQUIRED", URL: "https://bank.example/" + mark},
			order.Placed{Details: personal, PaymentMethod: mark}, // proved who they are
			order.ActionAsked{Reason: "PAYMENT_METHOD_REQUIRED"},
			order.Placed{Details: personal, PaymentMethod: mark + "2"},
			order.PutOnHold{Reason: mark}, order.Resumed{}, order.Accepted{Payment: order.PaymentAuthorized},
			order.ShipmentCreated{ShipmentID: shipmentID, Lines: lines},
			order.ShipmentMoved{ShipmentID: shipmentID, State: order.ShipmentShipped, Carrier: "Royal Mail", Tracking: mark, Amount: 5},
			order.Finished{}, order.GoodsReturned{ReturnID: order.ReturnID(orderID), Lines: lines},
		},
		"canceled": {order.Placed{Details: personal}, order.CancelRequested{Reason: mark}, order.Undone{Payment: order.PaymentVoided}},
		"rejected": {order.Placed{Details: personal}, order.Refused{Reason: "OUT_OF_STOCK"}},
		"expired":  {order.Placed{Details: personal, PaymentMethod: mark}, order.ActionAsked{Reason: "PAYMENT_METHOD_REQUIRED"}, order.TimedOut{}},
		"imported": {order.Imported{Details: personal, Delivered: true}},
	} {
		t.Run(name, func(t *testing.T) {
			before, history, err := order.Order{}.Advance(orderID, noon, changes...)
			require.NoError(t, err)
			after, erased, err := before.Erase(history, noon.Add(time.Hour))
			require.NoError(t, err)
			require.NotContains(t, fmt.Sprintf("%+v %+v", after, erased), mark)
			require.Len(t, erased, len(history)+1)
			for i, e := range history {
				require.Equal(t, e.Sequence, erased[i].Sequence)
				require.Equal(t, e.Time, erased[i].Time)
				require.IsType(t, e.Change, erased[i].Change)
			}
			folded, err := order.Fold(erased)
			require.NoError(t, err)
			require.True(t, folded.Equal(after))
			require.Equal(t, before.Placements, after.Placements)
			require.Equal(t, before.Lines, after.Lines)
			require.Equal(t, before.Returned, after.Returned)
			require.Equal(t, before.StatusReason, after.StatusReason)
			require.Equal(t, before.Lifecycle, after.Lifecycle)
			require.Equal(t, before.Number, after.Number)
			require.Equal(t, before.Version+1, after.Version)
			require.Contains(t, fmt.Sprintf("%+v %+v", before, history), mark, "it was there, and is not touched")
		})
	}
	t.Run("an order that is on its way is not erased", func(t *testing.T) {
		before, history, err := order.Order{}.Advance(orderID, noon, order.Placed{Details: personal})
		require.NoError(t, err)
		_, _, err = before.Erase(history, noon)
		require.Error(t, err)
		require.Equal(t, fault.Reason(""), fault.ReasonOf(err))
	})
}
