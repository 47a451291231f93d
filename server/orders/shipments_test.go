package orders_test

import (
	"crypto/rand"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// parcel plans a parcel and gives its id. No lines mean all goods.
func (s *shop) parcel(o order.Order, lines ...*ordersv1.ShipmentLine) string {
	s.t.Helper()
	res := twice(s.t, s.shipments.CreateShipment, &ordersv1.CreateShipmentRequest{
		OrderId: o.ID.String(), Lines: lines, RequestId: rand.Text(),
	})
	return res.GetShipment().GetId()
}

// ship hands a parcel over to its carrier.
func (s *shop) ship(shipmentID string) *ordersv1.Order {
	s.t.Helper()
	res := twice(s.t, s.shipments.ShipShipment, &ordersv1.ShipShipmentRequest{
		ShipmentId: shipmentID, Carrier: "Royal Mail", TrackingNumber: "RM1", RequestId: "ship/" + shipmentID,
	})
	return res.GetOrder()
}

func (s *shop) deliver(shipmentID string) *ordersv1.Order {
	s.t.Helper()
	res := twice(s.t, s.shipments.DeliverShipment, &ordersv1.DeliverShipmentRequest{ShipmentId: shipmentID, RequestId: "deliver/" + shipmentID})
	return res.GetOrder()
}

func TestShipmentService(t *testing.T) {
	t.Run("an order leaves in two parcels that add up to its total, and is complete when it is paid", func(t *testing.T) {
		s := newShop(t)
		o := s.confirmed()
		first := s.parcel(o, &ordersv1.ShipmentLine{Position: 1, Quantity: 1}, &ordersv1.ShipmentLine{Position: 2, Quantity: 2})
		packed := twice(t, s.shipments.PackShipment, &ordersv1.PackShipmentRequest{ShipmentId: first, RequestId: "pack"})
		require.Equal(t, ordersv1.ShipmentState_SHIPMENT_STATE_PACKED, packed.GetOrder().GetShipments()[0].GetState())

		one := s.ship(first)
		require.Equal(t, ordersv1.FulfillmentStatus_FULFILLMENT_STATUS_PARTIAL, one.GetFulfillmentStatus())
		require.EqualValues(t, 1, one.GetLines()[0].GetShippedQuantity())
		require.Equal(t, "Royal Mail", one.GetShipments()[0].GetCarrier())
		require.Equal(t, "RM1", one.GetShipments()[0].GetTrackingNumber())
		require.EqualValues(t, 500+200-6+250+95, one.GetShipments()[0].GetAmountMinor())

		second := s.parcel(o) // the rest
		both := s.ship(second)
		require.Equal(t, ordersv1.FulfillmentStatus_FULFILLMENT_STATUS_SHIPPED, both.GetFulfillmentStatus())
		require.Equal(t, both.GetTotalMinor(), both.GetShipments()[0].GetAmountMinor()+both.GetShipments()[1].GetAmountMinor())

		s.deliver(first)
		s.happen(o, order.PaymentChanged{Payment: order.PaymentPaid})
		delivered := s.deliver(second)
		require.Equal(t, ordersv1.FulfillmentStatus_FULFILLMENT_STATUS_DELIVERED, delivered.GetFulfillmentStatus())
		require.Equal(t, ordersv1.Lifecycle_LIFECYCLE_COMPLETED, delivered.GetLifecycle())
	})
	t.Run("goods of a parcel that is given up can go into another", func(t *testing.T) {
		s := newShop(t)
		o := s.confirmed()
		first := s.parcel(o)
		twice(t, s.shipments.CancelShipment, &ordersv1.CancelShipmentRequest{ShipmentId: first, RequestId: "cancel"})
		second := s.parcel(o)
		require.NotEqual(t, first, second)
		require.Equal(t, ordersv1.FulfillmentStatus_FULFILLMENT_STATUS_SHIPPED, s.ship(second).GetFulfillmentStatus())
	})
	t.Run("a parcel that got lost may be found again", func(t *testing.T) {
		s := newShop(t)
		parcel := s.parcel(s.confirmed())
		s.ship(parcel)
		lost := twice(t, s.shipments.LoseShipment, &ordersv1.LoseShipmentRequest{ShipmentId: parcel, RequestId: "lost"})
		require.Equal(t, ordersv1.ShipmentState_SHIPMENT_STATE_LOST, lost.GetOrder().GetShipments()[0].GetState())
		require.Equal(t, ordersv1.ShipmentState_SHIPMENT_STATE_DELIVERED, s.deliver(parcel).GetShipments()[0].GetState())
	})
	t.Run("imported orders hold no stock and leave without", func(t *testing.T) {
		s := newShop(t)
		change, err := order.Import(order.Details{
			CustomerID: "cus_1", Source: "old", Number: "1", Currency: "GBP", Lines: []order.Line{{SKU: "none", Quantity: 1, UnitPrice: 100}},
		}, false)
		require.NoError(t, err)
		created := time.Now().UTC().Truncate(time.Millisecond)
		n := store.NewOrder{ID: order.ImportedID(created, "cus_1", "old", "1"), Created: created, Change: change}
		outcomes, err := s.store.Import(t.Context(), []store.Document{{Order: &n}})
		require.NoError(t, err)
		require.True(t, outcomes[0].Created)
		require.Equal(t, ordersv1.FulfillmentStatus_FULFILLMENT_STATUS_SHIPPED, s.ship(s.parcel(s.stored(n.ID.String()))).GetFulfillmentStatus())
	})
	t.Run("a parcel that has left may be asked for again after its goods were taken off the shelf", func(t *testing.T) {
		s := newShop(t)
		o := s.confirmed()
		req := &ordersv1.ShipShipmentRequest{ShipmentId: s.parcel(o), RequestId: "ship"}
		first := twice(t, s.shipments.ShipShipment, req)
		shipped := s.stored(o.ID.String())
		demands := store.ShipmentDemands(shipped, shipped.Shipments[0])
		require.Equal(t, []stock.Demand{{SKU: "A", Quantity: 2}, {SKU: "B", Quantity: 3}}, demands)
		_, err := s.store.CommitStock(t.Context(), o.ID, demands, store.CommitRequest(o.ID, demands, store.ShipmentRequestID(shipped.Shipments[0].ID)))
		require.NoError(t, err)
		require.Equal(t, first.GetOrder().GetEtag(), twice(t, s.shipments.ShipShipment, req).GetOrder().GetEtag())
	})
}

func TestShipmentService_BadInput(t *testing.T) {
	type line = ordersv1.ShipmentLine
	t.Run("a parcel that cannot be planned is refused", func(t *testing.T) {
		s := newShop(t)
		o, placed, full := s.confirmed(), s.place(), s.confirmed()
		s.parcel(full)
		full = s.stored(full.ID.String())
		for name, c := range map[string]struct {
			orderID string
			lines   []*line
			code    connect.Code
			reason  fault.Reason
		}{
			"an unknown order":         {unknownOrder, nil, connect.CodeNotFound, fault.ReasonOrderNotFound},
			"an id of another kind":    {"shp_01h455vb4pex5vsknk08000001", nil, invalidArgument, fault.ReasonInvalidRequest},
			"an order not confirmed":   {placed.ID.String(), nil, precondition, fault.ReasonTransitionRefused},
			"nothing left":             {full.ID.String(), nil, precondition, fault.ReasonNothingToShip},
			"more than there is":       {o.ID.String(), []*line{{Position: 1, Quantity: 3}}, precondition, fault.ReasonNothingToShip},
			"a line twice, too much":   {o.ID.String(), []*line{{Position: 1, Quantity: 1}, {Position: 1, Quantity: 2}}, precondition, fault.ReasonNothingToShip},
			"a line that is not there": {o.ID.String(), []*line{{Position: 4, Quantity: 1}}, invalidArgument, fault.ReasonLineUnknown},
			"a service":                {o.ID.String(), []*line{{Position: 3, Quantity: 1}}, invalidArgument, fault.ReasonLineUnknown},
			"no quantity":              {o.ID.String(), []*line{{Position: 1}}, invalidArgument, fault.ReasonInvalidRequest},
			"no position":              {o.ID.String(), []*line{{Quantity: 1}}, invalidArgument, fault.ReasonInvalidRequest},
		} {
			t.Log(name)
			_, err := s.shipments.CreateShipment(t.Context(), &ordersv1.CreateShipmentRequest{OrderId: c.orderID, Lines: c.lines, RequestId: "parcel"})
			requireRefused(t, c.code, c.reason, err)
		}
		for _, same := range []order.Order{o, placed, full} {
			s.requireSame(same)
		}
	})
	t.Run("what the order does not hold cannot leave", func(t *testing.T) {
		s := newShop(t)
		s.stocked("A", 1)
		s.stocked("B", 9)
		ask := func(o order.Order, position int32, quantity int64) error {
			parcel := s.parcel(o, &line{Position: position, Quantity: quantity})
			planned := s.stored(o.ID.String())
			_, err := s.shipments.ShipShipment(t.Context(), &ordersv1.ShipShipmentRequest{ShipmentId: parcel, RequestId: "ship/" + parcel})
			s.requireSame(planned)
			return err
		}
		nothing := s.happen(s.place(), order.Accepted{})
		requireRefused(t, precondition, fault.ReasonNotHeld, ask(nothing, 1, 1))

		short := s.place()
		_, err := s.store.HoldStock(t.Context(), short.ID, []stock.Demand{{SKU: "A", Quantity: 2}, {SKU: "B", Quantity: 2}}, time.Time{})
		require.NoError(t, err)
		short = s.happen(short, order.Accepted{})
		requireRefused(t, precondition, fault.ReasonStockToCome, ask(short, 1, 1))
		requireRefused(t, precondition, fault.ReasonCommitAboveHeld, ask(short, 2, 3))
	})
	t.Run("moves that the state forbids are refused and change nothing", func(t *testing.T) {
		s := newShop(t)
		planned, shipped, held := s.confirmed(), s.confirmed(), s.confirmed()
		plannedID, shippedID, heldID := s.parcel(planned), s.parcel(shipped), s.parcel(held)
		s.ship(shippedID)
		s.happen(held, order.PutOnHold{Reason: "wait"})
		before := []order.Order{s.stored(planned.ID.String()), s.stored(shipped.ID.String()), s.stored(held.ID.String())}
		pack := func(id string) error {
			_, err := s.shipments.PackShipment(t.Context(), &ordersv1.PackShipmentRequest{ShipmentId: id, RequestId: "r"})
			return err
		}
		ship := func(id, carrier string) error {
			_, err := s.shipments.ShipShipment(t.Context(), &ordersv1.ShipShipmentRequest{ShipmentId: id, Carrier: carrier, RequestId: "r"})
			return err
		}
		cancel := func(id string) error {
			_, err := s.shipments.CancelShipment(t.Context(), &ordersv1.CancelShipmentRequest{ShipmentId: id, RequestId: "r"})
			return err
		}
		deliver := func(id string) error {
			_, err := s.shipments.DeliverShipment(t.Context(), &ordersv1.DeliverShipmentRequest{ShipmentId: id, RequestId: "r"})
			return err
		}
		lose := func(id string) error {
			_, err := s.shipments.LoseShipment(t.Context(), &ordersv1.LoseShipmentRequest{ShipmentId: id, RequestId: "r"})
			return err
		}
		second := order.ShipmentID{UUID: planned.ID.WithPart(2)}.String()
		requireRefused(t, precondition, fault.ReasonTransitionRefused, pack(shippedID))
		requireRefused(t, precondition, fault.ReasonTransitionRefused, cancel(shippedID))
		requireRefused(t, precondition, fault.ReasonTransitionRefused, deliver(plannedID))
		requireRefused(t, precondition, fault.ReasonTransitionRefused, lose(plannedID))
		requireRefused(t, precondition, fault.ReasonTransitionRefused, ship(heldID, ""))
		requireRefused(t, invalidArgument, fault.ReasonCardNumberRefused, ship(plannedID, cardNumber))
		requireRefused(t, connect.CodeNotFound, fault.ReasonShipmentNotFound, ship(second, ""))
		requireRefused(t, connect.CodeNotFound, fault.ReasonShipmentNotFound, pack(second))
		requireRefused(t, connect.CodeNotFound, fault.ReasonOrderNotFound, deliver("shp_01h455vb4pex5vsknk08000001"))
		requireRefused(t, invalidArgument, fault.ReasonInvalidID, pack("shp_01h455vb4pex5vsknk08000000"))
		for _, o := range before {
			s.requireSame(o)
		}
	})
}
