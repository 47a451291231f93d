package lifecycletest

import (
	"strings"

	"github.com/stretchr/testify/require"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	paymentsv1 "github.com/orderprocessing/orderprocessing/gen/payments/v1"
)

func outOfStock(s *shop) {
	sku := s.sku(1)
	orderID := s.place("tok_ok", line(sku, 2))
	o := s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_REJECTED)
	require.Equal(s.t, "OUT_OF_STOCK", o.GetStatusReason())
	require.Empty(s.t, s.payments(orderID))
	s.requireStock(sku, 1, 0)
}

func partMissing(s *shop) {
	sku := s.sku(5)
	orderID := s.place("tok_ok", line(sku, 2), line(s.mate(sku), 1))
	o := s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_ACTION_REQUIRED)
	require.Equal(s.t, "OUT_OF_STOCK", o.GetStatusReason())
	s.requireStock(sku, 5, 2)

	s.edit(orderID, line(sku, 3))
	s.placeAgain(orderID, "")
	o = s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_CONFIRMED)
	require.Equal(s.t, int64(3000), o.GetTotalMinor())
	require.Equal(s.t, int64(3000), s.payments(orderID)[0].GetAuthorizedMinor())
	s.requireStock(sku, 5, 3)
}

func declined(s *shop) {
	sku := s.sku(1)
	orderID := s.place("tok_declined", line(sku, 1))
	o := s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_REJECTED)
	require.Equal(s.t, "PAYMENT_DECLINED", o.GetStatusReason())
	require.Equal(s.t, paymentsv1.PaymentState_PAYMENT_STATE_FAILED, s.payments(orderID)[0].GetState())
	s.requireStock(sku, 1, 0)
}

func noMethod(s *shop) {
	sku := s.sku(1)
	orderID := s.place("", line(sku, 1))
	o := s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_ACTION_REQUIRED)
	require.Equal(s.t, "PAYMENT_METHOD_REQUIRED", o.GetStatusReason())
	s.placeAgain(orderID, "tok_no_such_token")
	o = s.until(orderID, func(o *ordersv1.Order) bool { return o.GetStatusReason() == "PAYMENT_METHOD_INVALID" })
	require.Equal(s.t, ordersv1.Lifecycle_LIFECYCLE_ACTION_REQUIRED, o.GetLifecycle())
	s.placeAgain(orderID, "tok_ok")
	s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_CONFIRMED)
	s.requireStock(sku, 1, 1)
}

func payAgain(s *shop) {
	sku := s.sku(1)
	orderID := s.place("tok_insufficient_funds", line(sku, 1))
	o := s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_ACTION_REQUIRED)
	require.Equal(s.t, "INSUFFICIENT_FUNDS", o.GetStatusReason())
	s.placeAgain(orderID, "tok_ok")
	s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_CONFIRMED)
	require.Equal(s.t, int64(1000), s.authorized(orderID))
}

func prove(s *shop) {
	sku := s.sku(1)
	orderID := s.place("tok_authentication_required", line(sku, 1))
	o := s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_ACTION_REQUIRED)
	require.Equal(s.t, "AUTHENTICATION_REQUIRED", o.GetStatusReason())
	require.True(s.t, strings.HasPrefix(o.GetActionUrl(), "http"), o.GetActionUrl())
	// The bank of the embedded default has no page: another way to pay does as well.
	s.placeAgain(orderID, "tok_ok")
	s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_CONFIRMED)
	require.Equal(s.t, int64(1000), s.authorized(orderID))
}

func cancelConfirmed(s *shop) {
	sku := s.sku(4)
	orderID := s.confirmed(line(sku, 4))
	s.cancel(orderID)
	o := s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_CANCELED)
	require.Equal(s.t, ordersv1.PaymentStatus_PAYMENT_STATUS_VOIDED, o.GetPaymentStatus())
	require.Equal(s.t, "changed my mind", o.GetCancelReason())
	require.Zero(s.t, s.authorized(orderID))
	s.requireStock(sku, 4, 0)
}

func cancelWaiting(s *shop) {
	sku := s.sku(1)
	orderID := s.place("", line(sku, 1))
	s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_ACTION_REQUIRED)
	s.cancel(orderID)
	s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_CANCELED)
	s.requireStock(sku, 1, 0)
}

func unknownCharge(s *shop) {
	sku := s.sku(3)
	for _, method := range []string{"tok_timeout_after", "tok_error_500_after", "tok_timeout_before"} {
		orderID := s.place(method, line(sku, 1))
		s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_CONFIRMED)
		require.Equal(s.t, int64(1000), s.authorized(orderID), method)
	}
}

func onHold(s *shop) {
	sku := s.sku(1)
	orderID := s.confirmed(line(sku, 1))
	_, err := s.Orders.HoldOrder(s.t.Context(), &ordersv1.HoldOrderRequest{OrderId: orderID, RequestId: s.request(), Reason: "call them"})
	require.NoError(s.t, err)
	_, err = s.Shipments.CreateShipment(s.t.Context(), &ordersv1.CreateShipmentRequest{OrderId: orderID, RequestId: s.request()})
	s.requireReason("TRANSITION_REFUSED", err)
	s.resume(orderID)
	s.deliver(s.parcel(orderID))
	s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_COMPLETED)
}

func oddOrder(s *shop) {
	sku := s.sku(2)
	odd := line(sku, 1)
	odd.UnitPriceMinor = 5_000_000 // a guest who spends fifty thousand
	res, err := s.Orders.CreateOrder(s.t.Context(), &ordersv1.CreateOrderRequest{
		RequestId: s.request(), PaymentMethod: "tok_ok",
		Order: &ordersv1.Order{CurrencyCode: "GBP", Lines: []*ordersv1.Line{odd}},
	})
	require.NoError(s.t, err)
	orderID := res.GetOrder().GetId()
	o := s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_ON_HOLD)
	require.Equal(s.t, "RISK_REVIEW", o.GetStatusReason())
	assessment, err := s.Orders.GetRiskAssessment(s.t.Context(), &ordersv1.GetRiskAssessmentRequest{OrderId: orderID})
	require.NoError(s.t, err)
	require.Equal(s.t, ordersv1.RiskOutcome_RISK_OUTCOME_HOLD, assessment.GetAssessment().GetOutcome())
	require.NotEmpty(s.t, assessment.GetAssessment().GetReasons())
	require.Empty(s.t, s.payments(orderID), "the bank is not asked before staff have looked")
	s.resume(orderID)
	s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_CONFIRMED)
}

func cancelShipped(s *shop) {
	sku := s.sku(2)
	orderID := s.confirmed(line(sku, 2))
	s.parcel(orderID, &ordersv1.ShipmentLine{Position: 1, Quantity: 1})
	_, err := s.Orders.CancelOrder(s.t.Context(), &ordersv1.CancelOrderRequest{OrderId: orderID, RequestId: s.request()})
	s.requireReason("TRANSITION_REFUSED", err)
}

// authorized is what is set aside or taken of the money of an order.
func (s *shop) authorized(orderID string) (open int64) {
	s.t.Helper()
	for _, p := range s.payments(orderID) {
		open += p.GetAuthorizedMinor() - p.GetReleasedMinor()
	}
	return open
}
