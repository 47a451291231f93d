package importer

import (
	"encoding/csv"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// countRows counts the rows that a file has before it is damaged, without our own reader.
func countRows(text string) int {
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	rows := -1 // the header
	for {
		if _, err := r.Read(); err != nil {
			return max(rows, 0)
		}
		rows++
	}
}

// FuzzCSV reads anything as either layout: every row before the damage comes out in exactly one
// document, whose lines are fewer only when it is refused.
func FuzzCSV(f *testing.F) {
	f.Add(retailHeader+row("536001", "1", "1", "2")+row("C536002", "1", "-1", "2")+row("536001", "2", "1", "2"), "")
	f.Add(retailHeader+row("536001", "1", "x", "2")+"A,\"", "")
	f.Add(retailHeader+row("536001", "1", "-1", "0")+"\n\r\n1,2\n", "")
	f.Add("\ufeff"+retailHeader+"536001,\x00,\xff,1,2010-12-01 08:26:00,1,,\n", "")
	f.Add(orderHeader+order("10")+order("11")+order("x"), detailHeader+"9,1,2,1,0\n10,1,2,1,0.5\n11,1,2,1,0\n")
	f.Add(orderHeader+order("10")+order("9"), detailHeader+"10,1,2,1,0\n9,1,2,1,0\n")
	f.Fuzz(func(t *testing.T, first, second string) {
		in := shop{retail: memory("a.csv", first)}
		want := countRows(first)
		if kind, err := detect(*in.retail); err != nil || (kind != layoutRetail && kind != layoutOrders) {
			return
		} else if kind == layoutOrders {
			in = shop{orders: in.retail, details: memory("b.csv", second)}
			if kind, err := detect(*in.details); err != nil || kind != layoutDetails {
				return
			}
			want += countRows(second)
		}
		docs, err := readAll(t, newReader([]shop{in}, ReadOptions{}))
		got := 0
		for _, doc := range docs {
			require.NotEmpty(t, doc.Rows)
			got += len(doc.Rows)
			converted, problem := Convert(doc)
			require.Equal(t, problem == nil, converted != nil)
			if problem == nil && doc.Source == SourceOnlineRetail {
				require.Len(t, doc.Lines, len(doc.Rows))
			} else if problem == nil {
				require.Len(t, doc.Lines, len(doc.Rows)-1)
			}
		}
		if err == nil || in.retail != nil {
			require.Equal(t, want, got)
		} else {
			require.LessOrEqual(t, got, want) // damage to one file ends the other where it stands
		}
	})
}

// FuzzDecimal compares parsing and line amounts with exact fractions.
func FuzzDecimal(f *testing.F) {
	f.Add("2.55", "0.15", int64(6))
	f.Add("0.001", "0", int64(1))
	f.Add("-11062.06", "1", int64(74215))
	f.Add("999999999999999999", "0.999999999999999999", int64(1_000_000))
	f.Fuzz(func(t *testing.T, priceText, discountText string, quantity int64) {
		price, err := ParseDecimal(priceText)
		if err != nil {
			return
		}
		value := exact(t, priceText)
		require.Zero(t, value.Cmp(new(big.Rat).SetFrac(big.NewInt(price.coefficient), power10(price.scale))))
		require.Equal(t, value.Sign(), price.Sign())
		discount, err := ParseDecimal(discountText)
		if err != nil || discount.Sign() < 0 || !discount.atMostOne() || price.Sign() < 0 || quantity < 0 {
			return
		}
		for _, exponent := range []int{0, 2, 3} {
			checkLine(t, quantity, price, discount, value, exact(t, discountText), exponent)
		}
	})
}

func checkLine(t *testing.T, quantity int64, price, discount Decimal, p, d *big.Rat, exponent int) {
	t.Helper()
	unit, off, ok := lineMoney(quantity, price, discount, exponent)
	if !ok {
		return
	}
	scale := new(big.Rat).SetInt(power10(exponent))
	q, one := new(big.Rat).SetInt64(quantity), big.NewRat(1, 1)
	// unit − 1 < price ≤ unit
	minor := new(big.Rat).Mul(p, scale)
	require.LessOrEqual(t, minor.Cmp(new(big.Rat).SetInt64(unit)), 0)
	require.Positive(t, new(big.Rat).Add(minor, one).Cmp(new(big.Rat).SetInt64(unit)))
	// amount − ½ ≤ quantity × price × (1 − discount) < amount + ½
	amount := new(big.Rat).SetInt64(quantity*unit - off)
	net := new(big.Rat).Mul(new(big.Rat).Mul(q, minor), new(big.Rat).Sub(one, d))
	require.GreaterOrEqual(t, net.Cmp(new(big.Rat).Sub(amount, big.NewRat(1, 2))), 0)
	require.Negative(t, net.Cmp(new(big.Rat).Add(amount, big.NewRat(1, 2))))
	// 0 ≤ off ≤ quantity × unit
	require.GreaterOrEqual(t, off, int64(0))
	require.LessOrEqual(t, off, quantity*unit)
}
