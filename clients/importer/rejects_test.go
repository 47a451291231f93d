package importer_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/clients/importer"
	"github.com/orderprocessing/orderprocessing/clients/importer/importertest"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

const header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"

// rows reads a CSV file whole.
func rows(t *testing.T, path string) [][]string {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	all, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	return all
}

func save(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func refuse(number string) func(*ordersv1.ImportDocument) string {
	return func(document *ordersv1.ImportDocument) string {
		if document.GetOrder().GetOrder().GetNumber() == number {
			return "TOO_MANY_LINES"
		}
		return ""
	}
}

func TestRun_Rejects(t *testing.T) {
	const good = "536001,1,\" a, \"\"b\"\" \",1,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n"
	bad := strings.NewReplacer("536001", "536002", ",1,2010", ",x,2010").Replace(good)

	t.Run("no file is made when nothing is refused", func(t *testing.T) {
		opts := options(t)
		summary, err := run(t, importertest.New().Client(t), opts, save(t, "shop.csv", header+"\n"+good))
		require.NoError(t, err)
		require.Empty(t, summary.RejectsFiles)
		left, err := os.ReadDir(filepath.Dir(opts.RejectsPath))
		require.NoError(t, err)
		require.Empty(t, left)
	})
	t.Run("every row of a refused document is there as it was, with reason and place", func(t *testing.T) {
		server := importertest.New()
		server.Refuse = refuse("536001")
		path := save(t, "shop.csv", header+"\n"+good+good+bad)
		opts := options(t)
		summary, err := run(t, server.Client(t), opts, path)
		require.NoError(t, err)
		require.Equal(t, []string{opts.RejectsPath}, summary.RejectsFiles)
		got := rows(t, opts.RejectsPath)
		original := []string{"536001", "1", " a, \"b\" ", "1", "2010-12-01 08:26:00", "2.55", "17850.0", "United Kingdom"}
		require.Equal(t, append(strings.Split(header, ","), "reason", "message", "file", "line"), got[0])
		require.Equal(t, "536002", got[1][0])
		require.Equal(t, []string{importer.ReasonInvalidQuantity, path + `:4:23: Quantity "x" is not a whole number of 64 bits`,
			path, "4"}, got[1][8:])
		require.Equal(t, append(original, "TOO_MANY_LINES", "refused by the test", path, "2"), got[2])
		require.Equal(t, append(original, "TOO_MANY_LINES", "refused by the test", path, "3"), got[3])
		require.Len(t, got, 4)
	})
	t.Run("a rejects file whose rows were mended is input again", func(t *testing.T) {
		opts := options(t)
		client := importertest.New().Client(t)
		_, err := run(t, client, opts, save(t, "shop.csv", header+"\n"+good+bad))
		require.NoError(t, err)
		text, err := os.ReadFile(opts.RejectsPath)
		require.NoError(t, err)
		mended := save(t, "rejects.csv", strings.Replace(string(text), ",x,", ",0,", 1))
		_, err = run(t, client, opts, mended)
		require.NoError(t, err)
		require.Len(t, rows(t, opts.RejectsPath)[0], 12, "the added columns are there once")
		mended = save(t, "rejects.csv", strings.Replace(string(text), ",x,", ",7,", 1))
		summary, err := run(t, client, opts, mended)
		require.NoError(t, err)
		require.Equal(t, importer.Counts{Read: 1, Created: 1}, summary.Total)
	})
	t.Run("rows of other columns go to a file of their own", func(t *testing.T) {
		server := importertest.New()
		server.Refuse = refuse("10248")
		opts := options(t)
		summary, err := run(t, server.Client(t), opts, "testdata/northwind", save(t, "shop.csv", header+"\n"+bad))
		require.NoError(t, err)
		require.Len(t, summary.RejectsFiles, 3)
		counts, folder := []int{}, filepath.Dir(opts.RejectsPath)
		for _, name := range []string{"rejects.csv", "rejects-2.csv", "rejects-3.csv"} {
			counts = append(counts, len(rows(t, filepath.Join(folder, name)))-1)
		}
		require.ElementsMatch(t, []int{1, 1, 3}, counts)
	})
	t.Run("damage ends the import after everything before it was stored", func(t *testing.T) {
		server := importertest.New()
		opts := options(t)
		path := save(t, "shop.csv", header+"\n"+good+strings.ReplaceAll(good, "536001", "536003")+"536003,\"")
		summary, err := run(t, server.Client(t), opts, path)
		require.ErrorContains(t, err, path+":4:9: ")
		require.False(t, summary.Complete)
		require.Equal(t, importer.Counts{Read: 2, Created: 1, Rejected: 1}, summary.Total)
		require.Equal(t, importer.ReasonIncomplete, rows(t, opts.RejectsPath)[1][8])
	})
	t.Run("a rejects file that cannot be written ends the import", func(t *testing.T) {
		opts := options(t)
		opts.RejectsPath = filepath.Join(t.TempDir(), "none", "rejects.csv")
		_, err := run(t, importertest.New().Client(t), opts, save(t, "shop.csv", header+"\n"+bad))
		require.ErrorContains(t, err, "writing the rejects")
	})
}
