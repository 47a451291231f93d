package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	paymentsv1 "github.com/orderprocessing/orderprocessing/gen/payments/v1"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/servertest"
)

func TestPayments(t *testing.T) {
	s := servertest.Start(t, func(c *config.Config) { c.Payments.CallTimeout = 2 * time.Second })
	for _, l := range cart("").GetLines() { // in stock, so that the orders wait for a way to pay
		stocked(t, s, l.GetSku(), 100, 0)
	}
	authorize := func(t *testing.T, method string) *paymentsv1.AuthorizePaymentRequest {
		t.Helper()
		o := create(t, s, &ordersv1.CreateOrderRequest{Order: cart("cus_pays"), RequestId: t.Name()})
		return &paymentsv1.AuthorizePaymentRequest{
			OrderId: o.GetId(), AmountMinor: o.GetTotalMinor(), PaymentMethod: method, RequestId: "pay",
		}
	}

	t.Run("money is set aside, taken and given back, and not more than there is", func(t *testing.T) {
		authorized, err := s.Payments.AuthorizePayment(t.Context(), authorize(t, "tok_ok"))
		require.NoError(t, err)
		p := authorized.GetPayment()
		require.Equal(t, paymentsv1.PaymentState_PAYMENT_STATE_AUTHORIZED, p.GetState())
		require.EqualValues(t, 910, p.GetAuthorizedMinor())
		require.Equal(t, "simulator", p.GetGateway())

		_, err = s.Payments.CapturePayment(t.Context(), &paymentsv1.CapturePaymentRequest{PaymentId: p.GetId(), AmountMinor: 911, RequestId: "too-much"})
		require.Equal(t, connect.CodeFailedPrecondition, connect.CodeOf(err), "%v", err)
		for range 2 { // the second is the first again
			captured, err := s.Payments.CapturePayment(t.Context(), &paymentsv1.CapturePaymentRequest{PaymentId: p.GetId(), AmountMinor: 900, Final: true, RequestId: "ship"})
			require.NoError(t, err)
			require.EqualValues(t, 900, captured.GetPayment().GetCapturedMinor())
		}
		_, err = s.Payments.VoidPayment(t.Context(), &paymentsv1.VoidPaymentRequest{PaymentId: p.GetId(), RequestId: "reject"})
		require.Equal(t, connect.CodeFailedPrecondition, connect.CodeOf(err), "%v", err)
		refunded, err := s.Payments.RefundPayment(t.Context(), &paymentsv1.RefundPaymentRequest{PaymentId: p.GetId(), AmountMinor: 400, RequestId: "return"})
		require.NoError(t, err)
		require.EqualValues(t, 400, refunded.GetPayment().GetRefundedMinor())
		_, err = s.Payments.RefundPayment(t.Context(), &paymentsv1.RefundPaymentRequest{PaymentId: p.GetId(), AmountMinor: 501, RequestId: "more"})
		require.Equal(t, connect.CodeFailedPrecondition, connect.CodeOf(err), "%v", err)

		got, err := s.Payments.GetPayment(t.Context(), &paymentsv1.GetPaymentRequest{PaymentId: p.GetId()})
		require.NoError(t, err)
		require.Len(t, got.GetOperations(), 3)
		list, err := s.Payments.ListPayments(t.Context(), &paymentsv1.ListPaymentsRequest{Filter: &paymentsv1.PaymentFilter{OrderId: p.GetOrderId()}})
		require.NoError(t, err)
		require.Len(t, list.GetPayments(), 1)
	})
	t.Run("a bank that says no is an answer", func(t *testing.T) {
		answer, err := s.Payments.AuthorizePayment(t.Context(), authorize(t, "tok_declined"))
		require.NoError(t, err)
		require.Equal(t, paymentsv1.PaymentState_PAYMENT_STATE_FAILED, answer.GetPayment().GetState())
		require.Equal(t, "DECLINED", answer.GetPayment().GetDeclineReason())
	})
	t.Run("a bank that does not answer is asked by the same request again, and charges once", func(t *testing.T) {
		// What happened its webhook tells, perhaps before the time of the call is over; what did not, nobody.
		for _, token := range []string{"tok_timeout_after", "tok_timeout_before"} {
			t.Run(token, func(t *testing.T) {
				request := authorize(t, token)
				first, err := s.Payments.AuthorizePayment(t.Context(), request)
				if token == "tok_timeout_before" || err != nil {
					require.Equal(t, fault.ReasonPaymentUnknown, reasonOf(t, err), "%v", first)
				}
				var again *paymentsv1.AuthorizePaymentResponse
				require.Eventually(t, func() bool {
					again, err = s.Payments.AuthorizePayment(t.Context(), request)
					return err == nil
				}, 20*time.Second, 10*time.Millisecond)
				require.Equal(t, paymentsv1.PaymentState_PAYMENT_STATE_AUTHORIZED, again.GetPayment().GetState())
				list, err := s.Payments.ListPayments(t.Context(), &paymentsv1.ListPaymentsRequest{Filter: &paymentsv1.PaymentFilter{OrderId: request.GetOrderId()}})
				require.NoError(t, err)
				require.Len(t, list.GetPayments(), 1)
				require.EqualValues(t, 910, list.GetPayments()[0].GetAuthorizedMinor())
			})
		}
	})
	t.Run("a card number is refused", func(t *testing.T) {
		_, err := s.Payments.AuthorizePayment(t.Context(), authorize(t, "4242424242424242"))
		require.Equal(t, connect.CodeInvalidArgument, connect.CodeOf(err), "%v", err)
		require.Equal(t, fault.ReasonCardNumberRefused, reasonOf(t, err))
		require.NotContains(t, err.Error(), "4242")
	})
	t.Run("a webhook without a signature is refused, and so is one that is too large", func(t *testing.T) {
		post := func(t *testing.T, body string) int {
			t.Helper()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/webhooks/payments/simulator", strings.NewReader(body))
			require.NoError(t, err)
			response, err := s.HTTP.Do(request)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			return response.StatusCode
		}
		require.Equal(t, http.StatusUnauthorized, post(t, `{"id":"evt_1"}`))
		require.Equal(t, http.StatusRequestEntityTooLarge, post(t, strings.Repeat("x", 300<<10)))
	})
	t.Run("without a gateway there is no service of payments", func(t *testing.T) {
		none := servertest.Start(t, func(c *config.Config) { c.Payments.Gateway = config.GatewayNone })
		_, err := none.Payments.GetPayment(t.Context(), &paymentsv1.GetPaymentRequest{PaymentId: "pay_00000000000000000000000000"})
		require.Equal(t, connect.CodeUnimplemented, connect.CodeOf(err))
	})
}
