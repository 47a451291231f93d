package storetest

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/risk"
	"github.com/orderprocessing/orderprocessing/server/store"
)

func assessment(orderID order.ID, score int) risk.Assessment {
	return risk.Assessment{
		OrderID: orderID, Score: score, Outcome: risk.Hold, Shadow: true, Created: noon,
		Reasons: []risk.Reason{{Rule: "VELOCITY", Points: score, Explanation: "7 orders in 1 h — ungewöhnlich"}, {Rule: "AMOUNT"}},
	}
}

func testRisk(t *testing.T, b bench) {
	t.Run("an assessment reads back as it was given, and an order without one has none", func(t *testing.T) {
		s := b.new(t)
		for i := range 10 {
			want := assessment(order.NewID(noon, customer(i), ""), i)
			kept, err := s.SaveAssessment(t.Context(), want)
			require.NoError(t, err)
			requireSame(t, want, kept)
			got, err := s.replica(t).Assessment(t.Context(), want.OrderID)
			require.NoError(t, err)
			requireSame(t, want, got)
			requireUTC(t, got.Created)
		}
		none, err := s.Assessment(t.Context(), order.NewID(noon, "cus_1", ""))
		require.NoError(t, err)
		require.Zero(t, none)
		for place, url := range s.urls {
			for _, slot := range slotsOf(t, url, "risk_assessments") {
				require.True(t, b.Owner == nil || b.Owner(slot) == place)
			}
		}
	})
	t.Run("the first assessment of an order is kept, whoever comes at once", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		const callers = 20
		orderID := order.NewID(noon, "cus_1", "")
		errs, kept := make([]error, callers), make([]risk.Assessment, callers)
		atOnce(callers, func(i int) {
			kept[i], errs[i] = servers[i%2].SaveAssessment(t.Context(), assessment(orderID, i))
		})
		require.NoError(t, errors.Join(errs...))
		for _, a := range kept {
			requireSame(t, kept[0], a)
		}
	})
}
