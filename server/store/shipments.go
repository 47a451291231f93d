package store

import (
	"fmt"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
)

// CommitRequest names the request with requestID that takes goods of an order off the shelf.
func CommitRequest(orderID order.ID, demands []stock.Demand, requestID string) Request {
	asked := []byte("commit")
	for _, d := range demands {
		asked = fmt.Appendf(asked, " %q %d", d.SKU, d.Quantity)
	}
	return NewRequest("stock of "+orderID.String(), requestID, asked)
}

// ShipmentRequestID is the request id with which a parcel takes its goods off the shelf.
func ShipmentRequestID(s order.ShipmentID) string { return "ship/" + s.String() }

// ShipmentDemands gives what a parcel of the order takes off the shelf: each SKU once, by SKU.
func ShipmentDemands(o order.Order, s order.Shipment) []stock.Demand {
	demands := make([]stock.Demand, len(s.Lines))
	for i, l := range s.Lines {
		demands[i] = stock.Demand{SKU: o.Lines[l.Position-1].SKU, Quantity: l.Quantity}
	}
	return stock.Sum(demands)
}
