package lifecycletest

import (
	"errors"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	paymentsv1 "github.com/orderprocessing/orderprocessing/gen/payments/v1"
)

func giveBack(s *shop) {
	sku := s.sku(5)
	orderID := s.confirmed(line(sku, 3))
	s.deliver(s.parcel(orderID))
	s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_COMPLETED)

	returnID := s.received(orderID, &ordersv1.ShipmentLine{Position: 1, Quantity: 2})
	require.Equal(s.t, int64(2), s.order(orderID).GetLines()[0].GetReturnedQuantity())
	refund := int64(1500)
	_, err := s.Returns.CloseReturn(s.t.Context(), &ordersv1.CloseReturnRequest{
		ReturnId: returnID, RequestId: s.request(), RefundMinor: &refund, Restock: []*ordersv1.ShipmentLine{{Position: 1, Quantity: 1}},
	})
	require.NoError(s.t, err)

	s.closed(returnID)
	require.Equal(s.t, int64(1500), s.payments(orderID)[0].GetRefundedMinor())
	s.requireStock(sku, 3, 0)
	o := s.until(orderID, func(o *ordersv1.Order) bool {
		return o.GetPaymentStatus() == ordersv1.PaymentStatus_PAYMENT_STATUS_PARTIALLY_REFUNDED
	})
	require.Equal(s.t, ordersv1.Lifecycle_LIFECYCLE_COMPLETED, o.GetLifecycle())
}

func manualRefund(s *shop) {
	sku := s.sku(1)
	orderID := s.confirmed(line(sku, 1))
	s.deliver(s.parcel(orderID))
	s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_COMPLETED)
	_, err := s.Payments.RefundPayment(s.t.Context(), &paymentsv1.RefundPaymentRequest{
		PaymentId: s.payments(orderID)[0].GetId(), RequestId: s.request(), AmountMinor: 1000, Note: "a gesture",
	})
	require.NoError(s.t, err)
	require.Equal(s.t, ordersv1.PaymentStatus_PAYMENT_STATUS_REFUNDED, s.order(orderID).GetPaymentStatus())
}

func refusals(s *shop) {
	sku := s.sku(5)
	orderID := s.confirmed(line(sku, 2))
	p := s.payments(orderID)[0].GetId()
	_, err := s.Payments.CapturePayment(s.t.Context(), &paymentsv1.CapturePaymentRequest{PaymentId: p, RequestId: s.request(), AmountMinor: 2001})
	s.requireReason("CAPTURE_ABOVE_AUTHORIZATION", err)
	_, err = s.Payments.RefundPayment(s.t.Context(), &paymentsv1.RefundPaymentRequest{PaymentId: p, RequestId: s.request(), AmountMinor: 1})
	s.requireReason("REFUND_ABOVE_CAPTURE", err)
	_, err = s.Returns.RequestReturn(s.t.Context(), &ordersv1.RequestReturnRequest{
		OrderId: orderID, RequestId: s.request(), Lines: []*ordersv1.ShipmentLine{{Position: 1, Quantity: 1}},
	})
	s.requireReason("RETURN_ABOVE_SHIPPED", err)
	_, err = s.Shipments.CreateShipment(s.t.Context(), &ordersv1.CreateShipmentRequest{
		OrderId: orderID, RequestId: s.request(), Lines: []*ordersv1.ShipmentLine{{Position: 1, Quantity: 3}},
	})
	s.requireReason("NOTHING_TO_SHIP", err)
	s.requireStock(sku, 5, 2)
	require.Equal(s.t, int64(2000), s.authorized(orderID))
}

func (s *shop) edit(orderID string, lines ...*ordersv1.Line) {
	s.t.Helper()
	_, err := s.Orders.UpdateOrder(s.t.Context(), &ordersv1.UpdateOrderRequest{
		Order: &ordersv1.Order{Id: orderID, Lines: lines}, RequestId: s.request(), UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"lines"}},
	})
	require.NoError(s.t, err)
}

func (s *shop) placeAgain(orderID, method string) {
	s.t.Helper()
	_, err := s.Orders.PlaceOrder(s.t.Context(), &ordersv1.PlaceOrderRequest{OrderId: orderID, RequestId: s.request(), PaymentMethod: method})
	require.NoError(s.t, err)
}

func (s *shop) cancel(orderID string) {
	s.t.Helper()
	_, err := s.Orders.CancelOrder(s.t.Context(), &ordersv1.CancelOrderRequest{OrderId: orderID, RequestId: s.request(), Reason: "changed my mind"})
	require.NoError(s.t, err)
}

func (s *shop) resume(orderID string) {
	s.t.Helper()
	_, err := s.Orders.ResumeOrder(s.t.Context(), &ordersv1.ResumeOrderRequest{OrderId: orderID, RequestId: s.request()})
	require.NoError(s.t, err)
}

// requireReason holds an error against its stable reason.
func (s *shop) requireReason(reason string, err error) {
	s.t.Helper()
	var failed *connect.Error
	require.True(s.t, errors.As(err, &failed), "%v", err)
	for _, detail := range failed.Details() {
		if value, err := detail.Value(); err == nil {
			if info, ok := value.(*errdetails.ErrorInfo); ok {
				require.Equal(s.t, reason, info.GetReason())
				return
			}
		}
	}
	require.Fail(s.t, "the error has no reason", "%v", failed)
}
