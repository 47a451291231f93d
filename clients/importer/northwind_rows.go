package importer

import (
	"cmp"
	"strconv"
	"time"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

// The places of orderColumns and detailColumns in the index of a table.
const (
	colOrderID = iota
	colOrderCustomer
	colOrderDate
	colShippedDate
	colFreight
	colShipName
	colShipAddress
	colShipCity
	colShipRegion
	colShipPostalCode
	colShipCountry

	colDetailOrderID = 0
	colProductID     = 1
	colDetailPrice   = 2
	colDetailCount   = 3
	colDiscount      = 4
)

// readOrder gives the next row of orders, nil at the end. Order ids strictly rise.
func (s *northwind) readOrder() (*northwindRow, error) {
	row, err := s.orders.read()
	if err != nil {
		return nil, ignoreEOF(err)
	}
	c, at := cells{table: s.orders, row: row}, s.orderAt
	doc := &Document{
		Source: SourceNorthwind, CurrencyCode: s.currency,
		Number:     c.text(at[colOrderID]),
		CustomerID: c.text(at[colOrderCustomer]),
		CreateTime: c.time(at[colOrderDate], time.DateOnly, s.zone),
		Freight:    c.decimal(at[colFreight], ReasonInvalidPrice),
		Delivered:  row.Fields[at[colShippedDate]] != "",
		ShipTo: &ordersv1.Address{
			Name: c.text(at[colShipName]), Street: c.text(at[colShipAddress]),
			City: c.text(at[colShipCity]), Region: c.text(at[colShipRegion]),
			PostalCode: c.text(at[colShipPostalCode]), Country: c.text(at[colShipCountry]),
		},
	}
	if doc.Freight.Sign() < 0 {
		c.fail(at[colFreight], ReasonInvalidPrice, "is negative")
	}
	if doc.Delivered {
		c.time(at[colShippedDate], time.DateOnly, s.zone)
	}
	read := &northwindRow{Row: row, order: doc}
	read.id, err = orderID(&c, at[colOrderID], s.lastOrder, 1)
	s.lastOrder = cmp.Or(read.id, s.lastOrder)
	read.problem = c.problem
	return read, err
}

// readDetail gives the next row of order details, nil at the end. Order ids never fall.
func (s *northwind) readDetail() (*northwindRow, error) {
	row, err := s.details.read()
	if err != nil {
		return nil, ignoreEOF(err)
	}
	c, at := cells{table: s.details, row: row}, s.detailAt
	c.text(at[colDetailOrderID])
	line := Line{
		SKU:       c.text(at[colProductID]),
		Quantity:  c.whole(at[colDetailCount], ReasonInvalidQuantity),
		UnitPrice: c.decimal(at[colDetailPrice], ReasonInvalidPrice),
		Discount:  c.decimal(at[colDiscount], ReasonInvalidDiscount),
	}
	line.Description = s.names[line.SKU]
	if line.Quantity <= 0 {
		c.fail(at[colDetailCount], ReasonInvalidQuantity, "is not above zero")
	}
	if line.UnitPrice.Sign() < 0 {
		c.fail(at[colDetailPrice], ReasonInvalidPrice, "is negative")
	}
	if line.Discount.Sign() < 0 || !line.Discount.atMostOne() {
		c.fail(at[colDiscount], ReasonInvalidDiscount, "is not a fraction from 0 to 1")
	}
	read := &northwindRow{Row: row, line: line}
	read.id, err = orderID(&c, at[colDetailOrderID], s.lastDetail, 0)
	s.lastDetail = cmp.Or(read.id, s.lastDetail)
	read.problem = c.problem
	return read, err
}

// orderID gives the id of a row, at least `step` above the last; 0 and a problem when it is none.
func orderID(c *cells, column int, last, step int64) (int64, error) {
	id, err := strconv.ParseInt(c.row.Fields[column], 10, 64)
	if err != nil || id <= 0 {
		c.fail(column, ReasonInvalidNumber, "%.40q is not a whole number above zero", c.row.Fields[column])
		return 0, nil
	}
	if id < last+step {
		return id, outOfOrder(c.row, id, last)
	}
	return id, nil
}
