package lifecycletest

import (
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	paymentsv1 "github.com/orderprocessing/orderprocessing/gen/payments/v1"
)

func paidByHand(s *shop) {
	sku := s.sku(2)
	for _, method := range []string{"", "tok_insufficient_funds", "tok_authentication_required"} {
		orderID := s.place(method, line(sku, 1))
		s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_ACTION_REQUIRED)
		_, err := s.Payments.AuthorizePayment(s.t.Context(), &paymentsv1.AuthorizePaymentRequest{
			OrderId: orderID, RequestId: s.request(), AmountMinor: 1000, PaymentMethod: "tok_ok",
		})
		require.NoError(s.t, err)
		s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_CONFIRMED)
		require.Equal(s.t, int64(1000), s.authorized(orderID), method)
		s.cancel(orderID)
		s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_CANCELED)
		require.Zero(s.t, s.authorized(orderID), method)
	}
}

func refundsRace(s *shop) {
	sku := s.sku(2)
	orderID := s.confirmed(line(sku, 2))
	s.deliver(s.parcel(orderID))
	s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_COMPLETED)
	returns, requests := make([]string, 2), make([]string, 2)
	for i := range returns {
		returns[i], requests[i] = s.received(orderID, &ordersv1.ShipmentLine{Position: 1, Quantity: 1}), s.request()
	}
	most := int64(1500)
	errs := s.atOnce(2, func(i int) error {
		_, err := s.Returns.CloseReturn(s.t.Context(), &ordersv1.CloseReturnRequest{ReturnId: returns[i], RequestId: requests[i], RefundMinor: &most})
		return err
	})
	var given int64
	for i, returnID := range returns {
		if errs[i] != nil { // the other one was given back before
			s.requireReason("REFUND_ABOVE_CAPTURE", errs[i])
			continue
		}
		given += s.closed(returnID).GetRefundMinor()
	}
	require.Equal(s.t, given, s.payments(orderID)[0].GetRefundedMinor(), "a return says what was given")
	require.LessOrEqual(s.t, given, int64(2000))
}

func cancelImported(s *shop) {
	sku := s.sku(2)
	history := &ordersv1.ImportedOrder{Order: &ordersv1.Order{
		Number: s.name("number"), CreateTime: timestamppb.New(time.Now().Add(-time.Hour)),
		CustomerId: s.name("cus"), CurrencyCode: "GBP", Lines: []*ordersv1.Line{line(sku, 1)},
	}}
	stream, err := s.Orders.ImportOrders(s.t.Context())
	require.NoError(s.t, err)
	require.NoError(s.t, stream.Send(&ordersv1.ImportOrdersRequest{
		Source: "history", Documents: []*ordersv1.ImportDocument{{Document: &ordersv1.ImportDocument_Order{Order: history}}},
	}))
	require.NoError(s.t, stream.CloseRequest())
	res, err := stream.Receive()
	require.NoError(s.t, err)
	require.NoError(s.t, stream.CloseResponse())
	orderID := res.GetOutcomes()[0].GetId()
	s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_CONFIRMED)
	s.cancel(orderID)
	s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_CANCELED)
	require.Empty(s.t, s.payments(orderID))
	s.requireStock(sku, 2, 0)
}

func editAndCancel(s *shop) {
	sku := s.sku(5)
	orderID := s.place("tok_ok", line(sku, 2), line(s.mate(sku), 1))
	s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_ACTION_REQUIRED)
	s.edit(orderID, line(s.sku(1), 1))
	s.cancel(orderID)
	s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_CANCELED)
	s.requireStock(sku, 5, 0)
}

func amendToNothing(s *shop) {
	sku := s.sku(1)
	orderID := s.place("tok_authentication_required", line(sku, 1))
	s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_ACTION_REQUIRED)
	s.edit(orderID, line(s.sku(0), 1))
	s.placeAgain(orderID, "")
	o := s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_REJECTED)
	require.Equal(s.t, "OUT_OF_STOCK", o.GetStatusReason())
	require.Equal(s.t, paymentsv1.PaymentState_PAYMENT_STATE_VOIDED, s.payments(orderID)[0].GetState(), "nobody can pay for it any more")
	s.requireStock(sku, 1, 0)
}

// received asks for a return and takes the goods.
func (s *shop) received(orderID string, lines ...*ordersv1.ShipmentLine) string {
	s.t.Helper()
	requested, err := s.Returns.RequestReturn(s.t.Context(), &ordersv1.RequestReturnRequest{
		OrderId: orderID, RequestId: s.request(), Lines: lines, Reason: "too small",
	})
	require.NoError(s.t, err)
	returnID := requested.GetReturn().GetId()
	_, err = s.Returns.ApproveReturn(s.t.Context(), &ordersv1.ApproveReturnRequest{ReturnId: returnID, RequestId: s.request()})
	require.NoError(s.t, err)
	_, err = s.Returns.ReceiveReturn(s.t.Context(), &ordersv1.ReceiveReturnRequest{ReturnId: returnID, RequestId: s.request()})
	require.NoError(s.t, err)
	return returnID
}

// closed waits until all about a return is done.
func (s *shop) closed(returnID string) (r *ordersv1.Return) {
	s.t.Helper()
	require.EventuallyWithT(s.t, func(c *assert.CollectT) {
		res, err := s.Returns.GetReturn(s.t.Context(), &ordersv1.GetReturnRequest{ReturnId: returnID})
		require.NoError(c, err)
		r = res.GetReturn()
		require.Equal(c, ordersv1.ReturnStatus_RETURN_STATUS_CLOSED, r.GetStatus())
	}, s.patience, 20*time.Millisecond)
	return r
}
