package storetest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// commit takes off the shelf what the i-th buyer holds, by a request of this name.
func commit(t *testing.T, s store.Store, i int, request string, demands ...stock.Demand) ([]stock.Hold, error) {
	t.Helper()
	r := asked(buyer(i).String(), request)
	may := s.MayCommitStock(t.Context(), buyer(i), demands, r)
	holds, err := s.CommitStock(t.Context(), buyer(i), demands, r)
	require.Equal(t, fault.ReasonOf(err), fault.ReasonOf(may))
	return holds, err
}

func testCommits(t *testing.T, b bench) {
	t.Run("a part leaves, then the rest", func(t *testing.T) {
		s := b.new(t)
		supply(t, s, "A", 10)
		hold(t, s, 1, demand("A", 5))
		got, err := commit(t, s, 1, "first", demand("A", 2))
		require.NoError(t, err)
		requireSame(t, []stock.Hold{{OrderID: buyer(1), SKU: "A", Quantity: 5, Committed: 2, State: stock.Held, Expires: later}}, got)
		requireHeld(t, s, "A", 8, 3)
		got, err = commit(t, s, 1, "second", demand("A", 3))
		require.NoError(t, err)
		requireSame(t, []stock.Hold{{OrderID: buyer(1), SKU: "A", Quantity: 5, Committed: 5, State: stock.Committed}}, got)
		requireHeld(t, s, "A", 5, 0)
		require.Equal(t, stock.Committed, release(t, s, 1, "A")[0].State)
		requireHeld(t, s, "A", 5, 0)
	})
	t.Run("the same request takes nothing more and gets the first answer, also after the rest has left", func(t *testing.T) {
		s := b.new(t)
		supply(t, s, "A", 10)
		hold(t, s, 1, demand("A", 5))
		first, err := commit(t, s, 1, "first", demand("A", 2))
		require.NoError(t, err)
		for _, request := range []string{"first", "second", "first"} {
			again, err := commit(t, s, 1, request, demand("A", 2))
			require.NoError(t, err)
			if request == "first" {
				require.Equal(t, first[0].Committed, again[0].Committed)
				require.Equal(t, first[0].State, again[0].State)
			}
		}
		requireHeld(t, s, "A", 6, 1)
		_, err = s.CommitStock(t.Context(), buyer(1), []stock.Demand{demand("A", 1)}, otherwise(asked(buyer(1).String(), "first")))
		requireReason(t, fault.ReasonRequestIDReused, err)
		requireHeld(t, s, "A", 6, 1)
	})
	t.Run("two orders may use the same request id", func(t *testing.T) {
		s := b.new(t)
		supply(t, s, "A", 10)
		for i := range 2 {
			hold(t, s, i, demand("A", 5))
			_, err := commit(t, s, i, "same", demand("A", 5))
			require.NoError(t, err)
		}
		requireHeld(t, s, "A", 0, 0)
	})
	t.Run("what an order does not hold does not leave", func(t *testing.T) {
		s := b.new(t)
		supply(t, s, "A", 10)
		supply(t, s, "B", 1)
		hold(t, s, 1, demand("A", 5))
		_, err := commit(t, s, 1, "too much", demand("A", 6))
		requireReason(t, fault.ReasonCommitAboveHeld, err)
		_, err = commit(t, s, 1, "too much in two", demand("A", 3), demand("A", 3))
		requireReason(t, fault.ReasonCommitAboveHeld, err)
		_, err = commit(t, s, 2, "of another", demand("A", 5))
		requireReason(t, fault.ReasonNotHeld, err)
		_, err = commit(t, s, 1, "none of it", demand("A", 0))
		requireReason(t, fault.ReasonQuantityInvalid, err)
		hold(t, s, 1, demand("B", 2))
		_, err = commit(t, s, 1, "unavailable", demand("B", 2))
		requireReason(t, fault.ReasonNotHeld, err)
		release(t, s, 1, "A")
		_, err = commit(t, s, 1, "released", demand("A", 5))
		requireReason(t, fault.ReasonNotHeld, err)
		requireHeld(t, s, "A", 10, 0)
	})
	t.Run("when one SKU cannot leave, none does, and none of a refused request is remembered", func(t *testing.T) {
		s := b.new(t)
		var demands []stock.Demand
		for i := range 12 { // in as many shards as there are
			sku := fmt.Sprint("SKU-", i)
			supply(t, s, sku, 2)
			hold(t, s, 1, demand(sku, 1))
			demands = append(demands, demand(sku, 1))
		}
		wrong := append(demands[:11:11], demand("SKU-11", 2))
		_, err := commit(t, s, 1, "leaves", wrong...)
		requireReason(t, fault.ReasonCommitAboveHeld, err)
		for _, d := range demands {
			requireHeld(t, s, d.SKU, 2, 1)
		}
		got, err := commit(t, s, 1, "leaves", demands...)
		require.NoError(t, err)
		for i, h := range got {
			require.Equal(t, demands[i].SKU, h.SKU)
			require.Equal(t, stock.Committed, h.State)
			requireHeld(t, s, h.SKU, 1, 0)
		}
	})
	t.Run("what is still to come does not leave", func(t *testing.T) {
		s := b.new(t)
		supply(t, s, "A", 4)
		require.NoError(t, limitBackorders(t, s, 5))
		hold(t, s, 1, demand("A", 5))
		_, err := commit(t, s, 1, "early", demand("A", 1))
		requireReason(t, fault.ReasonStockToCome, err)
		supply(t, s, "A", 1)
		_, err = commit(t, s, 1, "early", demand("A", 5))
		require.NoError(t, err)
		requireHeld(t, s, "A", 0, 0)
	})
	t.Run("what is left of a hold that was partly committed is let go", func(t *testing.T) {
		s := b.new(t)
		supply(t, s, "A", 10)
		hold(t, s, 1, demand("A", 5))
		hold(t, s, 2, demand("A", 5))
		for i := 1; i <= 2; i++ {
			_, err := commit(t, s, i, "part", demand("A", 2))
			require.NoError(t, err)
		}
		got := release(t, s, 1, "A")
		requireSame(t, []stock.Hold{{OrderID: buyer(1), SKU: "A", Quantity: 5, Committed: 2, State: stock.Released}}, got)
		lapsed, err := s.ExpireHolds(t.Context(), later, 10)
		require.NoError(t, err)
		require.Len(t, lapsed, 1)
		requireHeld(t, s, "A", 6, 0)
	})
}
