package importer

import (
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

// maxDescription is how many characters of a description a server takes.
const maxDescription = 200

// services are the SKUs of Online Retail that are no goods: carriage, fees, samples, discounts.
var services = map[string]bool{
	"AMAZONFEE": true, "B": true, "BANK CHARGES": true, "C2": true, "CRUK": true, "D": true,
	"DOT": true, "M": true, "POST": true, "S": true,
}

// Convert gives the document as the server takes it, or why it cannot be taken. Amounts are exact:
// each line comes to quantity × price, less its discount, rounded half up to the minor unit. What
// only the server can judge, such as too many lines, is left to the server.
func Convert(doc *Document) (*ordersv1.ImportDocument, *Problem) {
	if doc.Problem != nil {
		return nil, doc.Problem
	}
	switch doc.Kind {
	case KindStockAdjustment:
		return nil, problemf(ReasonStockAdjustment, "a stock adjustment is not an order")
	case KindLedgerAdjustment:
		return nil, problemf(ReasonLedgerAdjustment, "a ledger booking is not an order")
	case KindCancellation:
		return returnToProto(doc)
	default:
		return orderToProto(doc)
	}
}

func orderToProto(doc *Document) (*ordersv1.ImportDocument, *Problem) {
	exponent := exponentOf(doc.CurrencyCode)
	shipping, ok := minorUnits(doc.Freight, exponent)
	if !ok {
		return nil, problemf(ReasonOutOfRange, "the freight is beyond 64 bits of minor units")
	}
	order := &ordersv1.Order{
		CustomerId:    doc.CustomerID,
		Number:        doc.Number,
		CurrencyCode:  doc.CurrencyCode,
		Lines:         make([]*ordersv1.Line, len(doc.Lines)),
		ShippingMinor: shipping,
		ShipTo:        doc.ShipTo,
		CreateTime:    timestamppb.New(doc.CreateTime),
	}
	for i, line := range doc.Lines {
		unit, off, ok := lineMoney(line.Quantity, line.UnitPrice, line.Discount, exponent)
		if !ok {
			return nil, lineOutOfRange(i)
		}
		order.Lines[i] = &ordersv1.Line{
			Sku: line.SKU, Description: description(line.Description), Kind: lineKind(doc.Source, line.SKU),
			Quantity: line.Quantity, UnitPriceMinor: unit, DiscountMinor: off,
		}
	}
	imported := &ordersv1.ImportedOrder{Order: order, Delivered: doc.Delivered}
	return &ordersv1.ImportDocument{Document: &ordersv1.ImportDocument_Order{Order: imported}}, nil
}

// returnToProto makes a return: its quantities are what came back, so they are positive.
func returnToProto(doc *Document) (*ordersv1.ImportDocument, *Problem) {
	exponent := exponentOf(doc.CurrencyCode)
	back := &ordersv1.Return{
		CustomerId:   doc.CustomerID,
		Number:       doc.Number,
		CurrencyCode: doc.CurrencyCode,
		Lines:        make([]*ordersv1.ReturnLine, len(doc.Lines)),
		CreateTime:   timestamppb.New(doc.CreateTime),
	}
	for i, line := range doc.Lines {
		unit, off, ok := lineMoney(-line.Quantity, line.UnitPrice, line.Discount, exponent)
		if !ok {
			return nil, lineOutOfRange(i)
		}
		back.Lines[i] = &ordersv1.ReturnLine{
			Sku: line.SKU, Description: description(line.Description), Kind: lineKind(doc.Source, line.SKU),
			Quantity: -line.Quantity, UnitPriceMinor: unit, DiscountMinor: off,
		}
	}
	return &ordersv1.ImportDocument{Document: &ordersv1.ImportDocument_Return{Return: back}}, nil
}

func lineOutOfRange(i int) *Problem {
	return problemf(ReasonOutOfRange, "line %d comes to more than 64 bits of minor units", i+1)
}

func lineKind(source, sku string) ordersv1.LineKind {
	if source == SourceOnlineRetail && services[strings.ToUpper(sku)] {
		return ordersv1.LineKind_LINE_KIND_SERVICE
	}
	return ordersv1.LineKind_LINE_KIND_GOODS
}

// description is trimmed and cut to what a server takes.
func description(text string) string {
	text = strings.TrimSpace(text)
	characters := 0
	for i := range text {
		if characters == maxDescription {
			return strings.TrimSpace(text[:i])
		}
		characters++
	}
	return text
}
