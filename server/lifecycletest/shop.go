package lifecycletest

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	inventoryv1 "github.com/orderprocessing/orderprocessing/gen/inventory/v1"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	paymentsv1 "github.com/orderprocessing/orderprocessing/gen/payments/v1"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/servertest"
)

// shop is a running server, and a test's way to talk with it.
type shop struct {
	*servertest.Server
	t        *testing.T
	patience time.Duration
	prefix   string // of all that must have a name of its own
	counter  int
}

// name gives a name that no other test has.
func (s *shop) name(kind string) string {
	s.counter++
	sum := sha256.Sum256([]byte(s.prefix))
	return fmt.Sprintf("%s-%x-%d", kind, sum[:4], s.counter)
}

// request gives a request id that is not used again.
func (s *shop) request() string { return s.name("request") }

// sku gives a product that no other test has, with so many on hand.
func (s *shop) sku(onHand int64) string {
	s.t.Helper()
	return s.product(s.name("SKU"), onHand)
}

// mate gives a product without stock that is asked for with another one, or after it.
func (s *shop) mate(sku string) string {
	s.t.Helper()
	return s.skuWhere(0, func(slot int) bool { return slot >= int(stock.SlotOf(sku)) })
}

func (s *shop) product(sku string, onHand int64) string {
	s.t.Helper()
	_, err := s.Inventory.UpsertProduct(s.t.Context(), &inventoryv1.UpsertProductRequest{
		RequestId: s.request(), Product: &inventoryv1.Product{Sku: sku, Name: "something", CurrencyCode: "GBP", UnitPriceMinor: 1000},
	})
	require.NoError(s.t, err)
	s.supply(sku, onHand)
	return sku
}

func (s *shop) supply(sku string, delta int64) {
	s.t.Helper()
	if delta == 0 {
		return
	}
	_, err := s.Inventory.AdjustStock(s.t.Context(), &inventoryv1.AdjustStockRequest{
		RequestId: s.request(), Sku: sku, Delta: delta, Reason: inventoryv1.AdjustmentReason_ADJUSTMENT_REASON_RECEIVED,
	})
	require.NoError(s.t, err)
}

// requireStock holds what is on hand and what is held.
func (s *shop) requireStock(sku string, onHand, held int64) {
	s.t.Helper()
	level := s.stock(sku)
	require.Equal(s.t, []int64{onHand, held}, []int64{level.GetOnHand(), level.GetHeld()}, "on hand and held of %s", sku)
}

func (s *shop) stock(sku string) *inventoryv1.StockLevel {
	s.t.Helper()
	res, err := s.Inventory.GetStock(s.t.Context(), &inventoryv1.GetStockRequest{Sku: sku})
	require.NoError(s.t, err)
	return res.GetLevel()
}

func line(sku string, quantity int64) *ordersv1.Line {
	return &ordersv1.Line{Sku: sku, Quantity: quantity, UnitPriceMinor: 1000}
}

// place places an order of a customer of its own.
func (s *shop) place(method string, lines ...*ordersv1.Line) string {
	s.t.Helper()
	res, err := s.Orders.CreateOrder(s.t.Context(), s.ordering(method, lines...))
	require.NoError(s.t, err)
	return res.GetOrder().GetId()
}

// ordering asks for an order of a customer of its own.
func (s *shop) ordering(method string, lines ...*ordersv1.Line) *ordersv1.CreateOrderRequest {
	return &ordersv1.CreateOrderRequest{
		RequestId: s.request(), PaymentMethod: method,
		Order: &ordersv1.Order{CustomerId: s.name("cus"), CurrencyCode: "GBP", Lines: lines},
	}
}

func (s *shop) order(orderID string) *ordersv1.Order {
	s.t.Helper()
	res, err := s.Orders.GetOrder(s.t.Context(), &ordersv1.GetOrderRequest{OrderId: orderID})
	require.NoError(s.t, err)
	return res.GetOrder()
}

// until waits until the order is as wanted, and gives it.
func (s *shop) until(orderID string, wanted func(*ordersv1.Order) bool) (o *ordersv1.Order) {
	s.t.Helper()
	require.EventuallyWithT(s.t, func(c *assert.CollectT) {
		res, err := s.Orders.GetOrder(s.t.Context(), &ordersv1.GetOrderRequest{OrderId: orderID})
		require.NoError(c, err)
		o = res.GetOrder()
		require.True(c, wanted(o), "%s is %s, %s, %s: %s", orderID, o.GetLifecycle(), o.GetPaymentStatus(), o.GetFulfillmentStatus(), o.GetStatusReason())
	}, s.patience, 20*time.Millisecond)
	return o
}

// reaches waits until the order is in a lifecycle, and gives it.
func (s *shop) reaches(orderID string, lifecycle ordersv1.Lifecycle) *ordersv1.Order {
	s.t.Helper()
	return s.until(orderID, func(o *ordersv1.Order) bool { return o.GetLifecycle() == lifecycle })
}

func (s *shop) confirmed(lines ...*ordersv1.Line) string {
	s.t.Helper()
	orderID := s.place("tok_ok", lines...)
	o := s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_CONFIRMED)
	require.Equal(s.t, ordersv1.PaymentStatus_PAYMENT_STATUS_AUTHORIZED, o.GetPaymentStatus())
	return orderID
}

// payments gives the payments of an order.
func (s *shop) payments(orderID string) []*paymentsv1.Payment {
	s.t.Helper()
	res, err := s.Payments.ListPayments(s.t.Context(), &paymentsv1.ListPaymentsRequest{
		Filter: &paymentsv1.PaymentFilter{OrderId: orderID},
	})
	require.NoError(s.t, err)
	return res.GetPayments()
}

// parcel plans a parcel with these lines, all that is left when there are none, and hands it over.
func (s *shop) parcel(orderID string, lines ...*ordersv1.ShipmentLine) string {
	s.t.Helper()
	res, err := s.Shipments.CreateShipment(s.t.Context(), &ordersv1.CreateShipmentRequest{
		OrderId: orderID, RequestId: s.request(), Lines: lines,
	})
	require.NoError(s.t, err)
	shipmentID := res.GetShipment().GetId()
	_, err = s.Shipments.ShipShipment(s.t.Context(), &ordersv1.ShipShipmentRequest{
		ShipmentId: shipmentID, RequestId: s.request(), Carrier: "Royal Mail", TrackingNumber: "RM1",
	})
	require.NoError(s.t, err)
	return shipmentID
}

func (s *shop) deliver(shipmentID string) {
	s.t.Helper()
	_, err := s.Shipments.DeliverShipment(s.t.Context(), &ordersv1.DeliverShipmentRequest{ShipmentId: shipmentID, RequestId: s.request()})
	require.NoError(s.t, err)
}
