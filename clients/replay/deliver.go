package replay

import (
	"context"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

// severalParcels is how many orders there are for each that goes in two parcels.
const severalParcels = 10

// deliver sends all goods of an order, in two parcels if it can be parted, and
// waits until they are paid.
func (r *run) deliver(ctx context.Context, o *ordersv1.Order, parted bool) (*ordersv1.Order, error) {
	parcels := [][]*ordersv1.ShipmentLine{nil} // all that is left
	if first := half(goods(o)); parted && len(first) > 0 {
		parcels = [][]*ordersv1.ShipmentLine{first, nil}
	}
	var sent []string
	for i, lines := range parcels {
		planned, err := persist(ctx, r, r.client.Shipments.CreateShipment, &ordersv1.CreateShipmentRequest{
			OrderId: o.GetId(), RequestId: r.request("parcel", o.GetId(), i), Lines: lines,
		})
		if err != nil {
			return o, err
		}
		shipmentID := planned.GetShipment().GetId()
		if _, err := persist(ctx, r, r.client.Shipments.ShipShipment, &ordersv1.ShipShipmentRequest{
			ShipmentId: shipmentID, RequestId: r.request("ship", shipmentID), Carrier: "Replay", TrackingNumber: shipmentID,
		}); err != nil {
			return o, err
		}
		sent = append(sent, shipmentID)
	}
	for _, shipmentID := range sent {
		if _, err := persist(ctx, r, r.client.Shipments.DeliverShipment, &ordersv1.DeliverShipmentRequest{
			ShipmentId: shipmentID, RequestId: r.request("deliver", shipmentID),
		}); err != nil {
			return o, err
		}
	}
	return r.until(ctx, o, func(o *ordersv1.Order) bool { return o.GetLifecycle() != ordersv1.Lifecycle_LIFECYCLE_CONFIRMED })
}

// goods gives the lines that can be sent.
func goods(o *ordersv1.Order) (lines []*ordersv1.ShipmentLine) {
	for i, line := range o.GetLines() {
		if line.GetKind() != ordersv1.LineKind_LINE_KIND_SERVICE {
			lines = append(lines, &ordersv1.ShipmentLine{Position: int32(i + 1), Quantity: line.GetQuantity()}) //nolint:gosec // at most 1,000 lines
		}
	}
	return lines
}

// half gives about half of some goods; nothing when they cannot be parted.
func half(goods []*ordersv1.ShipmentLine) []*ordersv1.ShipmentLine {
	if len(goods) == 1 && goods[0].GetQuantity() > 1 {
		return []*ordersv1.ShipmentLine{{Position: goods[0].GetPosition(), Quantity: goods[0].GetQuantity() / 2}}
	}
	return goods[:len(goods)/2]
}
