package storetest

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/store"
)

func testFind(t *testing.T, b bench) {
	t.Run("orders are found together, and one that is not there is not among them", func(t *testing.T) {
		s := b.new(t)
		orders := history(t, s)
		wanted := []order.ID{order.NewID(noon, customer(0), "")}
		for _, o := range orders[2:] {
			wanted = append(wanted, o.ID)
		}
		found, err := s.FindOrders(t.Context(), wanted)
		require.NoError(t, err)
		slices.SortFunc(found, func(a, b order.Order) int { return a.ID.Compare(b.ID.UUID) })
		require.Len(t, found, len(orders)-2)
		for i, o := range orders[2:] {
			require.True(t, o.Equal(found[i]), "%+v", found[i])
		}
	})
	t.Run("holds of many orders are found together, and what nobody held is not among them", func(t *testing.T) {
		s := b.new(t)
		supply(t, s, "A", 10)
		supply(t, s, "B", 10)
		hold(t, s, 0, demand("A", 1), demand("B", 2))
		hold(t, s, 1, demand("A", 3))
		found, err := s.FindHolds(t.Context(), []store.HoldKey{
			{OrderID: buyer(0), SKU: "B"}, {OrderID: buyer(1), SKU: "A"}, {OrderID: buyer(1), SKU: "B"}, {OrderID: buyer(2), SKU: "A"},
		})
		require.NoError(t, err)
		slices.SortFunc(found, func(a, b stock.Hold) int { return a.OrderID.Compare(b.OrderID.UUID) })
		require.Len(t, found, 2)
		requireSame(t, stock.Hold{OrderID: buyer(0), SKU: "B", Quantity: 2, State: stock.Held, Expires: later}, found[0])
		requireSame(t, stock.Hold{OrderID: buyer(1), SKU: "A", Quantity: 3, State: stock.Held, Expires: later}, found[1])
	})
	t.Run("an auditor sees every hold once, by its key", func(t *testing.T) {
		s := b.new(t)
		supply(t, s, "A", 10)
		supply(t, s, "B", 10)
		var want []id.UUID
		for i := range 4 {
			hold(t, s, i, demand("A", 1), demand("B", 1))
			want = append(want, stock.HoldID(buyer(i), "A"), stock.HoldID(buyer(i), "B"))
		}
		release(t, s, 2, "A")
		slices.SortFunc(want, id.UUID.Compare)
		for _, limit := range []int{1, 3, 8, 100} {
			var seen []id.UUID
			for after := (id.UUID{}); ; after = seen[len(seen)-1] {
				page, err := s.AuditHolds(t.Context(), after, limit)
				require.NoError(t, err)
				if len(page) == 0 {
					break
				}
				for _, h := range page {
					require.Equal(t, stock.HoldID(h.OrderID, h.SKU), h.Key)
					seen = append(seen, h.Key)
				}
			}
			require.Equal(t, want, seen)
		}
	})
}
