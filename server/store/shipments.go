package store

import (
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
)

// ShipmentRequest names the request that takes the goods of a parcel off the shelf.
func ShipmentRequest(s order.ShipmentID) Request {
	text := s.String()
	return NewRequest("stock of "+s.OrderID().String(), "ship/"+text, []byte(text))
}

// ShipmentDemands gives what a parcel of the order takes off the shelf: each SKU once, by SKU.
func ShipmentDemands(o order.Order, s order.Shipment) []stock.Demand {
	demands := make([]stock.Demand, len(s.Lines))
	for i, l := range s.Lines {
		demands[i] = stock.Demand{SKU: o.Lines[l.Position-1].SKU, Quantity: l.Quantity}
	}
	return stock.Sum(demands)
}
