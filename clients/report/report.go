// Package report sums up what a server stores, from what the server exports: counts, amounts, top
// lists, and digests over every single document, to compare with the books that they come from.
package report

import "time"

// Report is the figures of a server. Amounts are minor units, times UTC. Lists are never nil.
type Report struct {
	// Sections has one for each source and currency, sorted. Amounts of different currencies are
	// never added up.
	Sections []Section `json:"sections"`
}

// Section sums up the documents of one source in one currency.
type Section struct {
	Source                string      `json:"source"` // empty for orders placed here
	CurrencyCode          string      `json:"currency_code"`
	Documents             int64       `json:"documents"`
	DistinctCustomers     int64       `json:"distinct_customers"`
	DistinctSKUs          int64       `json:"distinct_skus"`
	DistinctSKUsUpperCase int64       `json:"distinct_skus_upper_cased"`
	Orders                Orders      `json:"orders"`         // with at least one paid line
	NoChargeOnly          Orders      `json:"no_charge_only"` // with free lines only
	Cancellations         Returns     `json:"cancellations"`
	TopSKUsByUnits        []TopSKU    `json:"top5_skus_by_units"`
	TopSKUsByUnitsUpper   []TopSKU    `json:"top5_skus_by_units_upper_cased"`
	TopSKUsByAmount       []TopSKU    `json:"top5_skus_by_amount"`
	TopCustomersByAmount  []TopEntry  `json:"top5_customers_by_amount"`
	ByMonth               []Month     `json:"by_month"`   // ascending
	ByCountry             []ByCountry `json:"by_country"` // by amount, descending
	OrdersDigest          string      `json:"orders_digest_sha256"`
	CancellationsDigest   string      `json:"cancellations_digest_sha256"`
}

// Orders sums up orders of one kind. AmountMinor is what their lines come to, net of discount and
// without shipping; it is GrossMinor − DiscountMinor.
type Orders struct {
	Count             int64      `json:"count"`
	Lines             int64      `json:"lines"`
	PaidLines         int64      `json:"paid_lines"`
	DiscountedLines   int64      `json:"discounted_lines"`
	Units             int64      `json:"units"`
	GrossMinor        int64      `json:"gross_minor"`
	DiscountMinor     int64      `json:"discount_minor"`
	AmountMinor       int64      `json:"amount_minor"`
	ShippingMinor     int64      `json:"shipping_minor"`
	WithCustomer      int64      `json:"with_customer"`
	WithoutCustomer   int64      `json:"without_customer"`
	DistinctCustomers int64      `json:"distinct_customers"`
	Unfulfilled       int64      `json:"unfulfilled"` // nothing was shipped yet
	FirstTime         *time.Time `json:"first_time"`  // null without orders
	LastTime          *time.Time `json:"last_time"`
}

// Returns sums up cancellations. Units and amounts are negative, as in the books. A product line
// is one with goods and a customer; it is covered when earlier orders sold all of its units.
type Returns struct {
	Count               int64      `json:"count"`
	Lines               int64      `json:"lines"`
	Units               int64      `json:"units"`
	AmountMinor         int64      `json:"amount_minor"`
	WithCustomer        int64      `json:"with_customer"`
	WithoutCustomer     int64      `json:"without_customer"`
	ServiceOnly         int64      `json:"with_service_lines_only"`
	ProductLines        int64      `json:"product_lines"`
	ProductLinesCovered int64      `json:"product_lines_covered"`
	ProductLinesPartial int64      `json:"product_lines_partly_covered"` // part of those not covered
	ProductLinesBlind   int64      `json:"product_lines_not_covered"`
	ProductUnitsCovered int64      `json:"product_units_covered"` // of covered lines, positive
	ProductUnitsBlind   int64      `json:"product_units_not_covered"`
	EveryProductLine    int64      `json:"with_every_product_line_covered"`
	FirstTime           *time.Time `json:"first_time"`
	LastTime            *time.Time `json:"last_time"`
}

// TopSKU is one SKU over the lines of orders with at least one paid line.
type TopSKU struct {
	SKU         string `json:"sku"`
	Description string `json:"description"` // in the earliest order that has one
	Units       int64  `json:"units"`
	AmountMinor int64  `json:"amount_minor"`
}

// TopEntry is one customer.
type TopEntry struct {
	CustomerID  string `json:"customer_id"`
	Orders      int64  `json:"orders"`
	AmountMinor int64  `json:"amount_minor"`
}

// Month sums up the orders with at least one paid line, and the cancellations, of one month.
type Month struct {
	Month                   string `json:"month"` // such as 2010-12, UTC
	Orders                  int64  `json:"orders"`
	OrderLines              int64  `json:"order_lines"`
	Units                   int64  `json:"units"`
	AmountMinor             int64  `json:"amount_minor"`
	Cancellations           int64  `json:"cancellations"`
	CancellationAmountMinor int64  `json:"cancellation_amount_minor"`
}

// ByCountry sums up the orders with at least one paid line that go to one country.
type ByCountry struct {
	Country     string `json:"country"`
	Orders      int64  `json:"orders"`
	Lines       int64  `json:"lines"`
	AmountMinor int64  `json:"amount_minor"`
}
