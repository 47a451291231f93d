package stripe

import (
	"testing"

	"github.com/stretchr/testify/require"
	sdk "github.com/stripe/stripe-go/v86"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

func TestAmount(t *testing.T) {
	for _, c := range []struct {
		currency money.Currency
		code     sdk.Currency
		ours     money.Minor
		theirs   int64
	}{
		{"GBP", "gbp", 1234, 1234}, {"JPY", "jpy", 500, 500}, {"ISK", "isk", 5, 500}, {"UGX", "ugx", 5, 500},
		{"MGA", "mga", 500, 5}, {"KWD", "kwd", 1230, 1230},
	} {
		t.Run(string(c.currency)+" is counted as Stripe counts it, and back", func(t *testing.T) {
			got, err := toStripe(c.ours, c.currency)
			require.NoError(t, err)
			require.Equal(t, c.theirs, got)
			amount, currency := fromStripe(got, c.code)
			require.Equal(t, c.ours, amount)
			require.Equal(t, c.currency, currency)
		})
	}
	t.Run("what Stripe cannot express is refused, never rounded", func(t *testing.T) {
		for currency, amount := range map[money.Currency]money.Minor{"KWD": 1234, "MGA": 150, "CLF": 1} {
			_, err := toStripe(amount, currency)
			require.Equal(t, fault.KindInvalid, fault.KindOf(err), "%s", currency)
		}
		_, err := toStripe(1<<62, "ISK")
		require.Equal(t, fault.ReasonAmountOverflow, fault.ReasonOf(err))
	})
}
