package peers

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	paymentsv1 "github.com/orderprocessing/orderprocessing/gen/payments/v1"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/payments"
)

// till keeps what it was asked for last. It has given back what it says.
type till struct {
	paymentsv1.UnimplementedOrderPaymentServiceServer
	asked proto.Message
	given int64
	err   error
}

func (s *till) RefundOrder(_ context.Context, req *paymentsv1.RefundOrderRequest) (*paymentsv1.RefundOrderResponse, error) {
	s.asked = req
	return &paymentsv1.RefundOrderResponse{GivenMinor: s.given}, s.err
}

func (s *till) ReleaseOrder(_ context.Context, req *paymentsv1.ReleaseOrderRequest) (*paymentsv1.ReleaseOrderResponse, error) {
	s.asked = req
	return &paymentsv1.ReleaseOrderResponse{}, s.err
}

func (s *till) LetGoPayment(_ context.Context, req *paymentsv1.LetGoPaymentRequest) (*paymentsv1.LetGoPaymentResponse, error) {
	s.asked = req
	return &paymentsv1.LetGoPaymentResponse{}, s.err
}

func (s *till) LetGoOrder(_ context.Context, req *paymentsv1.LetGoOrderRequest) (*paymentsv1.LetGoOrderResponse, error) {
	s.asked = req
	return &paymentsv1.LetGoOrderResponse{}, s.err
}

func TestPayments(t *testing.T) {
	s := &till{given: 70}
	remote := NewPayments(newPeer(t, 10*time.Second, func(server *grpc.Server) {
		paymentsv1.RegisterOrderPaymentServiceServer(server, s)
	}), payments.Standing{})
	orderID := order.NewID(time.Now(), "cus_1", "")
	paymentID := payment.ID(payment.OperationIDOf(orderID, "key"))
	on := payments.Occasion{Name: "return/ret_1", Afresh: true}
	occasion := &paymentsv1.Occasion{Name: "return/ret_1", Afresh: true}
	asked := func(t *testing.T, want proto.Message) {
		t.Helper()
		require.True(t, proto.Equal(want, s.asked), "%v", s.asked)
	}
	t.Run("a refund tells what was given", func(t *testing.T) {
		given, err := remote.RefundOrder(t.Context(), orderID, 100, "ret_1", on)
		require.NoError(t, err)
		require.Equal(t, money.Minor(70), given)
		asked(t, &paymentsv1.RefundOrderRequest{OrderId: orderID.String(), AmountMinor: 100, Note: "ret_1", Occasion: occasion})
	})
	t.Run("what is let go has its occasion", func(t *testing.T) {
		require.NoError(t, remote.Release(t.Context(), orderID, on))
		asked(t, &paymentsv1.ReleaseOrderRequest{OrderId: orderID.String(), Occasion: occasion})
		require.NoError(t, remote.LetGoOne(t.Context(), paymentID, on))
		asked(t, &paymentsv1.LetGoPaymentRequest{PaymentId: paymentID.String(), Occasion: occasion})
		require.NoError(t, remote.LetGo(t.Context(), orderID, on, paymentID))
		asked(t, &paymentsv1.LetGoOrderRequest{OrderId: orderID.String(), Occasion: occasion, ButPaymentId: paymentID.String()})
		require.NoError(t, remote.LetGo(t.Context(), orderID, on, payment.ID{}))
		asked(t, &paymentsv1.LetGoOrderRequest{OrderId: orderID.String(), Occasion: occasion})
	})
	t.Run("a refund that fails has given nothing", func(t *testing.T) {
		s.err = failed(codes.Internal)
		given, err := remote.RefundOrder(t.Context(), orderID, 100, "ret_1", on)
		require.Error(t, err)
		require.Zero(t, given)
	})
}
