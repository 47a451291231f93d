package main_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/clients/importer"
	"github.com/orderprocessing/orderprocessing/clients/report"
	"github.com/orderprocessing/orderprocessing/clients/report/reporttest"
)

const testdata = "../../clients/importer/testdata"

// dataVariable names a folder with the whole nine months: expected.json, online-retail/ and
// northwind/.
const dataVariable = "ORDERPROCESSING_TEST_DATA"

// books are files to import with the figures that they come to.
type books struct {
	files     []string
	retail    *reporttest.Retail
	northwind *reporttest.Northwind
}

func sampleBooks(t *testing.T) books {
	t.Helper()
	expected := reporttest.Load(t, filepath.Join(testdata, "expected.json"))
	return books{
		files:  []string{absolute(t, filepath.Join(testdata, "online-retail")), absolute(t, filepath.Join(testdata, "northwind"))},
		retail: expected.SampleDay, northwind: expected.Northwind,
	}
}

// wholeBooks gives the nine months, if the machine has them.
func wholeBooks(t *testing.T) (books, bool) {
	t.Helper()
	folder := os.Getenv(dataVariable)
	if folder == "" {
		return books{}, false
	}
	expected := reporttest.Load(t, filepath.Join(folder, "expected.json"))
	months, err := filepath.Glob(absolute(t, filepath.Join(folder, "online-retail", "online-retail-*.csv.gz")))
	require.NoError(t, err)
	require.Len(t, months, 9)
	return books{
		files:  append(months, absolute(t, filepath.Join(folder, "northwind"))),
		retail: expected.OnlineRetail, northwind: expected.Northwind,
	}, true
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	require.NoError(t, err)
	return path
}

// importAll imports files into a server with the real command.
func (s *site) importAll(t *testing.T, url string, files ...string) (importer.Summary, outcome) {
	t.Helper()
	got := s.run(t, append([]string{"import", "--json", "--server", url}, files...)...)
	require.Zero(t, got.code, "%s", got.stderr)
	summary := decode[importer.Summary](t, got.stdout)
	require.True(t, summary.Complete)
	return summary, got
}

// requireBooks wants the report of a server to equal the published figures.
func requireBooks(t *testing.T, want books, text string) {
	t.Helper()
	got := decode[report.Report](t, text)
	require.Len(t, got.Sections, 2)
	require.Empty(t, reporttest.DiffNorthwind(want.northwind, got.Sections[0]))
	require.Empty(t, reporttest.DiffRetail(want.retail, got.Sections[1], true))
}

func TestImport(t *testing.T) {
	sample := sampleBooks(t)
	for _, backend := range backends {
		t.Run("the shipped sample comes to the published figures on "+backend.name, func(t *testing.T) {
			s := backend.make(t)
			importTwice(t, s, s.serve(t), sample)
		})
	}
	whole, ok := wholeBooks(t)
	if !ok {
		t.Logf("%s is not set: only the shipped sample was imported, not the nine months", dataVariable)
		return
	}
	for _, backend := range backends {
		t.Run("the nine months come to the published figures in little memory on "+backend.name, func(t *testing.T) {
			s := backend.make(t)
			srv := s.serve(t)
			first := importTwice(t, s, srv, whole)

			served := peakOf(srv.cmd.Process.Pid)
			t.Logf("imported in %.1f s; peak of the client %s, of the server %s, which also made two reports", first.took.Seconds(), mib(first.peakBytes), mib(served))
			require.Less(t, first.peakBytes, int64(maxImportBytes))
			require.Less(t, served, int64(maxImportBytes))
			requireSpread(t, s)
		})
	}
}

// importTwice imports, compares with the books, and does both again. It gives the first import.
func importTwice(t *testing.T, s *site, srv *server, want books) outcome {
	t.Helper()
	summary, first := s.importAll(t, srv.url, want.files...)
	require.Equal(t, summary.Total.Read-summary.Total.Rejected, summary.Total.Created)
	requireRejects(t, s, summary)

	figures := s.do(t, "report", "--json", "--server", srv.url)
	requireBooks(t, want, figures)
	found := s.verify(t)
	require.EqualValues(t, summary.Total.Created-summary.Documents[importer.KindCancellation].Created, found.Orders)

	again, _ := s.importAll(t, srv.url, want.files...)
	require.Zero(t, again.Total.Created)
	require.Equal(t, summary.Total.Created, again.Total.Unchanged)
	require.Equal(t, summary.Total.Rejected, again.Total.Rejected)
	require.Equal(t, figures, s.do(t, "report", "--json", "--server", srv.url), "importing again changed the report")
	require.Equal(t, found, s.verify(t))
	return first
}

// requireRejects wants what is no order, and nothing else, in the rejects file, every row with why it
// is there and where it came from.
func requireRejects(t *testing.T, s *site, summary importer.Summary) {
	t.Helper()
	want := map[string]int64{}
	for kind, reason := range map[importer.Kind]string{
		importer.KindStockAdjustment: importer.ReasonStockAdjustment, importer.KindLedgerAdjustment: importer.ReasonLedgerAdjustment,
	} {
		if n := summary.Documents[kind].Read; n > 0 {
			want[reason] = n
		}
	}
	require.Equal(t, want, summary.Reasons)
	require.Equal(t, []string{"rejects.csv"}, summary.RejectsFiles)
	rows := readCSV(t, filepath.Join(s.dir, "rejects.csv"))
	require.EqualValues(t, summary.RowsRejected, len(rows)-1)
	require.Equal(t, want, reasonsOf(t, rows), "each of these documents is one row")
}

// reasonsOf counts the rows of a rejects file of Online Retail by their reasons.
func reasonsOf(t *testing.T, rows [][]string) map[string]int64 {
	t.Helper()
	require.Equal(t, []string{"reason", "message", "file", "line"}, rows[0][8:])
	counted := map[string]int64{}
	for _, row := range rows[1:] {
		require.Len(t, row, 12)
		require.NotContains(t, row[8:], "")
		counted[row[8]]++
	}
	return counted
}

func readCSV(t *testing.T, path string) [][]string {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	require.NotEmpty(t, rows)
	return rows
}

// requireSpread wants each shard to have its share of the customers, within a tenth.
func requireSpread(t *testing.T, s *site) {
	t.Helper()
	var customers []int
	total := 0
	for i := 1; i < len(s.databases); i++ {
		var n int
		require.NoError(t, s.open(t, i).Read.QueryRowContext(t.Context(),
			"SELECT count(DISTINCT customer_id) FROM orders WHERE customer_id <> ''").Scan(&n))
		customers = append(customers, n)
		total += n
	}
	t.Logf("customers of each shard: %v of %d", customers, total)
	share := float64(total) / float64(len(customers))
	for i, n := range customers {
		require.InDelta(t, share, n, share/10, "shard %d", i)
	}
}
