// Package reporttest compares a report with the published figures of the data that was imported:
// a file like clients/importer/testdata/expected.json.
package reporttest

import (
	"encoding/json"
	"os"
	"testing"
)

// Expected is what a correct import comes to. A part that the file does not have is nil.
type Expected struct {
	OnlineRetail *Retail    `json:"online_retail"`
	SampleDay    *Retail    `json:"online_retail_sample_day"`
	Northwind    *Northwind `json:"northwind"`
}

// Retail is the figures of Online Retail that a server can know: those of what is stored.
type Retail struct {
	Currency          string            `json:"currency"`
	Documents         Documents         `json:"documents"`
	Lines             map[string]Sum    `json:"lines"`
	Orders            RetailOrders      `json:"orders"`
	Cancellations     RetailReturns     `json:"cancellations"`
	TopSKUs           []Top             `json:"top5_skus_by_units"`
	TopSKUsUpperCased []Top             `json:"top5_skus_by_units_upper_cased"`
	TopSKUsByAmount   []Top             `json:"top5_skus_by_gross_amount"`
	TopCustomers      []Top             `json:"top5_customers_by_gross_amount"`
	ByMonth           []RetailMonth     `json:"by_month"`
	ByCountry         []RetailByCountry `json:"by_country"`
}

// Documents counts the kinds that are stored.
type Documents struct {
	Order        int64 `json:"order"`
	NoChargeOnly int64 `json:"no_charge_only"`
	Cancellation int64 `json:"cancellation"`
}

// Sum sums up lines of one kind.
type Sum struct {
	Lines       int64 `json:"lines"`
	Units       int64 `json:"units"`
	AmountMinor int64 `json:"amount_minor"`
}

// RetailOrders sums up the orders. Times are like 2010-12-01 08:26:00.
type RetailOrders struct {
	Orders            int64  `json:"orders"`
	Lines             int64  `json:"lines"`
	Units             int64  `json:"units"`
	AmountMinor       int64  `json:"gross_amount_minor"`
	WithCustomer      int64  `json:"orders_with_customer"`
	WithoutCustomer   int64  `json:"orders_without_customer"`
	DistinctCustomers int64  `json:"distinct_customers"`
	FirstTime         string `json:"first_timestamp"`
	LastTime          string `json:"last_timestamp"`
	Digest            string `json:"digest_sha256"`
}

// RetailReturns sums up the cancellations.
type RetailReturns struct {
	Documents    int64  `json:"cancellation_documents"`
	Lines        int64  `json:"lines"`
	Units        int64  `json:"units"`
	AmountMinor  int64  `json:"amount_minor"`
	WithCustomer int64  `json:"documents_with_customer"`
	ServiceOnly  int64  `json:"documents_with_only_non_product_lines"`
	ProductLines int64  `json:"product_lines_with_customer"`
	Digest       string `json:"digest_sha256"`
	Matching
}

// Matching is what the server makes of returns: which of them earlier orders cover.
type Matching struct {
	LinesCovered     int64 `json:"product_lines_covered_by_earlier_sales"`
	UnitsCovered     int64 `json:"units_covered_by_earlier_sales"`
	LinesNotCovered  int64 `json:"product_lines_not_covered"`
	UnitsNotCovered  int64 `json:"units_not_covered"`
	DocumentsCovered int64 `json:"documents_with_every_product_line_covered"`
}

// Top is an entry of a list: a SKU or a customer, by units or by amount.
type Top struct {
	SKU         string `json:"sku"`
	Customer    string `json:"customer"`
	Units       int64  `json:"units"`
	AmountMinor int64  `json:"amount_minor"`
	Description string `json:"first_description"`
	Name        string `json:"name"`
}

// RetailMonth sums up one month.
type RetailMonth struct {
	Month                   string `json:"month"`
	Orders                  int64  `json:"orders"`
	Lines                   int64  `json:"order_lines"`
	Units                   int64  `json:"units"`
	AmountMinor             int64  `json:"gross_amount_minor"`
	Cancellations           int64  `json:"cancellation_documents"`
	CancellationAmountMinor int64  `json:"cancellation_amount_minor"`
}

// RetailByCountry sums up one country.
type RetailByCountry struct {
	Country     string `json:"country"`
	Orders      int64  `json:"orders"`
	Lines       int64  `json:"lines"`
	AmountMinor int64  `json:"gross_amount_minor"`
}

// Northwind is the figures of Northwind. Dates are like 1996-07-04.
type Northwind struct {
	Currency          string `json:"currency"`
	Orders            int64  `json:"orders"`
	Lines             int64  `json:"lines"`
	Units             int64  `json:"units"`
	GrossMinor        int64  `json:"gross_amount_minor"`
	AmountMinor       int64  `json:"net_amount_minor_rounded_half_up_per_line"`
	ShippingMinor     int64  `json:"freight_minor"`
	DistinctCustomers int64  `json:"distinct_customers_with_orders"`
	DistinctProducts  int64  `json:"distinct_products_ordered"`
	DiscountedLines   int64  `json:"lines_with_discount"`
	Unfulfilled       int64  `json:"open_orders_without_shipped_date"`
	FirstDate         string `json:"first_order_date"`
	LastDate          string `json:"last_order_date"`
	TopSKUs           []Top  `json:"top5_skus_by_units"`
}

// Load reads the published figures.
func Load(tb testing.TB, path string) Expected {
	tb.Helper()
	text, err := os.ReadFile(path) // #nosec G304 -- a test names it
	if err != nil {
		tb.Fatal(err)
	}
	var expected Expected
	if err := json.Unmarshal(text, &expected); err != nil {
		tb.Fatal(err)
	}
	return expected
}
