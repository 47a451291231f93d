package payments_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	paymentsv1 "github.com/orderprocessing/orderprocessing/gen/payments/v1"
	"github.com/orderprocessing/orderprocessing/interceptors"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// place stores an order of 255 and gives it.
func (s *shop) place(lifecycle string) order.Order {
	s.t.Helper()
	d := order.Details{CustomerID: "cus_1", Currency: "GBP", Lines: []order.Line{{SKU: "A", Quantity: 1, UnitPrice: 255}}}
	change, err := order.Begin(d, lifecycle == "draft", "", nil)
	require.NoError(s.t, err)
	o := newOrder()
	stored, err := s.store.CreateOrder(s.t.Context(), store.NewOrder{ID: o, Created: o.Time(), Change: change})
	require.NoError(s.t, err)
	return stored
}

func TestHandler(t *testing.T) {
	t.Run("every method has a policy", func(t *testing.T) {
		service := paymentsv1.File_payments_v1_payment_service_proto.Services().ByName("PaymentService")
		require.NoError(t, interceptors.CheckPolicies(service))
	})
	t.Run("an order is paid for, over the contract", func(t *testing.T) {
		s := newShop(t)
		h := payments.NewHandler(s.Service)
		o := s.place("placed")
		authorized, err := h.AuthorizePayment(t.Context(), &paymentsv1.AuthorizePaymentRequest{
			OrderId: o.ID.String(), AmountMinor: 255, PaymentMethod: "tok_ok", RequestId: "r1",
		})
		require.NoError(t, err)
		p := authorized.GetPayment()
		require.Equal(t, paymentsv1.PaymentState_PAYMENT_STATE_AUTHORIZED, p.GetState())
		require.Equal(t, "cus_1", p.GetCustomerId())
		require.Equal(t, "GBP", p.GetCurrencyCode())
		captured, err := h.CapturePayment(t.Context(), &paymentsv1.CapturePaymentRequest{
			PaymentId: p.GetId(), AmountMinor: 200, Final: true, RequestId: "r2", Etag: p.GetEtag(),
		})
		require.NoError(t, err)
		require.Equal(t, int64(55), captured.GetPayment().GetReleasedMinor())
		refunded, err := h.RefundPayment(t.Context(), &paymentsv1.RefundPaymentRequest{
			PaymentId: p.GetId(), AmountMinor: 200, RequestId: "r3", Note: "broken",
		})
		require.NoError(t, err)
		require.Regexp(t, "^ref_", refunded.GetOperation().GetId())
		_, err = h.VoidPayment(t.Context(), &paymentsv1.VoidPaymentRequest{PaymentId: p.GetId(), RequestId: "r4"})
		requireReason(t, fault.ReasonPaymentCaptured, err)
		got, err := h.GetPayment(asStaff(t), &paymentsv1.GetPaymentRequest{PaymentId: p.GetId()})
		require.NoError(t, err)
		require.Len(t, got.GetOperations(), 3)
		require.Equal(t, "broken", got.GetOperations()[2].GetNote())
		list, err := h.ListPayments(asStaff(t), &paymentsv1.ListPaymentsRequest{
			Filter: &paymentsv1.PaymentFilter{OrderId: o.ID.String(), State: paymentsv1.PaymentState_PAYMENT_STATE_CAPTURED},
		})
		require.NoError(t, err)
		require.Len(t, list.GetPayments(), 1)
		status, err := s.Status(t.Context(), o)
		require.NoError(t, err)
		require.Equal(t, order.PaymentRefunded, status)
	})
	t.Run("a draft is not paid for, nor an order that is not there", func(t *testing.T) {
		s := newShop(t)
		h := payments.NewHandler(s.Service)
		ask := func(orderID order.ID) error {
			_, err := h.AuthorizePayment(t.Context(), &paymentsv1.AuthorizePaymentRequest{
				OrderId: orderID.String(), AmountMinor: 255, PaymentMethod: "tok_ok", RequestId: "r1",
			})
			return err
		}
		requireReason(t, fault.ReasonTransitionRefused, ask(s.place("draft").ID))
		requireReason(t, fault.ReasonOrderNotFound, ask(newOrder()))
	})
}
