package orders

import (
	"context"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
)

// ShipmentHandler offers the use cases as orders.v1.ShipmentService.
type ShipmentHandler struct{ orders *Service }

var _ ordersv1connect.ShipmentServiceHandler = (*ShipmentHandler)(nil)

// NewShipmentHandler makes the handler of a service.
func NewShipmentHandler(s *Service) *ShipmentHandler { return &ShipmentHandler{orders: s} }

// CreateShipment plans a parcel.
func (h *ShipmentHandler) CreateShipment(
	ctx context.Context, req *ordersv1.CreateShipmentRequest,
) (*ordersv1.CreateShipmentResponse, error) {
	target, err := targetFromProto(req, req.GetOrderId(), "")
	if err != nil {
		return nil, err
	}
	o, parcel, err := h.orders.CreateShipment(ctx, target, each(req.GetLines(), quantityFromProto))
	if err != nil {
		return nil, err
	}
	return &ordersv1.CreateShipmentResponse{Order: orderToProto(o), Shipment: shipmentToProto(parcel)}, nil
}

// PackShipment notes that a parcel is packed.
func (h *ShipmentHandler) PackShipment(ctx context.Context, req *ordersv1.PackShipmentRequest) (*ordersv1.PackShipmentResponse, error) {
	o, err := h.move(ctx, req, order.Move{To: order.ShipmentPacked})
	return &ordersv1.PackShipmentResponse{Order: o}, err
}

// ShipShipment notes that a parcel was handed over to the carrier.
func (h *ShipmentHandler) ShipShipment(ctx context.Context, req *ordersv1.ShipShipmentRequest) (*ordersv1.ShipShipmentResponse, error) {
	o, err := h.move(ctx, req, order.Move{
		To: order.ShipmentShipped, Carrier: req.GetCarrier(), Tracking: req.GetTrackingNumber(),
	})
	return &ordersv1.ShipShipmentResponse{Order: o}, err
}

// DeliverShipment notes that a parcel arrived.
func (h *ShipmentHandler) DeliverShipment(
	ctx context.Context, req *ordersv1.DeliverShipmentRequest,
) (*ordersv1.DeliverShipmentResponse, error) {
	o, err := h.move(ctx, req, order.Move{To: order.ShipmentDelivered})
	return &ordersv1.DeliverShipmentResponse{Order: o}, err
}

// CancelShipment gives up a parcel that has not left.
func (h *ShipmentHandler) CancelShipment(
	ctx context.Context, req *ordersv1.CancelShipmentRequest,
) (*ordersv1.CancelShipmentResponse, error) {
	o, err := h.move(ctx, req, order.Move{To: order.ShipmentCanceled})
	return &ordersv1.CancelShipmentResponse{Order: o}, err
}

// LoseShipment notes that a parcel got lost on its way.
func (h *ShipmentHandler) LoseShipment(ctx context.Context, req *ordersv1.LoseShipmentRequest) (*ordersv1.LoseShipmentResponse, error) {
	o, err := h.move(ctx, req, order.Move{To: order.ShipmentLost})
	return &ordersv1.LoseShipmentResponse{Order: o}, err
}

func (h *ShipmentHandler) move(ctx context.Context, req shipmentChange, m order.Move) (*ordersv1.Order, error) {
	target, err := shipmentTargetFromProto(req)
	if err != nil {
		return nil, err
	}
	moved, err := h.orders.MoveShipment(ctx, target, m)
	if err != nil {
		return nil, err
	}
	return orderToProto(moved), nil
}
