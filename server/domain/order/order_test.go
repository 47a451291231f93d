package order_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

var noon = time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)

func details() order.Details {
	return order.Details{CustomerID: "cus_1", Currency: "GBP", Shipping: 495, Lines: []order.Line{
		{SKU: "85123A", Quantity: 6, UnitPrice: 255, Discount: 30},
		{SKU: "POST", Service: true, Quantity: 1, UnitPrice: 1800},
	}}
}

// begun is an order after these changes.
func begun(t *testing.T, changes ...order.Change) order.Order {
	t.Helper()
	o, _, err := order.Order{}.Advance(order.NewID(noon, "cus_1", ""), noon, changes...)
	require.NoError(t, err)
	return o
}

// in is an order in this place, wherever it came from.
func in(l order.Lifecycle) order.Order {
	return order.Order{
		ID: order.NewID(noon, "cus_1", ""), Details: details(), Lifecycle: l, Version: 1,
		Payment: order.PaymentNone, Fulfillment: order.Unfulfilled,
	}
}

func total(amount money.Minor) *money.Minor { return &amount }

func TestDetails_Check(t *testing.T) {
	t.Run("what no order may have is refused with its reason and its field", func(t *testing.T) {
		for name, bad := range map[string]struct {
			spoil  func(d *order.Details)
			reason fault.Reason
			field  string
		}{
			"an unknown currency":      {func(d *order.Details) { d.Currency = "gbp" }, fault.ReasonCurrencyUnknown, "order.currency_code"},
			"no lines":                 {func(d *order.Details) { d.Lines = nil }, fault.ReasonOrderEmpty, "order.lines"},
			"too many lines":           {func(d *order.Details) { d.Lines = make([]order.Line, 1001) }, fault.ReasonOrderTooLong, "order.lines"},
			"negative carriage":        {func(d *order.Details) { d.Shipping = -1 }, fault.ReasonAmountInvalid, "order.shipping_minor"},
			"no SKU":                   {func(d *order.Details) { d.Lines[1].SKU = "" }, fault.ReasonInvalidRequest, "order.lines[1].sku"},
			"a long SKU":               {func(d *order.Details) { d.Lines[1].SKU = strings.Repeat("x", 65) }, fault.ReasonInvalidRequest, "order.lines[1].sku"},
			"no quantity":              {func(d *order.Details) { d.Lines[1].Quantity = 0 }, fault.ReasonQuantityInvalid, "order.lines[1].quantity"},
			"a negative quantity":      {func(d *order.Details) { d.Lines[1].Quantity = -1 }, fault.ReasonQuantityInvalid, "order.lines[1].quantity"},
			"a huge quantity":          {func(d *order.Details) { d.Lines[1].Quantity = 1_000_001 }, fault.ReasonQuantityInvalid, "order.lines[1].quantity"},
			"a negative price":         {func(d *order.Details) { d.Lines[0].UnitPrice = -1 }, fault.ReasonAmountInvalid, "order.lines[0].unit_price_minor"},
			"a price beyond 64 bits":   {func(d *order.Details) { d.Lines[0].UnitPrice = math.MaxInt64 / 5 }, fault.ReasonAmountOverflow, "order.lines[0].unit_price_minor"},
			"a negative discount":      {func(d *order.Details) { d.Lines[0].Discount = -1 }, fault.ReasonAmountInvalid, "order.lines[0].discount_minor"},
			"more off than it costs":   {func(d *order.Details) { d.Lines[0].Discount = 1531 }, fault.ReasonAmountInvalid, "order.lines[0].discount_minor"},
			"a total beyond 64 bits":   {func(d *order.Details) { d.Shipping = math.MaxInt64 }, fault.ReasonAmountOverflow, "order.lines"},
			"NUL in a note":            {func(d *order.Details) { d.Note = "a\x00" }, fault.ReasonInvalidRequest, "order.note"},
			"invalid UTF-8 in a city":  {func(d *order.Details) { d.ShipTo.City = "\xff" }, fault.ReasonInvalidRequest, "order.ship_to.city"},
			"a long description":       {func(d *order.Details) { d.Lines[0].Description = strings.Repeat("ä", 201) }, fault.ReasonInvalidRequest, "order.lines[0].description"},
			"a NUL in a customer's id": {func(d *order.Details) { d.CustomerID = "\x00" }, fault.ReasonInvalidRequest, "order.customer_id"},
		} {
			d := details()
			bad.spoil(&d)
			err := d.Check()
			require.Equal(t, bad.reason, fault.ReasonOf(err), "%s: %v", name, err)
			require.Equal(t, fault.KindInvalid, fault.KindOf(err), name)
			require.Equal(t, bad.field, fault.From(err).Violations[0].Field, name)
		}
	})
	t.Run("the edges are fine", func(t *testing.T) {
		d := details()
		d.Lines = make([]order.Line, order.MaxLines)
		for i := range d.Lines {
			d.Lines[i] = order.Line{SKU: strings.Repeat("x", 64), Description: strings.Repeat("ä", 200), Quantity: order.MaxQuantity, UnitPrice: 9, Discount: 9 * order.MaxQuantity}
		}
		require.NoError(t, d.Check())
	})
}

func TestBegin(t *testing.T) {
	t.Run("a draft is drafted and everything else is placed", func(t *testing.T) {
		draft, err := order.Begin(details(), true, "", nil)
		require.NoError(t, err)
		require.Equal(t, order.Draft, begun(t, draft).Lifecycle)
		placed, err := order.Begin(details(), false, "", total(1500+1800+495))
		require.NoError(t, err)
		require.Equal(t, order.Pending, begun(t, placed).Lifecycle)
	})
	t.Run("another total than expected is refused", func(t *testing.T) {
		_, err := order.Begin(details(), false, "", total(1))
		require.Equal(t, fault.ReasonTotalMismatch, fault.ReasonOf(err))
	})
	t.Run("bad details are refused", func(t *testing.T) {
		_, err := order.Begin(order.Details{}, true, "", nil)
		require.Equal(t, fault.KindInvalid, fault.KindOf(err))
	})
	t.Run("history needs its number and its source", func(t *testing.T) {
		d := details()
		_, err := order.Import(d, true)
		require.Equal(t, fault.ReasonDocumentIncomplete, fault.ReasonOf(err))
		d.Number, d.Source = "536365", "shop"
		c, err := order.Import(d, true)
		require.NoError(t, err)
		require.Equal(t, order.Completed, begun(t, c).Lifecycle)
		c, err = order.Import(d, false)
		require.NoError(t, err)
		require.Equal(t, order.Confirmed, begun(t, c).Lifecycle)
	})
}

func TestOrder_Place(t *testing.T) {
	for _, l := range lifecycles[1:] {
		t.Run("placing an order in "+l.String()+" works, does nothing or is refused", func(t *testing.T) {
			changes, err := in(l).Place("tok_visa", total(3795))
			switch l {
			case order.Draft, order.ActionRequired:
				require.NoError(t, err)
				require.Equal(t, []order.Change{order.Placed{Details: details(), PaymentMethod: "tok_visa"}}, changes)
			case order.Pending:
				require.NoError(t, err)
				require.Empty(t, changes)
			default:
				require.Equal(t, fault.ReasonTransitionRefused, fault.ReasonOf(err))
			}
		})
	}
	t.Run("another total than expected is refused", func(t *testing.T) {
		_, err := in(order.Draft).Place("", total(1))
		require.Equal(t, fault.ReasonTotalMismatch, fault.ReasonOf(err))
	})
}

func TestOrder_Edit(t *testing.T) {
	note, carriage := "by the back door", money.Minor(0)
	lines := []order.Line{{SKU: "22423", Quantity: 1, UnitPrice: 1295}}
	for _, l := range lifecycles[1:] {
		t.Run("an order in "+l.String()+" takes the edits that it still can", func(t *testing.T) {
			moving := l == order.Pending || l == order.ActionRequired || l == order.OnHold || l == order.Confirmed
			for _, e := range []order.Edit{{Lines: &lines}, {Shipping: &carriage}} {
				changes, err := in(l).Edit(e)
				switch {
				case l == order.Draft || l == order.ActionRequired || l == order.Confirmed:
					require.NoError(t, err)
					require.Len(t, changes, 1)
				case moving:
					require.Equal(t, fault.ReasonFieldNotEditable, fault.ReasonOf(err))
				default:
					require.Equal(t, fault.ReasonTransitionRefused, fault.ReasonOf(err))
				}
			}
			for _, e := range []order.Edit{{Note: &note}, {ShipTo: &order.Address{City: "Leeds"}}} {
				changes, err := in(l).Edit(e)
				if l == order.Draft || moving {
					require.NoError(t, err)
					require.Len(t, changes, 1)
				} else {
					require.Equal(t, fault.ReasonTransitionRefused, fault.ReasonOf(err))
				}
			}
		})
	}
	t.Run("an edit that changes nothing is no change", func(t *testing.T) {
		o := in(order.Draft)
		same := append([]order.Line{}, o.Lines...)
		changes, err := o.Edit(order.Edit{Lines: &same, Shipping: &o.Shipping, ShipTo: &o.ShipTo, Note: &o.Note})
		require.NoError(t, err)
		require.Empty(t, changes)
	})
	t.Run("an edit to what no order may have is refused", func(t *testing.T) {
		_, err := in(order.Draft).Edit(order.Edit{Lines: &[]order.Line{}})
		require.Equal(t, fault.ReasonOrderEmpty, fault.ReasonOf(err))
	})
	t.Run("the order itself stays as it was", func(t *testing.T) {
		o := in(order.Draft)
		before := in(order.Draft)
		before.ID = o.ID
		_, err := o.Edit(order.Edit{Lines: &lines, Note: &note})
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(before, o))
	})
}

func TestOrder_Cancel(t *testing.T) {
	for _, l := range lifecycles[1:] {
		t.Run("canceling an order in "+l.String()+" works, does nothing or is refused", func(t *testing.T) {
			changes, err := in(l).Cancel("too late")
			switch l {
			case order.Pending, order.ActionRequired, order.OnHold, order.Confirmed:
				require.NoError(t, err)
				require.Equal(t, []order.Change{order.CancelRequested{Reason: "too late"}}, changes)
			case order.Canceling, order.Canceled:
				require.NoError(t, err)
				require.Empty(t, changes)
			default:
				require.Equal(t, fault.ReasonTransitionRefused, fault.ReasonOf(err))
			}
		})
	}
	t.Run("what has left is not canceled", func(t *testing.T) {
		o := in(order.Confirmed)
		o.Fulfillment = order.Delivered
		_, err := o.Cancel("too late")
		require.Equal(t, fault.ReasonTransitionRefused, fault.ReasonOf(err))
	})
}

func TestOrder_CheckEtag(t *testing.T) {
	o := in(order.Draft)
	t.Run("the current version and no version pass, any other is stale", func(t *testing.T) {
		require.NoError(t, o.CheckEtag(""))
		require.NoError(t, o.CheckEtag("1"))
		for _, etag := range []string{"0", "2", "01", "x"} {
			err := o.CheckEtag(etag)
			require.Equal(t, fault.ReasonStaleEtag, fault.ReasonOf(err))
			require.Equal(t, fault.KindConflict, fault.KindOf(err))
		}
	})
}

func TestOrder_Advance(t *testing.T) {
	t.Run("an order that has changed as often as it can takes no further change", func(t *testing.T) {
		o := in(order.Draft)
		o.Version = id.MaxPart - 1
		o, _, err := o.Advance(o.ID, noon, order.Edited{Details: details()})
		require.NoError(t, err)
		_, _, err = o.Advance(o.ID, noon, order.Edited{Details: details()})
		require.Equal(t, fault.KindPrecondition, fault.KindOf(err))
	})
}

func TestParseID(t *testing.T) {
	t.Run("an id of another kind, or of a part, is refused", func(t *testing.T) {
		o, r := order.NewID(noon, "cus_1", ""), order.ImportedReturnID(noon, "cus_1", "shop", "C1")
		got, err := order.ParseID(o.String())
		require.NoError(t, err)
		require.Equal(t, o, got)
		back, err := order.ParseReturnID(r.String())
		require.NoError(t, err)
		require.Equal(t, r, back)
		_, err = order.ParseID(r.String())
		require.Equal(t, fault.ReasonInvalidID, fault.ReasonOf(err))
		_, err = order.ParseReturnID(o.String())
		require.Equal(t, fault.ReasonInvalidID, fault.ReasonOf(err))
		_, err = order.ParseID(order.ID{UUID: o.WithPart(1)}.String())
		require.Equal(t, fault.ReasonInvalidID, fault.ReasonOf(err))
		_, err = order.ParseReturnID(order.ReturnID{UUID: r.WithPart(1)}.String())
		require.Equal(t, fault.ReasonInvalidID, fault.ReasonOf(err))
	})
	t.Run("a document has the same id each time, and no other document has it", func(t *testing.T) {
		first := order.ImportedID(noon, "cus_1", "shop", "1")
		require.Equal(t, first, order.ImportedID(noon, "cus_1", "shop", "1"))
		for _, other := range []order.ID{
			order.ImportedID(noon, "cus_1", "shop", "2"), order.ImportedID(noon, "cus_1", "show", "1"),
			order.ImportedID(noon, "", "shop", "1"), order.ImportedID(noon.Add(time.Hour), "cus_1", "shop", "1"),
			{UUID: order.ImportedReturnID(noon, "cus_1", "shop", "1").UUID},
		} {
			require.NotEqual(t, first, other)
		}
		require.Equal(t, id.SlotOf("cus_1"), first.Slot())
	})
}
