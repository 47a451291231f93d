package orders

import (
	"context"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// ShipmentTarget names the parcel that a change is meant for.
type ShipmentTarget struct {
	ShipmentID order.ShipmentID
	Request    store.Request
}

// CreateShipment plans a parcel with these goods; none means all that are in no parcel yet.
func (s *Service) CreateShipment(ctx context.Context, t Target, lines []order.LineQuantity) (order.Order, order.Shipment, error) {
	o, err := s.change(ctx, t, func(o order.Order) ([]order.Change, error) { return o.Allocate(lines) })
	if err != nil {
		return o, order.Shipment{}, err
	}
	return o, o.Shipments[len(o.Shipments)-1], nil
}

// MoveShipment moves a parcel on its way. A parcel leaves only with goods that the order holds.
func (s *Service) MoveShipment(ctx context.Context, t ShipmentTarget, m order.Move) (order.Order, error) {
	orderID := t.ShipmentID.OrderID()
	if m.To == order.ShipmentShipped {
		if err := s.mayLeave(ctx, t.ShipmentID, m); err != nil {
			return order.Order{}, err
		}
	}
	return s.change(ctx, Target{OrderID: orderID, Request: t.Request}, func(o order.Order) ([]order.Change, error) {
		return o.MoveShipment(t.ShipmentID, m)
	})
}

// mayLeave asks the stock about a parcel that would leave: it is taken off the shelf only after the
// order says that it left. Imported orders hold no stock. Whether the parcel may move is left to the
// change itself, which knows whether the request was answered before.
func (s *Service) mayLeave(ctx context.Context, shipmentID order.ShipmentID, m order.Move) error {
	o, err := s.Store.Order(ctx, shipmentID.OrderID())
	if err != nil {
		return err
	}
	changes, err := o.MoveShipment(shipmentID, m)
	if err != nil || len(changes) == 0 || o.Source != "" {
		return nil
	}
	parcel, err := o.Shipment(shipmentID)
	if err != nil {
		return err
	}
	demands := store.ShipmentDemands(o, parcel)
	return s.Stock.MayCommitStock(ctx, o.ID, demands, store.CommitRequest(o.ID, demands, store.ShipmentRequestID(shipmentID)))
}
