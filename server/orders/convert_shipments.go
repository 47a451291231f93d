package orders

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/contract"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
)

func shipmentToProto(s order.Shipment) *ordersv1.Shipment {
	return &ordersv1.Shipment{
		Id:             s.ID.String(),
		State:          ordersv1.ShipmentState(s.State),
		Lines:          each(s.Lines, quantityToProto),
		Carrier:        s.Carrier,
		TrackingNumber: s.Tracking,
		AmountMinor:    int64(s.Amount),
		CreateTime:     timestamppb.New(s.Created),
		UpdateTime:     timestamppb.New(s.Updated),
	}
}

func quantityToProto(q order.LineQuantity) *ordersv1.ShipmentLine {
	return &ordersv1.ShipmentLine{
		Position: int32(q.Position), //nolint:gosec // at most order.MaxLines
		Quantity: q.Quantity,
	}
}

func quantityFromProto(m *ordersv1.ShipmentLine) order.LineQuantity {
	return order.LineQuantity{Position: int(m.GetPosition()), Quantity: m.GetQuantity()}
}

// shipmentChange is a request for a change of a parcel.
type shipmentChange interface {
	contract.Change
	GetShipmentId() string
}

// shipmentTargetFromProto names a parcel that is to change. Its requests are those of its order.
func shipmentTargetFromProto(m shipmentChange) (t ShipmentTarget, err error) {
	if t.ShipmentID, err = order.ParseShipmentID(m.GetShipmentId()); err != nil {
		return t, err
	}
	t.Request, err = contract.Request(t.ShipmentID.OrderID().String(), m)
	return t, err
}
