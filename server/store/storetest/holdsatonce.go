package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
)

const buyers = 64

func testHoldsAtOnce(t *testing.T, b bench) {
	t.Run("sixty-four buyers of fifty units leave fourteen without", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		supply(t, s, "A", 50)
		states := make([]stock.HoldState, buyers)
		atOnce(buyers, func(i int) { states[i] = tryHold(t, servers[i%2], i, demand("A", 1)) })
		require.Equal(t, 50, count(states, stock.Held))
		require.Equal(t, 14, count(states, stock.Unavailable))
		requireHeld(t, s, "A", 50, 50)
	})
	t.Run("buyers of two SKUs in opposite orders never wait in a circle", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		supply(t, s, "A", 50)
		supply(t, s, "B", 50)
		both := [][]stock.Demand{{demand("A", 1), demand("B", 1)}, {demand("B", 1), demand("A", 1)}}
		names := [][]string{{"A", "B"}, {"B", "A"}}
		atOnce(buyers, func(i int) { tryHold(t, servers[i%2], i, both[i/2%2]...) })
		requireBothOrNone(t, s, 50, buyers)
		// Now that both are sold out, who lets go of them and others want the same units.
		atOnce(buyers, func(i int) {
			if i%4 != 0 {
				if _, err := servers[(i+1)%2].ReleaseStock(t.Context(), buyer(i), names[i/4%2]); err != nil {
					t.Error(err)
				}
			}
			tryHold(t, servers[i%2], buyers+i, both[(i/2+1)%2]...)
		})
		requireBothOrNone(t, s, 50, 2*buyers)
	})
	t.Run("a hot SKU and others that only some want are each sold once", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		supply(t, s, "hot", 40)
		for i := range 8 {
			supply(t, s, fmt.Sprint("SKU-", i), 10)
		}
		atOnce(buyers, func(i int) {
			tryHold(t, servers[i%2], i, demand(fmt.Sprint("SKU-", i%8), 2))
			tryHold(t, servers[i%2], i, demand("hot", 1))
		})
		requireHeld(t, s, "hot", 40, 40)
		for i := range 8 {
			requireHeld(t, s, fmt.Sprint("SKU-", i), 10, 10)
		}
	})
	t.Run("larger and smaller demands never take more than there is, and the small find room", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		supply(t, s, "A", 100)
		states := make([]stock.HoldState, buyers)
		quantity := func(i int) int64 { return int64(1 + i%7) }
		atOnce(buyers, func(i int) { states[i] = tryHold(t, servers[i%2], i, demand("A", quantity(i))) })
		var held int64
		for i, state := range states {
			if state == stock.Held {
				held += quantity(i)
			}
		}
		require.Greater(t, held, int64(100-7))
		requireHeld(t, s, "A", 100, held)
	})
	t.Run("the same hold of many callers is held once and answered alike", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		supply(t, s, "A", 5)
		supply(t, s, "B", 5)
		answers := make([][]stock.Hold, buyers)
		atOnce(buyers, func(i int) {
			var err error
			if answers[i], err = servers[i%2].HoldStock(t.Context(), buyer(1), []stock.Demand{demand("A", 3), demand("B", 1)}, later); err != nil {
				t.Error(err)
			}
		})
		for _, got := range answers {
			requireSame(t, answers[0], got)
		}
		requireHeld(t, s, "A", 5, 3)
		requireHeld(t, s, "B", 5, 1)
	})
	t.Run("a hold and its release at once leave nothing held", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		supply(t, s, "A", buyers)
		atOnce(2*buyers, func(i int) {
			if i%2 == 0 {
				tryHold(t, servers[i/2%2], i/2, demand("A", 1))
			} else if _, err := servers[i/4%2].ReleaseStock(t.Context(), buyer(i/2), []string{"A"}); err != nil {
				t.Error(err)
			}
		})
		requireHeld(t, s, "A", buyers, 0)
	})
	t.Run("what many callers let go of is let go once, and what they commit leaves once", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		supply(t, s, "A", 4*buyers)
		for i := range 3 * buyers {
			hold(t, s, i, demand("A", 1))
		}
		for round := range buyers / 8 {
			atOnce(16, func(n int) {
				who := 8*round + n/2
				var err error
				switch server := servers[n%2]; n / 2 % 4 {
				case 0, 1:
					_, err = server.ReleaseStock(t.Context(), buyer(who), []string{"A"})
				case 2:
					_, err = server.CommitStock(t.Context(), buyer(who), []stock.Demand{demand("A", 1)}, asked(buyer(who).String(), "ship"))
				default:
					_, err = server.ExpireHolds(t.Context(), later, 1)
				}
				if err != nil && fault.ReasonOf(err) != fault.ReasonNotHeld { // it lapsed
					t.Error(err)
				}
			})
			requireSoundStock(t, s)
		}
	})
	t.Run("goods that come and go by hand beside holds are all counted", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		supply(t, s, "A", buyers)
		require.NoError(t, limitBackorders(t, s, buyers))
		errs := make([]error, buyers)
		atOnce(buyers, func(i int) {
			tryHold(t, servers[i%2], i, demand("A", 2))
			if i%4 == 0 {
				_, errs[i] = adjust(t.Context(), servers[i%2], 4, fmt.Sprint("in ", i))
			}
		})
		for _, err := range errs {
			require.NoError(t, err)
		}
		for i := range buyers {
			requireState(t, s, i, stock.Held, "A")
		}
		requireHeld(t, s, "A", 2*buyers, 2*buyers)
	})
	t.Run("a server that is torn down in the middle leaves whole holds or none", func(t *testing.T) {
		s := b.new(t)
		supply(t, s, "A", 10*buyers)
		supply(t, s, "B", 10*buyers)
		other := s.replica(t)
		over, stop := context.WithCancel(t.Context())
		answers := make([]stock.HoldState, 4*buyers)
		atOnce(len(answers), func(i int) {
			if i == len(answers)/2 {
				stop()
				_ = other.Close(over)
				return
			}
			holds, err := other.HoldStock(t.Context(), buyer(i), []stock.Demand{demand("A", 1), demand("B", 1)}, later)
			switch {
			case err == nil:
				answers[i] = holds[0].State
			case fault.KindOf(err) != fault.KindUnavailable && !errors.Is(err, context.Canceled):
				t.Error(err)
			}
		})
		requireSoundStock(t, s)
		for i, state := range answers {
			if state != stock.Requested {
				requireState(t, s, i, state, "A", "B")
			}
			require.Equal(t, stock.Held, tryHold(t, s, i, demand("A", 1), demand("B", 1))) // asking again tells
		}
		requireHeld(t, s, "A", 10*buyers, int64(len(answers)))
		requireHeld(t, s, "B", 10*buyers, int64(len(answers)))
	})
}

// requireBothOrNone makes sure that n of the first buyers hold A and B, and the others neither.
func requireBothOrNone(t *testing.T, s store.Store, n, buyers int) {
	t.Helper()
	holders := 0
	for i := range buyers {
		holds, err := s.HoldsOf(t.Context(), buyer(i), []string{"A", "B"})
		require.NoError(t, err)
		require.Equal(t, holds[0].IsOpen(), holds[1].IsOpen(), "buyer %d: A is %s, B is %s", i, holds[0].State, holds[1].State)
		if holds[0].IsOpen() {
			holders++
		}
	}
	require.Equal(t, n, holders)
	requireHeld(t, s, "A", int64(n), int64(n))
	requireHeld(t, s, "B", int64(n), int64(n))
}

// tryHold holds until later and gives the state of the first.
func tryHold(t *testing.T, s store.Store, i int, demands ...stock.Demand) stock.HoldState {
	t.Helper()
	holds, err := s.HoldStock(t.Context(), buyer(i), demands, later)
	if err != nil {
		t.Error(err)
		return stock.Requested
	}
	return holds[0].State
}

func count[T comparable](items []T, want T) (n int) {
	for _, item := range items {
		if item == want {
			n++
		}
	}
	return n
}
