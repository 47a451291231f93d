package importer

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
)

func TestReader_OnlineRetail(t *testing.T) {
	t.Run("the sample day has its documents of every kind", func(t *testing.T) {
		r, err := Open([]string{"testdata/online-retail/sample-2010-12-01.csv"}, ReadOptions{})
		require.NoError(t, err)
		docs, err := readAll(t, r)
		require.NoError(t, err)
		kinds, rows := map[Kind]int{}, 0
		for _, doc := range docs {
			require.Nil(t, doc.Problem)
			require.Len(t, doc.Lines, len(doc.Rows))
			kinds[doc.Kind]++
			rows += len(doc.Rows)
		}
		require.Equal(t, map[Kind]int{KindOrder: 127, KindNoChargeOnly: 9, KindStockAdjustment: 1,
			KindCancellation: 6}, kinds)
		require.Equal(t, 3108, rows)
		read, total := r.Progress()
		require.EqualValues(t, 275001, total)
		require.Equal(t, total, read)
	})
	t.Run("an invoice keeps its rows, and is as old as the first of them", func(t *testing.T) {
		docs, err := readRetail(t, retailHeader+row("536591", "a", "2", "1.5")+
			"536591,B,\"\"\"x\"\", y\",3,2010-12-01 08:20:00,0.001,17850.0,United Kingdom\n")
		require.NoError(t, err)
		require.Len(t, docs, 1)
		require.Equal(t, firstDay(8, 20), docs[0].CreateTime)
		require.Equal(t, "17850", docs[0].CustomerID)
		require.Equal(t, "GBP", docs[0].CurrencyCode)
		require.True(t, docs[0].Delivered)
		require.Equal(t, "United Kingdom", docs[0].ShipTo.Country)
		want := []Line{{SKU: "a", Description: "LANTERN", Quantity: 2, UnitPrice: Decimal{15, 1}},
			{SKU: "B", Description: `"x", y`, Quantity: 3, UnitPrice: Decimal{1, 3}}}
		require.Empty(t, cmp.Diff(want, docs[0].Lines, cmp.AllowUnexported(Decimal{})))
		require.Equal(t, 3, docs[0].Rows[1].Line)
	})
	t.Run("the kind is that of the number and of the lines", func(t *testing.T) {
		docs, err := readRetail(t, retailHeader+row("536001", "1", "1", "0")+row("536001", "2", "1", "2")+
			row("536002", "1", "1", "0.0")+row("536003", "1", "-1", "0")+row("C536004", "1", "-1", "2")+
			row("A536005", "B", "1", "-11062.06"))
		require.NoError(t, err)
		kinds := []Kind{}
		for _, doc := range docs {
			kinds = append(kinds, doc.Kind)
		}
		require.Equal(t, []Kind{KindOrder, KindNoChargeOnly, KindStockAdjustment, KindCancellation,
			KindLedgerAdjustment}, kinds)
	})
	t.Run("times are in the zone that was asked for", func(t *testing.T) {
		london, err := time.LoadLocation("Europe/London")
		require.NoError(t, err)
		summer := strings.Replace(row("536001", "1", "1", "2"), "2010-12", "2011-07", 1)
		docs, err := readAll(t, newReader([]shop{{retail: memory("shop.csv", retailHeader+summer)}},
			ReadOptions{Timezone: london, CurrencyCode: "EUR"}))
		require.NoError(t, err)
		require.Equal(t, time.Date(2011, 7, 1, 7, 26, 0, 0, time.UTC), docs[0].CreateTime)
		require.Equal(t, "EUR", docs[0].CurrencyCode)
	})
	t.Run("columns are known by name, and a byte order mark is no part of one", func(t *testing.T) {
		docs, err := readRetail(t, "\ufeffCountry,InvoiceNo,StockCode,Extra,Description,Quantity,InvoiceDate,UnitPrice,"+
			"CustomerID\nFrance,536001,1,x,y,1,2010-12-01 08:26:00,2.5,\n")
		require.NoError(t, err)
		require.Equal(t, "France", docs[0].ShipTo.Country)
		require.Empty(t, docs[0].CustomerID)
	})
}

func TestReader_SplitInvoices(t *testing.T) {
	t.Run("an invoice with another between its rows is one document", func(t *testing.T) {
		docs, err := readRetail(t, retailHeader+row("542806", "1", "1", "2")+row("542806", "2", "1", "2")+
			row("C542805", "9", "-1", "2")+row("542806", "3", "1", "2")+row("542807", "4", "1", "2")+
			row("542806", "5", "1", "2"))
		require.NoError(t, err)
		require.Equal(t, [][2]string{{"C542805", ""}, {"542807", ""}, {"542806", ""}}, reasons(docs))
		skus := []string{}
		for _, line := range docs[2].Lines {
			skus = append(skus, line.SKU)
		}
		require.Equal(t, []string{"1", "2", "3", "5"}, skus)
	})
	t.Run("rows that are too far apart to keep are refused, all of them", func(t *testing.T) {
		var text strings.Builder
		text.WriteString(retailHeader)
		const invoices = maxHeldRows + 100
		for range 2 {
			for i := range invoices {
				text.WriteString(row(strconv.Itoa(500000+i), "1", "1", "2"))
			}
		}
		docs, err := readRetail(t, text.String())
		require.NoError(t, err)
		rows, whole, refused := 0, 0, 0
		for _, doc := range docs {
			rows += len(doc.Rows)
			if doc.Problem == nil {
				require.Len(t, doc.Rows, 2)
				whole++
			} else {
				require.Equal(t, ReasonSplitDocument, doc.Problem.Reason)
				refused++
			}
		}
		require.Equal(t, []int{2 * invoices, maxHeldRows, 200}, []int{rows, whole, refused})
	})
	t.Run("a file that is scattered all over is refused before anything is read", func(t *testing.T) {
		var text strings.Builder
		text.WriteString(retailHeader)
		for range 2 {
			for i := range maxSplitDocuments + 1 {
				text.WriteString(row(strconv.Itoa(500000+i), "1", "1", "2"))
			}
		}
		docs, err := readRetail(t, text.String())
		require.ErrorIs(t, err, errNotGrouped)
		require.Empty(t, docs)
	})
}

func TestReader_RefusedInvoices(t *testing.T) {
	good := row("536001", "1", "1", "2")
	bad := func(old, new string) string { return strings.Replace(row("536002", "7", "3", "2.5"), old, new, 1) }
	for _, test := range []struct{ name, text, reason, message string }{
		{"a quantity that is not whole", bad(",3,", ",1.5,"), ReasonInvalidQuantity, `shop.csv:3:18: Quantity "1.5" is not a whole number`},
		{"a quantity of zero", bad(",3,", ",0,"), ReasonInvalidQuantity, "shop.csv:3:18: Quantity is zero"},
		{"the smallest number of 64 bits", bad(",3,", ",-9223372036854775808,"), ReasonInvalidQuantity, "shop.csv:3:18"},
		{"a price that is no number", bad("2.5", "2e5"), ReasonInvalidPrice, `shop.csv:3:40: UnitPrice "2e5" is not a decimal`},
		{"a price below zero", bad("2.5", "-2.5"), ReasonInvalidPrice, "shop.csv:3:40: UnitPrice is negative"},
		{"a day that does not exist", bad("2010-12-01", "2010-02-30"), ReasonInvalidTime, "shop.csv:3:20: InvoiceDate"},
		{"a text that is not UTF-8", bad("LANTERN", "LANT\xffERN"), ReasonInvalidText, "shop.csv:3:10: Description is not valid UTF-8"},
		{"a text with a NUL", bad("LANTERN", "LANT\x00ERN"), ReasonInvalidText, "shop.csv:3:10: Description holds a NUL"},
		{"a number of no known form", bad("536002", "53600"), ReasonInvalidNumber, "shop.csv:3:1: InvoiceNo"},
		{"a cancellation that sells", row("C536002", "7", "3", "2"), ReasonInvalidQuantity, "shop.csv:3:19"},
		{"quantities of both signs", row("536002", "7", "3", "2") + row("536002", "7", "-3", "0"), ReasonMixedDocument, "positive and negative"},
		{"two customers", row("536002", "7", "3", "2") + bad("17850", "17851"), ReasonMixedDocument, "shop.csv:4"},
	} {
		t.Run(test.name+" refuses its invoice and no other", func(t *testing.T) {
			docs, err := readRetail(t, retailHeader+good+test.text+row("536003", "1", "1", "2"))
			require.NoError(t, err)
			require.Len(t, docs, 3)
			require.Nil(t, docs[0].Problem)
			require.NotNil(t, docs[1].Problem)
			require.Equal(t, test.reason, docs[1].Problem.Reason)
			require.Contains(t, docs[1].Problem.Message, test.message)
			require.Nil(t, docs[2].Problem)
		})
	}
	t.Run("an invoice that never ends is refused in pieces, so that memory stays flat", func(t *testing.T) {
		docs, err := readRetail(t, retailHeader+strings.Repeat(good, 2*MaxDocumentRows+1)+row("536003", "1", "1", "2"))
		require.NoError(t, err)
		require.Equal(t, [][2]string{{"536001", ReasonTooManyRows}, {"536001", ReasonTooManyRows},
			{"536001", ReasonTooManyRows}, {"536003", ""}}, reasons(docs))
	})
}

// whole leaves out what differs between two readings of the same document.
var whole = []cmp.Option{cmp.AllowUnexported(Decimal{}), cmpopts.IgnoreFields(Row{}, "File")}
