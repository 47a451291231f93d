package importer

import (
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

var retailColumns = []string{"InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate",
	"UnitPrice", "CustomerID", "Country"}

// The places of retailColumns in the index of a table.
const (
	colInvoice = iota
	colStockCode
	colDescription
	colQuantity
	colInvoiceDate
	colUnitPrice
	colCustomer
	colCountry
)

// retail gives the documents of one Online Retail file. A document comes when its last row was
// read; documents in one piece come in file order.
type retail struct {
	table    *table
	at       []int
	currency string
	zone     *time.Location
	places   map[string]int // pieces still to come of the split invoices; -1: refused
	held     map[string]*invoice
	heldRows int
	current  *invoice
	ready    []*Document
	end      error // what ends the file, once it was met
}

// openRetail reads the file twice: ahead for the split invoices, then for its documents.
func openRetail(ahead, in input, currency string, zone *time.Location) (*retail, error) {
	places, err := splitInvoices(ahead)
	if err != nil {
		return nil, err
	}
	t, err := openTable(in)
	if err != nil {
		return nil, err
	}
	at, ok := t.index(retailColumns...)
	if !ok {
		return nil, errors.Join(errLayout, t.close())
	}
	return &retail{table: t, at: at, currency: currency, zone: zone, places: places,
		held: map[string]*invoice{}}, nil
}

func (s *retail) close() error { return s.table.close() }

// next gives the next document, io.EOF after the last, or a *FileError.
func (s *retail) next() (*Document, error) {
	for len(s.ready) == 0 {
		if s.end != nil {
			return nil, s.end
		}
		row, err := s.table.read()
		if err != nil {
			s.finish(err)
			continue
		}
		s.add(row)
	}
	doc := s.ready[0]
	s.ready = s.ready[1:]
	return doc, nil
}

// add puts a row to its document, and closes the one before when the number changes.
func (s *retail) add(row Row) {
	number := row.Fields[s.at[colInvoice]]
	if s.current != nil && s.current.Number != number {
		s.closeCurrent()
	}
	if s.current != nil && len(s.current.Rows) == MaxDocumentRows {
		s.current.refuse(tooManyRows)
		s.give(s.current)
		s.current = newInvoice(number, s.currency)
		s.current.refuse(tooManyRows)
	}
	if s.current == nil {
		s.current = newInvoice(number, s.currency)
	}
	s.current.add(row, s.readLine(row))
}

// closeCurrent gives the current document, or holds it while more of it is to come.
func (s *retail) closeCurrent() {
	doc := s.current
	s.current = nil
	left, split := s.places[doc.Number]
	if !split {
		s.give(doc)
		return
	}
	if left < 0 {
		doc.refuse(scattered)
		s.give(doc)
		return
	}
	if before := s.held[doc.Number]; before != nil {
		s.heldRows -= len(before.Rows)
		delete(s.held, doc.Number)
		doc = before.merge(doc)
	}
	s.places[doc.Number] = left - 1
	switch {
	case left == 1:
		s.give(doc)
	case s.heldRows+len(doc.Rows) > maxHeldRows || len(doc.Rows) > MaxDocumentRows:
		s.places[doc.Number] = -1
		doc.refuse(scattered)
		s.give(doc)
	default:
		s.heldRows += len(doc.Rows)
		s.held[doc.Number] = doc
	}
}

// finish gives what is still open at the end of the file. After damage it is incomplete.
func (s *retail) finish(end error) {
	s.end = end
	if s.current != nil {
		if !errors.Is(end, io.EOF) {
			s.current.refuse(problemf(ReasonIncomplete, "%v", end))
		}
		s.closeCurrent()
	}
	for _, number := range slices.Sorted(maps.Keys(s.held)) {
		doc := s.held[number]
		doc.refuse(problemf(ReasonIncomplete, "the file ended before its last row"))
		s.give(doc)
	}
	s.held = nil
}

func (s *retail) give(doc *invoice) { s.ready = append(s.ready, doc.document()) }

// retailLine is what one row says.
type retailLine struct {
	Line
	customer, country string
	created           time.Time
	problem           *Problem
}

func (s *retail) readLine(row Row) retailLine {
	c := cells{table: s.table, row: row}
	form, _ := invoiceForm(c.text(s.at[colInvoice]))
	if form == formUnknown {
		c.fail(s.at[colInvoice], ReasonInvalidNumber, "%.40q is not six digits, C and six, or A and six",
			row.Fields[s.at[colInvoice]])
	}
	line := retailLine{
		Line: Line{
			SKU:         c.text(s.at[colStockCode]),
			Description: c.text(s.at[colDescription]),
			Quantity:    c.whole(s.at[colQuantity], ReasonInvalidQuantity),
			UnitPrice:   c.decimal(s.at[colUnitPrice], ReasonInvalidPrice),
		},
		customer: strings.TrimSuffix(c.text(s.at[colCustomer]), ".0"),
		country:  c.text(s.at[colCountry]),
		created:  c.time(s.at[colInvoiceDate], time.DateTime, s.zone),
	}
	switch {
	case line.Quantity == 0:
		c.fail(s.at[colQuantity], ReasonInvalidQuantity, "is zero")
	case form == formCancellation && line.Quantity > 0:
		c.fail(s.at[colQuantity], ReasonInvalidQuantity, "of a cancellation is not negative")
	}
	if form != formLedger && line.UnitPrice.Sign() < 0 {
		c.fail(s.at[colUnitPrice], ReasonInvalidPrice, "is negative")
	}
	line.problem = c.problem
	return line
}

func countryOnly(country string) *ordersv1.Address {
	if country == "" {
		return nil
	}
	return &ordersv1.Address{Country: country}
}
