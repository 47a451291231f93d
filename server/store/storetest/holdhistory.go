package storetest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// The history of one SKU: what callers of two servers asked and were told, and when. It is
// linearizable when it could have come about one call after the other.
const (
	historyOnHand  = 6
	historyOrders  = 12
	historyCallers = 8
	historyCalls   = 25 // of each caller
)

type historyInput struct {
	kind  string // hold, release or read
	order int
}

// historyState is what every order has of the SKU.
type historyState [historyOrders]stock.HoldState

// wanted is how many an order wants.
func wanted(order int) int64 { return int64(1 + order%3) }

func (h historyState) held() (sum int64) {
	for i, state := range h {
		if state == stock.Held {
			sum += wanted(i)
		}
	}
	return sum
}

// model is what one SKU is to its buyers, one call after the other.
var model = porcupine.Model{
	Init: func() any { return historyState{} },
	Step: func(state, input, output any) (bool, any) {
		h, in := state.(historyState), input.(historyInput)
		switch in.kind {
		case "read":
			return output == h.held(), h
		case "release":
			h[in.order] = stock.Released
		case "hold":
			if h[in.order] == stock.Requested {
				h[in.order] = stock.Unavailable
				if h.held()+wanted(in.order) <= historyOnHand {
					h[in.order] = stock.Held
				}
			}
		}
		return output == h[in.order], h
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%v -> %v", input, output) },
}

func testHoldHistory(t *testing.T, b bench) {
	t.Run("the history of the holds of one SKU is linearizable", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		supply(t, s, "A", historyOnHand)
		began := time.Now()
		histories := make([][]porcupine.Operation, historyCallers)
		atOnce(historyCallers, func(caller int) {
			random := rand.New(rand.NewPCG(7, uint64(caller))) //nolint:gosec // the same calls each time
			for range historyCalls {
				in := historyInput{[]string{"hold", "hold", "release", "read"}[random.IntN(4)], random.IntN(historyOrders)}
				op := porcupine.Operation{ClientId: caller, Input: in, Call: int64(time.Since(began))}
				op.Output = answerTo(t, servers[random.IntN(2)], in)
				op.Return = int64(time.Since(began))
				histories[caller] = append(histories[caller], op)
			}
		})
		var history []porcupine.Operation
		for _, part := range histories {
			history = append(history, part...)
		}
		require.Equal(t, porcupine.Ok, porcupine.CheckOperationsTimeout(model, history, time.Minute))
		requireSoundStock(t, s)
	})
	t.Run("a history in which one unit is sold twice is not", func(t *testing.T) {
		bought := func(order int, from, to int64) porcupine.Operation {
			return porcupine.Operation{Input: historyInput{"hold", order}, Output: stock.Held, Call: from, Return: to}
		}
		sold := []porcupine.Operation{bought(2, 0, 10), bought(5, 5, 20), bought(8, 7, 30)} // three each
		require.Equal(t, porcupine.Illegal, porcupine.CheckOperationsTimeout(model, sold, time.Minute))
	})
}

func answerTo(t *testing.T, s store.Store, in historyInput) any {
	t.Helper()
	if in.kind == "read" {
		level, err := s.StockLevel(t.Context(), "A")
		if err != nil {
			t.Error(err)
		}
		return level.Held
	}
	var holds []stock.Hold
	var err error
	if in.kind == "hold" {
		holds, err = s.HoldStock(t.Context(), buyer(in.order), []stock.Demand{demand("A", wanted(in.order))}, later)
	} else {
		holds, err = s.ReleaseStock(t.Context(), buyer(in.order), []string{"A"})
	}
	if err != nil {
		t.Error(err)
		return nil
	}
	return holds[0].State
}
