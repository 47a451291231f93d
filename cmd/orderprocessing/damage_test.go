package main_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/clients/importer"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

const (
	retailHeader = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
	firstInvoice = "536365,85123A,HOLDER,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n" +
		"536365,71053,LANTERN,6,2010-12-01 08:26:00,3.39,17850.0,United Kingdom\n"
	secondInvoice = "536366,22633,HAND WARMER,6,2010-12-01 08:28:00,1.85,17850.0,United Kingdom\n"
)

func TestImport_Damage(t *testing.T) {
	for _, test := range []struct{ name, damage, place string }{
		{"a quote inside a field", "536367,1,12\" RULER,1,2010-12-01 08:34:00,1,1,UK\n", `:5:12: bare "`},
		{"a quote that is never closed", "536367,1,\"RULER,1,2010-12-01 08:34:00,1,1,UK\n", ":5:46: extraneous or missing"},
		{"a column too few", "536367,1,RULER,1\n", ":5:16: the row has 4 columns, not 8"},
		{"a column too many", "536367,1,RULER,1,2010-12-01 08:34:00,1,1,UK,x\n", ":5:45: the row has 9 columns, not 8"},
	} {
		t.Run(test.name+" ends the import with its place, after what came before it", func(t *testing.T) {
			s := newSite(t)
			srv := s.serve(t)
			path := s.write(t, "shop.csv", retailHeader+firstInvoice+secondInvoice+test.damage)

			got := s.run(t, "import", "--json", "--server", srv.url, path)

			require.Equal(t, 1, got.code)
			require.Contains(t, got.stderr, path+test.place)
			summary := decode[importer.Summary](t, got.stdout)
			require.False(t, summary.Complete)
			// Whether the damaged row belongs to the last invoice, nobody knows.
			require.Equal(t, []string{"536365"}, numbers(t, srv))
			rows := readCSV(t, filepath.Join(s.dir, "rejects.csv"))
			require.Len(t, rows, 2)
			require.Equal(t, "536366", rows[1][0])
			require.Equal(t, importer.ReasonIncomplete, rows[1][8])
			require.Contains(t, rows[1][9], path+test.place)

			// Mended, the same file goes in.
			s.write(t, "shop.csv", retailHeader+firstInvoice+secondInvoice)
			again, _ := s.importAll(t, srv.url, path)
			require.Equal(t, importer.Counts{Read: 2, Created: 1, Unchanged: 1}, again.Total)
		})
	}
	t.Run("an archive that is cut off ends the import with its place, after what came before it", func(t *testing.T) {
		s := newSite(t)
		srv := s.serve(t)
		text, err := os.ReadFile(filepath.Join(testdata, "online-retail", "sample-2010-12-01.csv"))
		require.NoError(t, err)
		packed := archive(t, text)
		path := s.write(t, "shop.csv.gz", string(packed[:len(packed)*2/3]))

		got := s.run(t, "import", "--json", "--server", srv.url, path)

		require.Equal(t, 1, got.code)
		require.Regexp(t, regexp.QuoteMeta(path)+`:\d+:\d+: .*unexpected EOF`, got.stderr)
		summary := decode[importer.Summary](t, got.stdout)
		require.False(t, summary.Complete)
		require.EqualValues(t, 1, summary.Reasons[importer.ReasonIncomplete])
		require.Greater(t, summary.Total.Created, int64(20))
		require.Equal(t, summary.Total.Read-summary.Total.Rejected, summary.Total.Created)
		require.EqualValues(t, summary.Total.Created-summary.Documents[importer.KindCancellation].Created, len(numbers(t, srv)))
		s.verify(t)

		whole := s.write(t, "shop.csv.gz", string(packed))
		again, _ := s.importAll(t, srv.url, whole)
		require.Equal(t, summary.Total.Created, again.Total.Unchanged)
	})
	t.Run("a file that is no shop's is refused, and nothing is stored", func(t *testing.T) {
		s := newSite(t)
		srv := s.serve(t)
		for name, content := range map[string]string{"other.csv": "a,b\n1,2\n", "empty.csv": "", "no.csv.gz": "\x1f\x8b\x00\x00"} {
			got := s.run(t, "import", "--server", srv.url, s.write(t, name, content))
			require.Equal(t, 1, got.code)
			require.Contains(t, got.stderr, name)
		}
		got := s.run(t, "import", "--server", srv.url, filepath.Join(s.dir, "missing.csv"))
		require.Equal(t, 1, got.code)
		require.Contains(t, got.stderr, "missing.csv")
		require.Empty(t, numbers(t, srv))
	})
}

func TestImport_Rejects(t *testing.T) {
	s := newSite(t)
	srv := s.serve(t)
	bad := []struct{ row, reason string }{
		{"A536367,B,Adjust bad debt,1,2010-12-01 08:34:00,5,,United Kingdom\n", importer.ReasonLedgerAdjustment},
		{"536368,1,broken,-3,2010-12-01 08:34:00,0,,United Kingdom\n", importer.ReasonStockAdjustment},
		{"53636X,1,RULER,1,2010-12-01 08:34:00,1,1,United Kingdom\n", importer.ReasonInvalidNumber},
		{"536370,1,RULER,0,2010-12-01 08:34:00,1,1,United Kingdom\n", importer.ReasonInvalidQuantity},
		{"536371,1,RULER,1,2010-12-01 08:34:00,1e3,1,United Kingdom\n", importer.ReasonInvalidPrice},
		{"536372,1,RULER,1,yesterday,1,1,United Kingdom\n", importer.ReasonInvalidTime},
		{"536373,1,RU\xffLER,1,2010-12-01 08:34:00,1,1,United Kingdom\n", importer.ReasonInvalidText},
		{"536374,1,RULER,9223372036854775807,2010-12-01 08:34:00,99999999999999999.9,1,United Kingdom\n", importer.ReasonOutOfRange},
		{"536375," + strings.Repeat("S", 500) + ",RULER,1,2010-12-01 08:34:00,1,1,United Kingdom\n", "INVALID_REQUEST"}, // says the server
	}
	var text strings.Builder
	text.WriteString(retailHeader + firstInvoice)
	for _, b := range bad {
		text.WriteString(b.row)
	}
	text.WriteString(secondInvoice)
	path := s.write(t, "shop.csv", text.String())

	t.Run("every row that is refused is written as it was read, with its reason and place", func(t *testing.T) {
		summary, _ := s.importAll(t, srv.url, path, "--rejects", "refused.csv")
		require.Equal(t, []string{"refused.csv"}, summary.RejectsFiles)
		require.EqualValues(t, 2, summary.Total.Created)
		require.EqualValues(t, len(bad), summary.RowsRejected)
		rows := readCSV(t, filepath.Join(s.dir, "refused.csv"))
		require.Equal(t, strings.TrimSpace(retailHeader)+",reason,message,file,line", strings.Join(rows[0], ","))
		got := map[string][]string{}
		for _, row := range rows[1:] {
			got[row[0]] = row
		}
		require.Len(t, got, len(bad))
		for i, b := range bad {
			fields := strings.Split(strings.TrimSpace(b.row), ",")
			row := got[fields[0]]
			require.Equal(t, fields, row[:8])
			require.Equal(t, b.reason, row[8])
			require.NotEmpty(t, row[9])
			require.Equal(t, path, row[10])
			require.Equal(t, []string{"4", "5", "6", "7", "8", "9", "10", "11", "12"}[i], row[11])
		}
	})
	t.Run("the rejects file can be mended and imported as it is", func(t *testing.T) {
		rejects, err := os.ReadFile(filepath.Join(s.dir, "refused.csv"))
		require.NoError(t, err)
		mended := s.write(t, "mended.csv", strings.Replace(string(rejects), "yesterday", "2010-12-01 08:34:00", 1))
		summary, _ := s.importAll(t, srv.url, mended)
		require.EqualValues(t, 1, summary.Total.Created)
		require.Contains(t, numbers(t, srv), "536372")
	})
	t.Run("a rejects file that cannot be written is an error", func(t *testing.T) {
		got := s.run(t, "import", "--server", srv.url, "--rejects", filepath.Join(s.dir, "nowhere", "r.csv"), path)
		require.Equal(t, 1, got.code)
		require.Contains(t, got.stderr, "nowhere")
	})
}

// numbers lists the numbers of all orders, oldest first.
func numbers(t *testing.T, srv *server) (all []string) {
	t.Helper()
	page, err := srv.client(t).Orders.ListOrders(t.Context(), &ordersv1.ListOrdersRequest{
		PageSize: 500, OrderBy: ordersv1.OrderBy_ORDER_BY_CREATE_TIME_ASC})
	require.NoError(t, err)
	require.Empty(t, page.GetNextPageToken())
	for _, o := range page.GetOrders() {
		all = append(all, o.GetNumber())
	}
	return all
}

func archive(t *testing.T, text []byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write(text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return packed.Bytes()
}
