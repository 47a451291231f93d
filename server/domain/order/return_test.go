package order_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// sale is a delivered order of this day.
func sale(t *testing.T, day int, lines ...order.Line) order.Order {
	t.Helper()
	at := noon.AddDate(0, 0, day)
	o, _, err := order.Order{}.Advance(order.NewID(at, "cus_1", ""), at,
		order.Imported{Details: order.Details{CustomerID: "cus_1", Currency: "GBP", Lines: lines}, Delivered: true})
	require.NoError(t, err)
	return o
}

func goods(sku string, quantity int64) order.Line {
	return order.Line{SKU: sku, Quantity: quantity, UnitPrice: 255}
}

func back(lines ...order.Line) order.Return {
	r := order.Return{ID: order.ImportedReturnID(noon.Add(time.Hour), "cus_1", "shop", "C1"), Source: "shop", Number: "C1", Currency: "GBP"}
	for _, l := range lines {
		r.Lines = append(r.Lines, order.ReturnLine{Line: l})
	}
	return r
}

func TestReturn_Trace(t *testing.T) {
	t.Run("the newest order gives first, whichever way they are handed in", func(t *testing.T) {
		older, newer := sale(t, 0, goods("A", 5)), sale(t, 1, goods("B", 1), goods("a", 2), goods("A", 1))
		for _, earlier := range [][]order.Order{{older, newer}, {newer, older}} {
			r, changes := back(goods("A", 4)).Trace(earlier)
			require.Empty(t, cmp.Diff([]order.Match{
				{OrderID: newer.ID, Position: 2, Quantity: 2}, {OrderID: newer.ID, Position: 3, Quantity: 1},
				{OrderID: older.ID, Position: 1, Quantity: 1},
			}, r.Lines[0].Matches))
			require.Empty(t, cmp.Diff(map[order.ID]order.GoodsReturned{
				newer.ID: {ReturnID: r.ID, Lines: []order.LineQuantity{{Position: 2, Quantity: 2}, {Position: 3, Quantity: 1}}},
				older.ID: {ReturnID: r.ID, Lines: []order.LineQuantity{{Position: 1, Quantity: 1}}},
			}, changes))
		}
	})
	t.Run("a line is tied in whole or not at all", func(t *testing.T) {
		r, changes := back(goods("A", 6), goods("A", 5), goods("A", 1)).Trace([]order.Order{sale(t, 0, goods("A", 5))})
		require.Empty(t, r.Lines[0].Matches)
		require.Len(t, r.Lines[1].Matches, 1)
		require.Empty(t, r.Lines[2].Matches)
		require.Len(t, changes, 1)
	})
	t.Run("services are never tied, on either side", func(t *testing.T) {
		postage := order.Line{SKU: "POST", Service: true, Quantity: 1}
		r, changes := back(postage, goods("POST", 1)).Trace([]order.Order{sale(t, 0, postage)})
		require.Empty(t, changes)
		require.Empty(t, r.Lines[0].Matches)
		require.Empty(t, r.Lines[1].Matches)
		_, changes = back(postage).Trace([]order.Order{sale(t, 0, goods("POST", 1))})
		require.Empty(t, changes)
	})
	t.Run("only what was sold comes back, and only while the order takes changes", func(t *testing.T) {
		for _, l := range lifecycles[1:] {
			_, changes := back(goods("85123A", 1)).Trace([]order.Order{in(l)})
			sold := l == order.Pending || l == order.ActionRequired || l == order.OnHold || l == order.Confirmed || l == order.Completed
			require.Equal(t, sold, len(changes) == 1, "%s", l)
		}
		full := sale(t, 0, goods("A", 1))
		full.Version = id.MaxPart
		_, changes := back(goods("A", 1)).Trace([]order.Order{full})
		require.Empty(t, changes)
	})
	t.Run("what it ties can come back, and the return that was handed in stays as it was", func(t *testing.T) {
		o := sale(t, 0, goods("A", 2), goods("a", 2), order.Line{SKU: "POST", Service: true, Quantity: 1})
		given := back(goods("a", 3), goods("A", 1))
		r, changes := given.Trace([]order.Order{o})
		require.Empty(t, given.Lines[0].Matches)
		o, _, err := o.Advance(o.ID, noon, changes[o.ID])
		require.NoError(t, err)
		require.Equal(t, []int64{2, 2, 0}, o.Returned)
		require.Equal(t, order.FulfillmentReturned, o.Fulfillment)
		_, changes = r.Trace([]order.Order{o})
		require.Empty(t, changes)
	})
	t.Run("its total is the sum of its lines", func(t *testing.T) {
		amount, err := back(goods("A", 3), goods("B", 1)).Total()
		require.NoError(t, err)
		require.Equal(t, money.Minor(4*255), amount)
	})
}

func TestImportReturn(t *testing.T) {
	t.Run("a return needs its number, its source and lines", func(t *testing.T) {
		require.NoError(t, order.ImportReturn(back(goods("A", 1))))
		for reason, spoil := range map[fault.Reason]func(r *order.Return){
			fault.ReasonDocumentIncomplete: func(r *order.Return) { r.Number = "" },
			fault.ReasonOrderEmpty:         func(r *order.Return) { r.Lines = nil },
			fault.ReasonCurrencyUnknown:    func(r *order.Return) { r.Currency = "" },
			fault.ReasonQuantityInvalid:    func(r *order.Return) { r.Lines[0].Quantity = -1 },
		} {
			r := back(goods("A", 1))
			spoil(&r)
			require.Equal(t, reason, fault.ReasonOf(order.ImportReturn(r)))
		}
	})
}
