package importer

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"time"
)

// northwind joins orders with their details. Both files must be sorted by OrderID, as the source
// is: so one row of each is kept, however long they are. Rows out of order are damage.
type northwind struct {
	orders, details   *table
	orderAt, detailAt []int
	names             map[string]string // of products, by id
	currency          string
	zone              *time.Location
	order, detail     *northwindRow // read, and not given yet
	lastOrder         int64
	lastDetail        int64
	ordersEnd         bool
	detailsEnd        bool
	end               error
}

// northwindRow is a row with the order that it belongs to, and what it says.
type northwindRow struct {
	Row
	id      int64 // 0 when it has none
	order   *Document
	line    Line
	problem *Problem
}

func openNorthwind(orders, details input, products *input, currency string, zone *time.Location) (*northwind, error) {
	names, err := productNames(products)
	if err != nil {
		return nil, err
	}
	s := &northwind{names: names, currency: currency, zone: zone}
	if s.orders, err = openTable(orders); err != nil {
		return nil, err
	}
	if s.details, err = openTable(details); err != nil {
		return nil, errors.Join(err, s.orders.close())
	}
	var ordersFit, detailsFit bool
	s.orderAt, ordersFit = s.orders.index(orderColumns...)
	s.detailAt, detailsFit = s.details.index(detailColumns...)
	if !ordersFit || !detailsFit {
		return nil, errors.Join(errLayout, s.close())
	}
	return s, nil
}

func (s *northwind) close() error { return errors.Join(s.orders.close(), s.details.close()) }

// next gives the next document, io.EOF after the last, or a *FileError.
func (s *northwind) next() (*Document, error) {
	s.fillOrder()
	s.fillDetail()
	switch {
	case s.order == nil && s.detail == nil:
		return nil, cmp.Or(s.end, io.EOF)
	case s.detail != nil && (s.order == nil || s.detail.id < s.order.id):
		return s.orphan(), nil
	}
	doc, id := s.order.order, s.order.id
	doc.Rows = []Row{s.order.Row}
	doc.refuse(s.order.problem)
	s.order = nil
	s.gather(doc, id)
	doc.Kind = northwindKind(doc)
	return doc, nil
}

// orphan gives details whose order the orders file does not have.
func (s *northwind) orphan() *Document {
	doc := &Document{Source: SourceNorthwind, Kind: KindUnknown, CurrencyCode: s.currency,
		Number: s.detail.Fields[s.detailAt[colDetailOrderID]]}
	id := s.detail.id
	s.take(doc)
	s.gather(doc, id)
	doc.refuse(problemf(ReasonOrderUnknown, "the order is not in %s", s.orders.name))
	return doc
}

// gather takes the details of an order, and reads one more to know that there are no others.
func (s *northwind) gather(doc *Document, id int64) {
	for id != 0 && s.detail != nil && s.detail.id == id {
		if len(doc.Rows) == MaxDocumentRows {
			doc.refuse(tooManyRows)
			return
		}
		s.take(doc)
	}
	if s.end != nil {
		doc.refuse(problemf(ReasonIncomplete, "%v", s.end))
	}
}

// take moves the detail that was read to its document, and reads the next.
func (s *northwind) take(doc *Document) {
	doc.Rows = append(doc.Rows, s.detail.Row)
	doc.refuse(s.detail.problem)
	if s.detail.problem == nil {
		doc.Lines = append(doc.Lines, s.detail.line)
	}
	s.detail = nil
	s.fillDetail()
}

func (s *northwind) fillOrder() {
	if s.end == nil && s.order == nil && !s.ordersEnd {
		s.order, s.end = s.readOrder()
		s.ordersEnd = s.order == nil
	}
}

func (s *northwind) fillDetail() {
	if s.end == nil && s.detail == nil && !s.detailsEnd {
		s.detail, s.end = s.readDetail()
		s.detailsEnd = s.detail == nil
	}
}

func northwindKind(doc *Document) Kind {
	for _, line := range doc.Lines {
		if line.UnitPrice.Sign() > 0 {
			return KindOrder
		}
	}
	return KindNoChargeOnly
}

// outOfOrder is damage: the join would tear documents apart.
func outOfOrder(row Row, id, last int64) error {
	return &FileError{File: row.File, Line: row.Line, Column: 1,
		Err: fmt.Errorf("OrderID %d comes after %d; sort the file by OrderID", id, last)}
}
