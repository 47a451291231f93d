package server

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/domain/risk"
)

func TestRiskRules(t *testing.T) {
	cfg := config.Default().Risk
	assess := func(f risk.Facts) risk.Assessment { return riskRules(cfg).Assess(f) }
	t.Run("by default a first order passes unnoted, and a customer's usual one has no points", func(t *testing.T) {
		first := assess(risk.Facts{Total: 5000, Currency: "GBP", Country: "GB"})
		require.Less(t, first.Score, cfg.NoteAt)
		require.Positive(t, first.Score)
		usual := assess(risk.Facts{
			Total: 5000, Currency: "GBP", Country: "GB", LastHour: 1, LastDay: 3,
			Sold: 9, SameCurrency: 9, Average: 4000, Countries: []string{"GB"},
		})
		require.Zero(t, usual.Score)
	})
	t.Run("by default no rule alone holds an order", func(t *testing.T) {
		whole := risk.Points(cfg.Points)
		for _, points := range []int{
			whole.Velocity, whole.LargeTotal, whole.GuestTotal, whole.AboveAverage, whole.OtherCountry, whole.DisposableEmail, whole.FirstOrder,
		} {
			require.Less(t, points, cfg.HoldAt)
			require.Positive(t, points)
		}
	})
	t.Run("by default a large order of nobody known waits, and one with all that is odd is denied", func(t *testing.T) {
		require.Equal(t, risk.Hold, assess(risk.Facts{Guest: true, Total: 1_000_000, Currency: "GBP"}).Outcome)
		require.Equal(t, risk.Deny, assess(risk.Facts{
			Total: 1_000_000, Currency: "GBP", Country: "GB", LastHour: 10, EmailDomain: "mailinator.com",
		}).Outcome)
	})
	t.Run("the shop's own domains reach the rules", func(t *testing.T) {
		cfg := config.Default().Risk
		cfg.DisposableDomains = []string{"Bin.Example"}
		rules := riskRules(cfg)
		require.Equal(t, []string{"bin.example"}, rules.DisposableDomains)
	})
}
