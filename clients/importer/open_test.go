package importer

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/testing/protocmp"
)

func TestOpen(t *testing.T) {
	details := detailHeader + "10,1,2,1,0\n"
	folder := write(t, map[string]string{
		"a.csv.gz":          compressed(t, retailHeader+row("536001", "1", "1", "2")),
		"packed.csv":        compressed(t, retailHeader+row("536002", "1", "1", "2")),
		"plain.gz":          retailHeader + row("536003", "1", "1", "2"),
		"notes.txt":         "nothing",
		"other.csv":         "a,b\n1,2\n",
		"empty.csv.bak":     "",
		"orders.csv":        orderHeader + order("10"),
		"order_details.csv": details,
		"products.csv":      "ProductID,ProductName\n1,Chai\n",
		"customers.csv":     "CustomerID,CompanyName\nVINET,Vins\n",
	})
	path := func(name string) string { return filepath.Join(folder, name) }
	read := func(t *testing.T, paths ...string) []*Document {
		t.Helper()
		r, err := Open(paths, ReadOptions{})
		require.NoError(t, err)
		docs, err := readAll(t, r)
		require.NoError(t, err)
		return docs
	}

	t.Run("gzip is known by its first bytes, not by its name", func(t *testing.T) {
		require.Equal(t, [][2]string{{"536003", ""}, {"536002", ""}, {"536001", ""}},
			reasons(read(t, path("plain.gz"), path("packed.csv"), path("a.csv.gz"))))
	})
	t.Run("a folder stands for its CSV files by name", func(t *testing.T) {
		require.Equal(t, [][2]string{{"536001", ""}, {"10", ""}, {"536002", ""}}, reasons(read(t, folder)))
	})
	t.Run("details and names may be given in any order, or stand beside the orders", func(t *testing.T) {
		beside := read(t, path("orders.csv"))
		require.Equal(t, "Chai", beside[0].Lines[0].Description)
		given := read(t, path("customers.csv"), path("products.csv"), path("order_details.csv"), path("orders.csv"))
		require.Empty(t, cmp.Diff(beside, given, append(whole, protocmp.Transform())...))
	})
	t.Run("details may be in another folder", func(t *testing.T) {
		elsewhere := write(t, map[string]string{"orders.csv": orderHeader + order("10")})
		require.Len(t, read(t, filepath.Join(elsewhere, "orders.csv"), path("order_details.csv"))[0].Lines, 1)
	})

	bad := write(t, map[string]string{
		"orders.csv": orderHeader + order("10"), "other.csv": "a,b\n1,2\n", "empty.csv": "",
		"twice.csv": "OrderID,OrderID\n", "quote.csv": "\"a\n", "cut.csv": "\x1f\x8b\x08",
	})
	for _, test := range []struct{ name, file, message string }{
		{"orders without details", "orders.csv", "no order_details.csv"},
		{"a file of another layout", "other.csv", "other.csv:1:1: the header is neither"},
		{"an empty file", "empty.csv", "empty.csv:1:1: the file is empty"},
		{"a header with a name twice", "twice.csv", `the column "OrderID" is there twice`},
		{"a header with a broken quote", "quote.csv", "quote.csv:"},
		{"an archive without a start", "cut.csv", "cut.csv:1:1: gzip:"},
		{"a file that is not there", "none.csv", "no such file"},
	} {
		t.Run(test.name+" is refused", func(t *testing.T) {
			_, err := Open([]string{filepath.Join(bad, test.file)}, ReadOptions{})
			require.ErrorContains(t, err, test.message)
		})
	}
	t.Run("details without orders are refused", func(t *testing.T) {
		lone := write(t, map[string]string{"order_details.csv": details})
		_, err := Open([]string{lone}, ReadOptions{})
		require.ErrorContains(t, err, "its orders were not given")
	})
	t.Run("nothing to import is refused", func(t *testing.T) {
		_, err := Open([]string{t.TempDir()}, ReadOptions{})
		require.ErrorContains(t, err, "nothing to import")
	})
	t.Run("a currency that is none is refused", func(t *testing.T) {
		for _, code := range []string{"gbp", "GB", "GBPX", "£"} {
			_, err := Open([]string{folder}, ReadOptions{CurrencyCode: code})
			require.ErrorContains(t, err, "three capital letters")
		}
	})
}
