package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// later is when the tests' holds lapse.
var later = noon.Add(15 * time.Minute)

// buyer is the order of the i-th customer. Later ones come later.
func buyer(i int) order.ID {
	return order.ID{UUID: id.Derived(noon.Add(time.Duration(i)*time.Millisecond), id.SlotOf(customer(i)), customer(i))}
}

// supply puts so many of a SKU on the shelf.
func supply(t *testing.T, s store.Store, sku string, quantity int64) {
	t.Helper()
	put(t, s, sku, "x")
	a := stock.Adjustment{SKU: sku, Delta: quantity, Reason: 1, Time: noon}
	_, err := s.AdjustStock(t.Context(), a, asked(sku, fmt.Sprint("supply ", id.New(noon, 0))))
	require.NoError(t, err)
}

func demand(sku string, quantity int64) stock.Demand {
	return stock.Demand{SKU: sku, Quantity: quantity}
}

// hold holds for the i-th buyer until later.
func hold(t *testing.T, s store.Store, i int, demands ...stock.Demand) []stock.Hold {
	t.Helper()
	holds, err := s.HoldStock(t.Context(), buyer(i), demands, later)
	require.NoError(t, err)
	require.Len(t, holds, len(demands))
	return holds
}

func release(t *testing.T, s store.Store, i int, skus ...string) []stock.Hold {
	t.Helper()
	holds, err := s.ReleaseStock(t.Context(), buyer(i), skus)
	require.NoError(t, err)
	require.Len(t, holds, len(skus))
	return holds
}

// requireHeld makes sure that the level says so and that all rows agree with it.
func requireHeld(t *testing.T, s store.Store, sku string, onHand, held int64) {
	t.Helper()
	level, err := s.StockLevel(t.Context(), sku)
	require.NoError(t, err)
	require.Equal(t, [2]int64{onHand, held}, [2]int64{level.OnHand, level.Held}, "%s: on hand, held", sku)
	requireSoundStock(t, s)
}

// requireState makes sure that the holds are stored like this.
func requireState(t *testing.T, s store.Store, i int, state stock.HoldState, skus ...string) {
	t.Helper()
	holds, err := s.HoldsOf(t.Context(), buyer(i), skus)
	require.NoError(t, err)
	require.Len(t, holds, len(skus))
	for n, h := range holds {
		require.Equal(t, state, h.State, "%s for buyer %d is %s", h.SKU, i, h.State)
		require.Equal(t, skus[n], h.SKU) //nolint:gosec // as many
		require.Equal(t, buyer(i), h.OrderID)
	}
}

func testHolds(t *testing.T, b bench) {
	t.Run("what is there is held, and asking again tells the same and holds no more", func(t *testing.T) {
		s := b.new(t)
		supply(t, s, "A", 5)
		supply(t, s, "B", 5)
		want := []stock.Hold{
			{OrderID: buyer(1), SKU: "B", Quantity: 2, State: stock.Held, Expires: later},
			{OrderID: buyer(1), SKU: "A", Quantity: 5, State: stock.Held, Expires: later},
		}
		for range 2 {
			requireSame(t, want, hold(t, s, 1, demand("B", 2), demand("A", 5)))
		}
		got, err := s.HoldsOf(t.Context(), buyer(1), []string{"B", "A"})
		require.NoError(t, err)
		requireSame(t, want, got)
		requireHeld(t, s, "A", 5, 5)
		requireHeld(t, s, "B", 5, 2)
	})
	t.Run("each SKU is held for itself, all that is wanted of it or nothing", func(t *testing.T) {
		s := b.new(t)
		supply(t, s, "A", 5)
		supply(t, s, "B", 5)
		require.Equal(t, stock.Unavailable, hold(t, s, 1, demand("A", 6))[0].State)
		require.Equal(t, stock.Held, hold(t, s, 1, demand("B", 5))[0].State)
		require.Equal(t, stock.Unavailable, hold(t, s, 1, demand("C", 1))[0].State, "nobody stocks it")
		requireHeld(t, s, "A", 5, 0)
		requireHeld(t, s, "B", 5, 5)
	})
	t.Run("what was unavailable stays so when asked again, and may be asked for in another quantity", func(t *testing.T) {
		s := b.new(t)
		supply(t, s, "A", 1)
		require.Equal(t, stock.Unavailable, hold(t, s, 1, demand("A", 2))[0].State)
		supply(t, s, "A", 1)
		require.Equal(t, stock.Unavailable, hold(t, s, 1, demand("A", 2))[0].State)
		require.Equal(t, stock.Held, hold(t, s, 1, demand("A", 1))[0].State)
		requireHeld(t, s, "A", 2, 1)
	})
	t.Run("what is not wanted for now is let go, and may be asked for again", func(t *testing.T) {
		s := b.new(t)
		supply(t, s, "A", 5)
		supply(t, s, "B", 5)
		hold(t, s, 1, demand("A", 3), demand("B", 1))
		none := stock.Hold{OrderID: buyer(1), SKU: "A", State: stock.Unavailable}
		for range 2 {
			requireSame(t, []stock.Hold{none}, hold(t, s, 1, demand("A", 0))[:1])
			requireHeld(t, s, "A", 5, 0)
		}
		require.Equal(t, stock.Held, hold(t, s, 1, demand("A", 0), demand("B", 2))[1].State, "it is no reason to stop")
		require.Equal(t, stock.Held, hold(t, s, 1, demand("A", 3))[0].State)
		requireHeld(t, s, "A", 5, 3)
		require.Equal(t, stock.Requested, hold(t, s, 2, demand("A", 0))[0].State, "nothing was wanted")
	})
	t.Run("what a smaller hold lets go is there for those who wait", func(t *testing.T) {
		s := b.new(t)
		supply(t, s, "A", 5)
		require.NoError(t, limitBackorders(t, s, 5))
		hold(t, s, 1, demand("A", 5))
		require.Equal(t, stock.Backordered, hold(t, s, 2, demand("A", 2))[0].State)
		hold(t, s, 1, demand("A", 3))
		requireState(t, s, 2, stock.Held, "A")
	})
	t.Run("demands of one SKU count as their sum", func(t *testing.T) {
		s := b.new(t)
		supply(t, s, "A", 5)
		got := hold(t, s, 1, demand("A", 2), demand("A", 3))
		require.Equal(t, got[0], got[1])
		require.Equal(t, int64(5), got[0].Quantity)
		require.Equal(t, stock.Unavailable, hold(t, s, 2, demand("A", 1), demand("A", 1))[0].State)
		requireHeld(t, s, "A", 5, 5)
	})
	t.Run("another quantity changes the hold if there is enough, and until a part has left", func(t *testing.T) {
		s := b.new(t)
		supply(t, s, "A", 5)
		hold(t, s, 1, demand("A", 2))
		require.Equal(t, int64(4), hold(t, s, 1, demand("A", 4))[0].Quantity)
		requireHeld(t, s, "A", 5, 4)
		require.Equal(t, int64(4), hold(t, s, 1, demand("A", 6))[0].Quantity, "there are only five")
		require.Equal(t, int64(1), hold(t, s, 1, demand("A", 1))[0].Quantity)
		requireHeld(t, s, "A", 5, 1)
		require.Equal(t, int64(3), hold(t, s, 1, demand("A", 3))[0].Quantity)
		_, err := commit(t, s, 1, "one", demand("A", 1))
		require.NoError(t, err)
		_, err = s.HoldStock(t.Context(), buyer(1), []stock.Demand{demand("A", 2)}, later)
		requireReason(t, fault.ReasonHoldDiffers, err)
		requireHeld(t, s, "A", 4, 2)
	})
	t.Run("a quantity that is no quantity is refused", func(t *testing.T) {
		s := b.new(t)
		supply(t, s, "A", 5)
		for _, quantity := range []int64{-1, stock.MaxQuantity + 1} {
			_, err := s.HoldStock(t.Context(), buyer(2), []stock.Demand{demand("A", quantity)}, later)
			requireReason(t, fault.ReasonQuantityInvalid, err)
		}
		requireHeld(t, s, "A", 5, 0)
	})
	t.Run("what is released is free again, and its order holds nothing any more", func(t *testing.T) {
		s := b.new(t)
		supply(t, s, "A", 5)
		hold(t, s, 1, demand("A", 5))
		for range 2 {
			require.Equal(t, stock.Released, release(t, s, 1, "A")[0].State)
			requireHeld(t, s, "A", 5, 0)
		}
		require.Equal(t, stock.Released, hold(t, s, 1, demand("A", 5))[0].State)
		requireHeld(t, s, "A", 5, 0)
		require.Equal(t, stock.Held, hold(t, s, 2, demand("A", 5))[0].State)
	})
	t.Run("a hold that comes after its release holds nothing, of whatever SKU", func(t *testing.T) {
		s := b.new(t)
		supply(t, s, "A", 5)
		release(t, s, 1, "A", "none")
		got := hold(t, s, 1, demand("A", 1), demand("none", 1))
		require.Equal(t, stock.Released, got[0].State)
		require.Equal(t, stock.Released, got[1].State)
		requireHeld(t, s, "A", 5, 0)
	})
	t.Run("a release leaves the holds of others alone", func(t *testing.T) {
		s := b.new(t)
		supply(t, s, "A", 5)
		hold(t, s, 1, demand("A", 3))
		release(t, s, 2, "A")
		requireState(t, s, 1, stock.Held, "A")
		requireHeld(t, s, "A", 5, 3)
	})
	t.Run("what is held cannot be taken off the shelf by hand", func(t *testing.T) {
		s := b.new(t)
		supply(t, s, "A", 5)
		hold(t, s, 1, demand("A", 3))
		_, err := adjust(t.Context(), s, -3, "broken")
		requireReason(t, fault.ReasonStockTooLow, err)
		_, err = adjust(t.Context(), s, -2, "broken too")
		require.NoError(t, err)
		requireHeld(t, s, "A", 3, 3)
	})
	t.Run("a hold lapses when its time is over, not before, and what has none does not", func(t *testing.T) {
		s := b.new(t)
		supply(t, s, "A", 10)
		hold(t, s, 1, demand("A", 1))
		for i := range 2 {
			_, err := s.HoldStock(t.Context(), buyer(i+2), []stock.Demand{demand("A", int64(i+2))}, time.Time{})
			require.NoError(t, err)
		}
		lapsed, err := s.ExpireHolds(t.Context(), later.Add(-time.Microsecond), 10)
		require.NoError(t, err)
		require.Empty(t, lapsed)
		lapsed, err = s.ExpireHolds(t.Context(), later, 10)
		require.NoError(t, err)
		requireSame(t, []stock.Hold{{OrderID: buyer(1), SKU: "A", Quantity: 1, State: stock.Expired}}, lapsed)
		requireHeld(t, s, "A", 10, 5)
		require.Equal(t, stock.Expired, hold(t, s, 1, demand("A", 1))[0].State)
		requireState(t, s, 2, stock.Held, "A")
		requireState(t, s, 3, stock.Held, "A")
	})
	t.Run("a sweep takes no more than its limit, the oldest first, and goes on until there are none", func(t *testing.T) {
		s := b.new(t)
		supply(t, s, "A", 10)
		for i := range 10 {
			_, err := s.HoldStock(t.Context(), buyer(i), []stock.Demand{demand("A", 1)}, later.Add(time.Duration(10-i)*time.Second))
			require.NoError(t, err)
		}
		for left := 10; left > 0; left -= 3 {
			lapsed, err := s.ExpireHolds(t.Context(), later.Add(time.Hour), 3)
			require.NoError(t, err)
			require.Len(t, lapsed, min(left, 3))
			require.Equal(t, buyer(left-1), lapsed[0].OrderID)
		}
		lapsed, err := s.ExpireHolds(t.Context(), later.Add(time.Hour), 3)
		require.NoError(t, err)
		require.Empty(t, lapsed)
		requireHeld(t, s, "A", 10, 0)
	})
	t.Run("an order of a thousand SKUs is held at once", func(t *testing.T) {
		s := b.new(t)
		demands, skus := make([]stock.Demand, order.MaxLines), make([]string, order.MaxLines)
		for i := range demands {
			skus[i] = fmt.Sprint("SKU-", i)
			demands[i] = demand(skus[i], 1)
		}
		supply(t, s, skus[500], 1)
		got := hold(t, s, 1, demands...)
		// Of several shards, those behind one that has not enough are not asked.
		require.Contains(t, []stock.HoldState{stock.Held, stock.Requested}, got[500].State)
		require.Contains(t, []stock.HoldState{stock.Unavailable, stock.Requested}, got[501].State)
		requireSame(t, got, hold(t, s, 1, demands...))
		release(t, s, 1, skus...)
		requireHeld(t, s, skus[500], 1, 0)
	})
}

func testBackorders(t *testing.T, b bench) {
	// limited puts so many on the shelf of a product that may be promised beyond that.
	limited := func(t *testing.T, s store.Store, onHand, limit int64) {
		t.Helper()
		supply(t, s, "A", onHand)
		require.NoError(t, limitBackorders(t, s, limit))
	}
	t.Run("beyond what is on hand stock is promised up to the limit", func(t *testing.T) {
		s := b.new(t)
		limited(t, s, 2, 3)
		require.Equal(t, stock.Held, hold(t, s, 1, demand("A", 2))[0].State)
		require.Equal(t, stock.Backordered, hold(t, s, 2, demand("A", 3))[0].State)
		require.Equal(t, stock.Unavailable, hold(t, s, 3, demand("A", 1))[0].State)
		requireHeld(t, s, "A", 2, 5)
		level, err := s.StockLevel(t.Context(), "A")
		require.NoError(t, err)
		require.Equal(t, [3]int64{3, 3, 0}, [3]int64{level.Backordered, level.BackorderLimit, level.Available()})
		p, err := s.Product(t.Context(), "A")
		require.NoError(t, err)
		require.Equal(t, int64(3), p.BackorderLimit)
	})
	t.Run("what comes in goes to those who wait, in the order of their orders", func(t *testing.T) {
		s := b.new(t)
		limited(t, s, 0+1, 9)
		for _, i := range []int{3, 1, 2} {
			require.Equal(t, stock.Backordered, hold(t, s, i, demand("A", 3))[0].State)
		}
		supply(t, s, "A", 1)
		requireState(t, s, 1, stock.Backordered, "A")
		supply(t, s, "A", 4)
		requireState(t, s, 1, stock.Held, "A")
		requireState(t, s, 2, stock.Held, "A")
		requireState(t, s, 3, stock.Backordered, "A")
		requireHeld(t, s, "A", 6, 9)
		release(t, s, 1, "A")
		requireState(t, s, 3, stock.Held, "A")
		requireHeld(t, s, "A", 6, 6)
	})
	t.Run("a backordered hold is released and lapses like any other", func(t *testing.T) {
		s := b.new(t)
		limited(t, s, 1, 5)
		hold(t, s, 1, demand("A", 2))
		hold(t, s, 2, demand("A", 2))
		release(t, s, 1, "A")
		lapsed, err := s.ExpireHolds(t.Context(), later, 10)
		require.NoError(t, err)
		require.Len(t, lapsed, 1)
		requireHeld(t, s, "A", 1, 0)
	})
	t.Run("a limit that does not cover what is promised is refused and changes nothing", func(t *testing.T) {
		s := b.new(t)
		limited(t, s, 1, 5)
		hold(t, s, 1, demand("A", 4))
		requireReason(t, fault.ReasonBackordersPromised, limitBackorders(t, s, 2))
		_, err := adjust(t.Context(), s, 4, "in")
		require.NoError(t, err)
		requireState(t, s, 1, stock.Held, "A")
		require.NoError(t, limitBackorders(t, s, 0))
		requireHeld(t, s, "A", 5, 4)
	})
	t.Run("more who wait than are read at once all get theirs", func(t *testing.T) {
		s := b.new(t)
		const buyers = 1100
		limited(t, s, 1, 2*buyers)
		atOnce(16, func(n int) {
			for i := n; i < buyers; i += 16 {
				_, err := s.HoldStock(t.Context(), buyer(i), []stock.Demand{demand("A", 2)}, later)
				if err != nil {
					t.Error(err)
				}
			}
		})
		supply(t, s, "A", 2*buyers-2)
		level, err := s.StockLevel(t.Context(), "A")
		require.NoError(t, err)
		require.Equal(t, int64(2), level.Backordered)
		requireState(t, s, buyers-1, stock.Backordered, "A")
		requireState(t, s, buyers-2, stock.Held, "A")
		requireSoundStock(t, s)
	})
}

func limitBackorders(t *testing.T, s store.Store, limit int64) error {
	t.Helper()
	request := asked("A", fmt.Sprint("limit ", id.New(noon, 0)))
	_, err := s.PutProduct(t.Context(), "A", request, func(current *stock.Product) (stock.Product, error) {
		wanted := *current
		wanted.BackorderLimit = limit
		return stock.Upsert(current, wanted, "", noon)
	})
	return err
}
