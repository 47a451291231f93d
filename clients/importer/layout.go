package importer

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// layout is what a file holds, as its header says.
type layout int

const (
	layoutUnknown   layout = iota
	layoutRetail           // Online Retail
	layoutOrders           // Northwind: orders.csv
	layoutDetails          // Northwind: order_details.csv
	layoutProducts         // Northwind: products.csv
	layoutCompanion        // Northwind: customers and the like, which are not needed
)

var (
	orderColumns = []string{"OrderID", "CustomerID", "OrderDate", "ShippedDate", "Freight", "ShipName",
		"ShipAddress", "ShipCity", "ShipRegion", "ShipPostalCode", "ShipCountry"}
	detailColumns  = []string{"OrderID", "ProductID", "UnitPrice", "Quantity", "Discount"}
	productColumns = []string{"ProductID", "ProductName"}
	companions     = [][]string{{"CustomerID", "CompanyName"}, {"CategoryID", "CategoryName"},
		{"SupplierID", "CompanyName"}, {"ShipperID", "CompanyName"}}
)

var errLayout = errors.New("the header is neither that of Online Retail (InvoiceNo, StockCode, …) " +
	"nor one of Northwind (orders, order_details, products, …)")

// detect reads the header of a file. Columns are known by name and may stand in any order.
func detect(in input) (layout, error) {
	t, err := openTable(in)
	if err != nil {
		return layoutUnknown, err
	}
	defer t.close()
	for i, name := range t.header {
		if slices.Contains(t.header[:i], name) {
			return layoutUnknown, &FileError{File: in.name, Line: 1, Column: 1,
				Err: fmt.Errorf("the column %.40q is there twice", name)}
		}
	}
	has := func(names []string) bool { _, ok := t.index(names...); return ok }
	switch {
	case has(retailColumns):
		return layoutRetail, nil
	case has(detailColumns):
		return layoutDetails, nil
	case has(orderColumns):
		return layoutOrders, nil
	case has(productColumns):
		return layoutProducts, nil
	case slices.ContainsFunc(companions, has):
		return layoutCompanion, nil
	}
	return layoutUnknown, &FileError{File: in.name, Line: 1, Column: 1, Err: errLayout}
}

// openFile makes an input of a regular file: it is read more than once.
func openFile(path string) (input, error) {
	info, err := os.Stat(path)
	if err != nil {
		return input{}, err
	}
	if !info.Mode().IsRegular() {
		return input{}, fmt.Errorf("%s is not a regular file", path)
	}
	open := func() (io.ReadCloser, error) { return os.Open(path) } // #nosec G304 -- the user names it
	return input{name: path, size: info.Size(), open: open}, nil
}

// isTable tells whether a file of a folder is meant to be read.
func isTable(name string) bool {
	name = strings.TrimSuffix(strings.ToLower(name), ".gz")
	return filepath.Ext(name) == ".csv" && !strings.HasPrefix(name, ".")
}
