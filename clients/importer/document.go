// Package importer reads the history of another shop from CSV files and sends it to a server. It
// knows two layouts, Online Retail and Northwind, and takes documents in a stream, so that memory
// stays flat whatever the size of the files. What cannot be taken goes to a rejects file with the
// reason; nothing is dropped in silence. Flags, bars and printing are left to the command.
package importer

import (
	"time"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

// Kind is what a document is in the books that it comes from.
type Kind string

// The kinds. Stock and ledger adjustments are no orders and are never sent.
const (
	KindOrder            Kind = "order"             // at least one paid line
	KindNoChargeOnly     Kind = "no_charge_only"    // free lines only
	KindCancellation     Kind = "cancellation"      // goods or money that came back
	KindStockAdjustment  Kind = "stock_adjustment"  // a write-off
	KindLedgerAdjustment Kind = "ledger_adjustment" // a booking, such as a bad debt
	KindUnknown          Kind = "unknown"           // too damaged to tell
)

// The names of the two layouts, which are the sources of their documents on the server.
const (
	SourceOnlineRetail = "online-retail"
	SourceNorthwind    = "northwind"
)

// Document is one order or cancellation as it stands in the files.
type Document struct {
	Source       string            // SourceOnlineRetail or SourceNorthwind
	Kind         Kind              //
	Number       string            // in the books that it comes from
	CustomerID   string            // empty for none
	CurrencyCode string            // ISO 4217
	CreateTime   time.Time         // the earliest of its rows, UTC
	Delivered    bool              //
	ShipTo       *ordersv1.Address // nil for none
	Freight      Decimal           //
	Lines        []Line            // those that could be read, in file order
	Rows         []Row             // all rows, as they were read; never empty
	Problem      *Problem          // why it cannot be taken; nil when it can
}

// Line is one SKU of a document. The quantity is negative where the file has it so.
type Line struct {
	SKU         string
	Description string
	Quantity    int64
	UnitPrice   Decimal // of one, in the currency's major unit
	Discount    Decimal // a fraction of the line, from 0 to 1
}

// Row is one line of a file, kept so that it can be written to the rejects file.
type Row struct {
	File   string   // path as it was given
	Line   int      // where it starts, from 1
	Header []string // shared by all rows of a file; never changed
	Fields []string // as many as Header
}

// refuse keeps the first problem that is found.
func (d *Document) refuse(p *Problem) {
	if d.Problem == nil {
		d.Problem = p
	}
}
