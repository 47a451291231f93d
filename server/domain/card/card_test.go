package card_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/card"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// numbers are test numbers that the networks publish.
var numbers = []string{
	"4111111111111111", "4242424242424242", "5555555555554444", "2223003122003222", "378282246310005",
	"371449635398431", "6011111111111117", "30569309025904", "36227206271667", "3566002020360505", "6200000000000005",
}

func TestCheckText(t *testing.T) {
	refused := func(t *testing.T, text string) {
		t.Helper()
		require.Equal(t, fault.ReasonCardNumberRefused, fault.ReasonOf(card.CheckText("note", text)), text)
	}
	t.Run("a card number is refused, wherever it stands and however it is grouped", func(t *testing.T) {
		for _, n := range numbers {
			refused(t, n)
			refused(t, "my card is "+n+", thanks")
			refused(t, "#"+n+"x")
			for _, separator := range []string{" ", "-", ".", "  ", " - ", "\u00a0", "–"} {
				grouped := n[:4] + separator + n[4:8] + separator + n[8:12] + separator + n[12:]
				if len([]rune(separator)) > 2 {
					continue
				}
				refused(t, grouped)
				refused(t, "order 12 "+grouped+" 123 12/29")
			}
		}
		refused(t, strings.Join(strings.Split(numbers[0], ""), " "))
	})
	t.Run("13 to 19 digits that pass the Luhn check are refused whoever issued them", func(t *testing.T) {
		for _, n := range []string{"0000000000000", "9999999999999995", "1234567890123452"} {
			refused(t, n)
		}
	})
	t.Run("the fault names the field", func(t *testing.T) {
		f := fault.From(card.CheckText("order.note", numbers[0]))
		require.Equal(t, "order.note", f.Violations[0].Field)
		require.NotContains(t, f.Message, numbers[0])
	})
	t.Run("other numbers pass", func(t *testing.T) {
		for _, text := range []string{
			"", "call +44 20 7946 0958 or 020 7946 0991", "4111111111111112", "411111111111111", "sizes 36 37 38 39 40 41 42 43 44 45",
			"order 536365 of 2010-12-01 08:26:00", "41111111111111111111", "IBAN DE89 3704 0044 0532 0130 00", "0.1234567890",
		} {
			require.NoError(t, card.CheckText("note", text), text)
		}
	})
}

func TestCheckIdentifier(t *testing.T) {
	t.Run("a card number is refused", func(t *testing.T) {
		for _, n := range numbers {
			require.Error(t, card.CheckIdentifier("sku", n), n)
		}
	})
	t.Run("barcodes and time stamps pass, Luhn-valid ones too", func(t *testing.T) {
		for i := range 1000 {
			require.NoError(t, card.CheckIdentifier("sku", fmt.Sprintf("4006381%06d", i)))
			require.NoError(t, card.CheckIdentifier("number", fmt.Sprintf("20260329120000%03d", i)))
		}
	})
}

func FuzzCheckText(f *testing.F) {
	f.Add("4111 1111 1111 1111")
	f.Add("x-–1")
	f.Fuzz(func(_ *testing.T, text string) { _ = card.CheckText("note", text) })
}

func BenchmarkCheckText(b *testing.B) {
	text := strings.Repeat("leave it with the neighbour at 12 Mill Lane, LS1 1AA. ", 10)
	b.ReportAllocs()
	for b.Loop() {
		_ = card.CheckText("note", text)
	}
}
