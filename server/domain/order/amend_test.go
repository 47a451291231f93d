package order_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

var fewer = []order.Line{{SKU: "22423", Quantity: 1, UnitPrice: 1295}}

// amending gives a confirmed order whose lines are being changed.
func amending(t *testing.T) order.Order {
	t.Helper()
	return since(t, placed, confirmed, order.AmendmentAsked{Lines: fewer, Shipping: 100})
}

func TestOrder_amend(t *testing.T) {
	carriage := money.Minor(100)
	t.Run("a confirmed order stays as it is until its amendment is applied", func(t *testing.T) {
		changes, err := since(t, placed, confirmed).Edit(order.Edit{Lines: &fewer, Shipping: &carriage})
		require.NoError(t, err)
		require.Equal(t, []order.Change{order.AmendmentAsked{Lines: fewer, Shipping: 100}}, changes)
		o := amending(t)
		require.Equal(t, details().Lines, o.Lines)
		require.True(t, o.Amending())
		require.Equal(t, fewer, o.Amended().Lines)
		parsed, err := order.ParseAmendmentID(o.Amendment.ID.String())
		require.NoError(t, err)
		require.Equal(t, o.ID, parsed.OrderID())
		require.Equal(t, 3, parsed.Part())
	})
	t.Run("where it goes changes at once", func(t *testing.T) {
		note := "by the back door"
		changes, err := since(t, placed, confirmed).Edit(order.Edit{Lines: &fewer, Note: &note})
		require.NoError(t, err)
		require.Len(t, changes, 2)
		edited, ok := changes[0].(order.Edited)
		require.True(t, ok)
		require.Equal(t, details().Lines, edited.Details.Lines)
		require.Equal(t, note, edited.Details.Note)
	})
	t.Run("an applied amendment is what the order reads like, and is forgotten when it is settled", func(t *testing.T) {
		o := amending(t)
		amendmentID := o.Amendment.ID
		require.Empty(t, o.EndAmendment(amendmentID, ""), "it is not applied")
		o, _, err := o.Advance(o.ID, noon, o.TakeAmendment(amendmentID)...)
		require.NoError(t, err)
		require.Equal(t, fewer, o.Lines)
		require.Equal(t, carriage, o.Shipping)
		require.True(t, o.Amending())
		require.Empty(t, o.TakeAmendment(amendmentID), "twice is once")
		require.Empty(t, o.EndAmendment(amendmentID, "NO"), "it is too late")
		o, _, err = o.Advance(o.ID, noon, o.EndAmendment(amendmentID, "")...)
		require.NoError(t, err)
		require.Nil(t, o.Amendment)
	})
	t.Run("a refused amendment says why, and makes room for the next", func(t *testing.T) {
		o := amending(t)
		o, _, err := o.Advance(o.ID, noon, o.EndAmendment(o.Amendment.ID, "OUT_OF_STOCK")...)
		require.NoError(t, err)
		require.False(t, o.Amending())
		require.Equal(t, "OUT_OF_STOCK", o.Amendment.Refused)
		require.Equal(t, details().Lines, o.Lines)
		changes, err := o.Edit(order.Edit{Lines: &fewer})
		require.NoError(t, err)
		require.Len(t, changes, 1)
	})
	t.Run("a cancellation refuses it", func(t *testing.T) {
		o := amending(t)
		canceled, _, err := o.Advance(o.ID, noon, order.CancelRequested{})
		require.NoError(t, err)
		require.Equal(t, order.AmendmentCanceled, canceled.Amendment.Refused)
		require.Empty(t, o.Amendment.Refused, "the order before is left alone")
		require.Empty(t, canceled.TakeAmendment(o.Amendment.ID))
	})
	t.Run("what cannot be amended is refused with its reason", func(t *testing.T) {
		service := []order.Line{{SKU: "POST", Service: true, Quantity: 1, UnitPrice: 1}}
		parcel := order.ShipmentCreated{Lines: []order.LineQuantity{{Position: 1, Quantity: 1}}}
		o := since(t, placed, confirmed)
		parcel.ShipmentID = order.ShipmentID{UUID: o.ID.WithPart(1)}
		planned, _, err := o.Advance(o.ID, noon, parcel)
		require.NoError(t, err)
		imported := order.Order{Lifecycle: order.Confirmed, Fulfillment: order.Unfulfilled, Details: details()}
		imported.Source = "shop"
		for name, c := range map[string]struct {
			o     order.Order
			lines []order.Line
			want  fault.Reason
		}{
			"while another one is under way": {amending(t), []order.Line{fewer[0], fewer[0]}, fault.ReasonAmendmentUnderWay},
			"with a planned parcel":          {planned, fewer, fault.ReasonParcelPlanned},
			"history":                        {imported, fewer, fault.ReasonFieldNotEditable},
			"to no goods at all":             {o, service, fault.ReasonFieldNotEditable},
			"to nothing":                     {o, []order.Line{}, fault.ReasonOrderEmpty},
		} {
			_, err := c.o.Edit(order.Edit{Lines: &c.lines})
			require.Equal(t, c.want, fault.ReasonOf(err), name)
		}
		_, err = amending(t).Allocate(nil)
		require.Equal(t, fault.ReasonAmendmentUnderWay, fault.ReasonOf(err))
	})
	t.Run("what cannot follow is no history", func(t *testing.T) {
		o := since(t, placed, confirmed)
		for _, c := range []order.Change{order.AmendmentApplied{}, order.AmendmentEnded{}, order.AmendmentEnded{Reason: "NO"}} {
			_, _, err := o.Advance(o.ID, noon, c)
			require.Error(t, err, "%T", c)
		}
		_, _, err := amending(t).Advance(o.ID, noon, order.AmendmentEnded{})
		require.Error(t, err, "it was not applied")
	})
}
