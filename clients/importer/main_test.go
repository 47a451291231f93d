package importer

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	retailHeader = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
	orderHeader  = "OrderID,CustomerID,EmployeeID,OrderDate,RequiredDate,ShippedDate,ShipVia,Freight," +
		"ShipName,ShipAddress,ShipCity,ShipRegion,ShipPostalCode,ShipCountry\n"
	detailHeader = "OrderID,ProductID,UnitPrice,Quantity,Discount\n"
)

// row is a line of an Online Retail file.
func row(invoice, sku, quantity, price string) string {
	return invoice + "," + sku + ",LANTERN," + quantity + ",2010-12-01 08:26:00," + price + ",17850.0,United Kingdom\n"
}

// order is a line of Northwind's orders.
func order(id string) string {
	return id + ",VINET,5,1996-07-04,1996-08-01,1996-07-16,3,32.38,Vins,59 rue,Reims,,51100,France\n"
}

// memory is an input that is not a file.
func memory(name, text string) *input {
	return &input{name: name, size: int64(len(text)), open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewBufferString(text)), nil
	}}
}

// readRetail reads one Online Retail file from memory, to the end or to its damage.
func readRetail(tb testing.TB, text string) ([]*Document, error) {
	tb.Helper()
	return readAll(tb, newReader([]shop{{retail: memory("shop.csv", text)}}, ReadOptions{}))
}

// readNorthwind reads orders and details from memory.
func readNorthwind(tb testing.TB, orders, details string) ([]*Document, error) {
	tb.Helper()
	return readAll(tb, newReader([]shop{{orders: memory("orders.csv", orders),
		details: memory("order_details.csv", details)}}, ReadOptions{}))
}

func readAll(tb testing.TB, r *Reader) ([]*Document, error) {
	tb.Helper()
	defer func() { require.NoError(tb, r.Close()) }()
	var docs []*Document
	for {
		doc, err := r.Next()
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return docs, err
		}
		docs = append(docs, doc)
	}
}

// write makes files in a new folder and gives it.
func write(tb testing.TB, files map[string]string) string {
	tb.Helper()
	folder := tb.TempDir()
	for name, text := range files {
		require.NoError(tb, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	return folder
}

func compressed(tb testing.TB, text string) string {
	tb.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := io.WriteString(w, text)
	require.NoError(tb, err)
	require.NoError(tb, w.Close())
	return packed.String()
}

// reasons gives number and reason of each document; an empty reason is none.
func reasons(docs []*Document) [][2]string {
	given := [][2]string{}
	for _, doc := range docs {
		reason := ""
		if doc.Problem != nil {
			reason = doc.Problem.Reason
		}
		given = append(given, [2]string{doc.Number, reason})
	}
	return given
}

// firstDay is a time of the first day of the sample.
func firstDay(hour, minute int) time.Time {
	return time.Date(2010, 12, 1, hour, minute, 0, 0, time.UTC)
}
