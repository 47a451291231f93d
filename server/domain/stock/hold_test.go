package stock_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

var now = time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)

// in gives a hold of three in a state, with the level it belongs to.
func in(state stock.HoldState) (stock.Level, stock.Hold) {
	l := stock.Level{SKU: "A", OnHand: 10, BackorderLimit: 5}
	h := stock.Hold{OrderID: order.ID{UUID: id.First(now)}, SKU: "A", State: state}
	if state != stock.Requested {
		h.Quantity = 3
	}
	switch state {
	case stock.Held:
		l.Held, h.Expires = 3, now
	case stock.Backordered:
		l.OnHand, l.Held, l.Backordered, h.Expires = 0, 3, 3, now
	case stock.Committed:
		h.Committed = 3
	default:
	}
	return l, h
}

func TestHold(t *testing.T) {
	all := []stock.HoldState{
		stock.Requested, stock.Held, stock.Backordered, stock.Unavailable, stock.Released, stock.Expired, stock.Committed,
	}
	acts := map[string]func(stock.Level, stock.Hold) (stock.Level, stock.Hold){
		"hold":            func(l stock.Level, h stock.Hold) (stock.Level, stock.Hold) { l, h, _ = l.Hold(h, 3, now); return l, h },
		"hold fewer":      func(l stock.Level, h stock.Hold) (stock.Level, stock.Hold) { l, h, _ = l.Hold(h, 2, now); return l, h },
		"hold everything": func(l stock.Level, h stock.Hold) (stock.Level, stock.Hold) { l, h, _ = l.Hold(h, 15, now); return l, h },
		"hold too much":   func(l stock.Level, h stock.Hold) (stock.Level, stock.Hold) { l, h, _ = l.Hold(h, 16, now); return l, h },
		"release":         stock.Level.Release,
		"expire":          func(l stock.Level, h stock.Hold) (stock.Level, stock.Hold) { return l.Expire(h, now) },
		"hold none":       func(l stock.Level, h stock.Hold) (stock.Level, stock.Hold) { l, h, _ = l.Hold(h, 0, now); return l, h },
		"commit":          func(l stock.Level, h stock.Hold) (stock.Level, stock.Hold) { l, h, _ = l.Commit(h, 3); return l, h },
		"commit a part":   func(l stock.Level, h stock.Hold) (stock.Level, stock.Hold) { l, h, _ = l.Commit(h, 1); return l, h },
		"fill": func(l stock.Level, h stock.Hold) (stock.Level, stock.Hold) {
			if h.State == stock.Backordered {
				l.OnHand += 3
			}
			l, h, _ = l.Fill(h)
			return l, h
		},
	}
	t.Run("whatever is done goes a way that the table knows and keeps the level in step", func(t *testing.T) {
		went := map[[2]stock.HoldState]bool{}
		for _, state := range all {
			for name, do := range acts {
				l, h := in(state)
				next, after := do(l, h)
				require.True(t, state == after.State || state.May(after.State), "%s: %s → %s", name, state, after.State)
				require.Equal(t, next.Held-l.Held, after.Open()-h.Open(), "%s of what is %s", name, state)
				require.GreaterOrEqual(t, next.Available(), int64(0))
				require.GreaterOrEqual(t, next.Free(), int64(0))
				if !after.IsOpen() {
					require.Zero(t, after.Expires)
				}
				if after.State != state {
					went[[2]stock.HoldState{state, after.State}] = true
				}
			}
		}
		ways := 0
		for _, from := range all {
			for _, to := range all {
				if from.May(to) {
					ways++
					require.True(t, went[[2]stock.HoldState{from, to}], "nothing goes from %s to %s", from, to)
				}
			}
		}
		require.Len(t, went, ways)
	})
	t.Run("what leaves without a hold is refused with its reason", func(t *testing.T) {
		for state, want := range map[stock.HoldState]fault.Reason{
			stock.Requested: fault.ReasonNotHeld, stock.Unavailable: fault.ReasonNotHeld, stock.Released: fault.ReasonNotHeld,
			stock.Expired: fault.ReasonNotHeld, stock.Committed: fault.ReasonNotHeld,
			stock.Backordered: fault.ReasonStockToCome, stock.Held: fault.ReasonCommitAboveHeld,
		} {
			l, h := in(state)
			next, after, err := l.Commit(h, 4)
			require.Equal(t, want, fault.ReasonOf(err))
			require.Equal(t, l, next)
			require.Equal(t, h, after)
		}
	})
	t.Run("demands of one SKU are summed, by SKU", func(t *testing.T) {
		demands := []stock.Demand{{"B", 1}, {"A", 2}, {"B", 3}}
		require.Equal(t, []stock.Demand{{"A", 2}, {"B", 4}}, stock.Sum(demands))
		require.Equal(t, []stock.Demand{{"B", 1}, {"A", 2}, {"B", 3}}, demands, "the callers' own is left alone")
		require.Empty(t, stock.Sum(nil))
	})
	t.Run("the key of a hold lies in the slot of its SKU and belongs to one order", func(t *testing.T) {
		one, two := order.NewID(now, "cus_1", ""), order.NewID(now, "cus_1", "")
		require.Equal(t, stock.HoldID(one, "A"), stock.HoldID(one, "A"))
		require.NotEqual(t, stock.HoldID(one, "A"), stock.HoldID(two, "A"))
		require.NotEqual(t, stock.HoldID(one, "A"), stock.HoldID(one, "B"))
		require.Equal(t, stock.SlotOf("A"), stock.HoldID(one, "A").Slot())
	})
}
