package importer

import (
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

func decimal(tb testing.TB, text string) Decimal {
	tb.Helper()
	d, err := ParseDecimal(text)
	require.NoError(tb, err)
	return d
}

func TestConvert(t *testing.T) {
	t.Run("an order keeps its number, customer, country, time and lines", func(t *testing.T) {
		docs, err := readRetail(t, retailHeader+row("536001", "85123a", "6", "2.55")+row("536001", "m", "1", "0.001"))
		require.NoError(t, err)
		got, problem := Convert(docs[0])
		require.Nil(t, problem)
		want := &ordersv1.ImportedOrder{Delivered: true, Order: &ordersv1.Order{
			Number: "536001", CustomerId: "17850", CurrencyCode: "GBP",
			ShipTo:     &ordersv1.Address{Country: "United Kingdom"},
			CreateTime: timestamppb.New(firstDay(8, 26)),
			Lines: []*ordersv1.Line{
				{Sku: "85123a", Description: "LANTERN", Kind: ordersv1.LineKind_LINE_KIND_GOODS, Quantity: 6, UnitPriceMinor: 255},
				{Sku: "m", Description: "LANTERN", Kind: ordersv1.LineKind_LINE_KIND_SERVICE, Quantity: 1, UnitPriceMinor: 1, DiscountMinor: 1},
			},
		}}
		require.Empty(t, cmp.Diff(want, got.GetOrder(), protocmp.Transform()))
	})
	t.Run("a cancellation becomes a return of what came back", func(t *testing.T) {
		docs, err := readRetail(t, retailHeader+row("C536001", "POST", "-2", "3.5"))
		require.NoError(t, err)
		got, problem := Convert(docs[0])
		require.Nil(t, problem)
		want := &ordersv1.Return{Number: "C536001", CustomerId: "17850", CurrencyCode: "GBP",
			CreateTime: timestamppb.New(firstDay(8, 26)),
			Lines: []*ordersv1.ReturnLine{{Sku: "POST", Description: "LANTERN", Quantity: 2, UnitPriceMinor: 350,
				Kind: ordersv1.LineKind_LINE_KIND_SERVICE}}}
		require.Empty(t, cmp.Diff(want, got.GetReturn(), protocmp.Transform()))
	})
	t.Run("adjustments are no orders", func(t *testing.T) {
		docs, err := readRetail(t, retailHeader+row("536001", "1", "-2", "0")+row("A536002", "B", "1", "-5"))
		require.NoError(t, err)
		for i, reason := range []string{ReasonStockAdjustment, ReasonLedgerAdjustment} {
			_, problem := Convert(docs[i])
			require.Equal(t, reason, problem.Reason)
		}
	})
	t.Run("discounts are rounded per line, and open orders stay open", func(t *testing.T) {
		open := strings.Replace(order("10"), "1996-07-16", "", 1)
		docs, err := readNorthwind(t, orderHeader+open, detailHeader+"10,41,7.7,10,0.15\n")
		require.NoError(t, err)
		got, problem := Convert(docs[0])
		require.Nil(t, problem)
		require.False(t, got.GetOrder().Delivered)
		require.EqualValues(t, 3238, got.GetOrder().Order.ShippingMinor)
		line := got.GetOrder().Order.Lines[0]
		require.Equal(t, []int64{770, 7700 - 6545}, []int64{line.UnitPriceMinor, line.DiscountMinor})
		require.Equal(t, ordersv1.LineKind_LINE_KIND_GOODS, line.Kind)
	})
	t.Run("an amount beyond 64 bits is refused", func(t *testing.T) {
		docs, err := readRetail(t, retailHeader+row("536001", "1", "9223372036854775807", "99999999999999999.9"))
		require.NoError(t, err)
		_, problem := Convert(docs[0])
		require.Equal(t, ReasonOutOfRange, problem.Reason)
	})
	t.Run("a description is trimmed and cut between characters", func(t *testing.T) {
		require.Equal(t, "JAR", description("  JAR "))
		require.Equal(t, strings.Repeat("é", 200), description(strings.Repeat("é", 201)))
		require.Equal(t, strings.Repeat("é", 200), description(strings.Repeat("é", 200)))
		require.Equal(t, strings.Repeat("x", 199), description(strings.Repeat("x", 199)+" y"))
	})
}

func TestLineMoney(t *testing.T) {
	for _, test := range []struct {
		name            string
		quantity        int64
		price, discount string
		exponent        int
		unit, off       int64
	}{
		{"two decimals are exact", 6, "2.55", "0", 2, 255, 0},
		{"a tenth of a penny comes to nothing", 1, "0.001", "0", 2, 1, 1},
		{"five tenths of a penny come to a penny", 5, "0.001", "0", 2, 1, 4},
		{"a half is rounded up", 1, "0.125", "0", 2, 13, 0},
		{"a free line", 3, "0.00", "0", 2, 0, 0},
		{"a discount of all of it", 3, "1.10", "1", 2, 110, 330},
		{"less than a half after discount is rounded down", 1, "0.1", "0.25", 2, 10, 2},
		{"yen have no minor unit", 2, "150.5", "0", 0, 151, 1},
		{"dinars have a thousand", 2, "1.5", "0", 3, 1500, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			unit, off, ok := lineMoney(test.quantity, decimal(t, test.price), decimal(t, test.discount), test.exponent)
			require.True(t, ok)
			require.Equal(t, []int64{test.unit, test.off}, []int64{unit, off})
		})
	}
}

func TestParseDecimal(t *testing.T) {
	for _, text := range []string{"", "-", ".", "1.", ".5", "+1", "1e5", "1,5", " 1", "1 ", "0x1", "--1", "1.2.3", "NaN", "١",
		"1234567890123456789"} {
		t.Run("refuses "+text, func(t *testing.T) {
			_, err := ParseDecimal(text)
			require.ErrorIs(t, err, errDecimal)
		})
	}
}

// exact gives the number without our own arithmetic.
func exact(tb testing.TB, text string) *big.Rat {
	tb.Helper()
	r, ok := new(big.Rat).SetString(text)
	require.True(tb, ok, text)
	return r
}
