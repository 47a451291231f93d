package money_test

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

func TestMinor(t *testing.T) {
	t.Run("overflow is refused with its reason", func(t *testing.T) {
		_, err := money.Minor(math.MaxInt64).Add(1)
		require.Equal(t, fault.ReasonAmountOverflow, fault.ReasonOf(err))
		_, err = money.Minor(math.MinInt64).Sub(1)
		require.Equal(t, fault.ReasonAmountOverflow, fault.ReasonOf(err))
		_, err = money.Minor(math.MaxInt64 / 2).Times(3)
		require.Equal(t, fault.ReasonAmountOverflow, fault.ReasonOf(err))
	})
}

func TestCurrency(t *testing.T) {
	t.Run("knows the minor unit", func(t *testing.T) {
		for code, want := range map[money.Currency]int{"GBP": 2, "JPY": 0, "KWD": 3, "CLF": 4} {
			got, ok := code.Exponent()
			require.True(t, ok)
			require.Equal(t, want, got, code)
		}
	})
	t.Run("refuses what is no currency", func(t *testing.T) {
		for _, code := range []money.Currency{"", "gbp", "XYZ", "EURO", "XXX"} {
			require.False(t, code.Known(), code)
		}
	})
}

// FuzzMinor holds the checked sums against exact arithmetic.
func FuzzMinor(f *testing.F) {
	f.Add(int64(math.MaxInt64), int64(1))
	f.Add(int64(math.MinInt64), int64(-1))
	f.Add(int64(3037000500), int64(3037000500))
	f.Fuzz(func(t *testing.T, a, b int64) {
		agree := func(got money.Minor, err error, want *big.Int) {
			t.Helper()
			if err != nil {
				require.False(t, want.IsInt64())
				return
			}
			require.Equal(t, want.String(), big.NewInt(int64(got)).String())
		}
		x, y := big.NewInt(a), big.NewInt(b)
		sum, err := money.Minor(a).Add(money.Minor(b))
		agree(sum, err, new(big.Int).Add(x, y))
		difference, err := money.Minor(a).Sub(money.Minor(b))
		agree(difference, err, new(big.Int).Sub(x, y))
		if a >= 0 && b >= 0 {
			product, err := money.Minor(a).Times(b)
			agree(product, err, new(big.Int).Mul(x, y))
		}
	})
}
