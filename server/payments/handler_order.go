package payments

import (
	"context"

	paymentsv1 "github.com/orderprocessing/orderprocessing/gen/payments/v1"
	"github.com/orderprocessing/orderprocessing/gen/payments/v1/paymentsv1connect"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
)

// OrderHandler offers the use cases as payments.v1.OrderPaymentService: to the sagas of orders, which
// need not be told what they asked for themselves.
type OrderHandler struct{ payments *Service }

var _ paymentsv1connect.OrderPaymentServiceHandler = (*OrderHandler)(nil)

// NewOrderHandler makes the handler of a service.
func NewOrderHandler(s *Service) *OrderHandler { return &OrderHandler{payments: s} }

// AuthorizeOrder sets money aside for an order.
func (h *OrderHandler) AuthorizeOrder(ctx context.Context, req *paymentsv1.AuthorizeOrderRequest) (*paymentsv1.AuthorizeOrderResponse, error) {
	wish, err := orderAuthorizationFromProto(req.GetAuthorization())
	if err != nil {
		return nil, err
	}
	r, err := h.payments.Authorize(ctx, wish)
	if err != nil {
		return nil, err
	}
	return &paymentsv1.AuthorizeOrderResponse{Payment: paymentToProto(r.Payment)}, nil
}

// CaptureOrder takes some or all of what is set aside.
func (h *OrderHandler) CaptureOrder(ctx context.Context, req *paymentsv1.CaptureOrderRequest) (*paymentsv1.CaptureOrderResponse, error) {
	paymentID, err := payment.ParseID(req.GetPaymentId())
	if err != nil {
		return nil, err
	}
	r, err := h.payments.Capture(ctx, Change{
		PaymentID: paymentID, Amount: money.Minor(req.GetAmountMinor()), Final: req.GetFinal(), Key: req.GetKey(),
	})
	if err != nil {
		return nil, err
	}
	return &paymentsv1.CaptureOrderResponse{Payment: paymentToProto(r.Payment)}, nil
}

// RefundOrder gives so much back of what was taken for an order.
func (h *OrderHandler) RefundOrder(ctx context.Context, req *paymentsv1.RefundOrderRequest) (*paymentsv1.RefundOrderResponse, error) {
	orderID, err := order.ParseID(req.GetOrderId())
	if err != nil {
		return nil, err
	}
	given, err := h.payments.RefundOrder(
		ctx, orderID, money.Minor(req.GetAmountMinor()), req.GetNote(), occasionFromProto(req.GetOccasion()),
	)
	if err != nil {
		return nil, err
	}
	return &paymentsv1.RefundOrderResponse{GivenMinor: int64(given)}, nil
}

// ReleaseOrder lets go of what is still set aside for an order.
func (h *OrderHandler) ReleaseOrder(ctx context.Context, req *paymentsv1.ReleaseOrderRequest) (*paymentsv1.ReleaseOrderResponse, error) {
	orderID, err := order.ParseID(req.GetOrderId())
	if err != nil {
		return nil, err
	}
	if err := h.payments.Release(ctx, orderID, occasionFromProto(req.GetOccasion())); err != nil {
		return nil, err
	}
	return &paymentsv1.ReleaseOrderResponse{}, nil
}

// LetGoPayment gives the customer all back of one payment.
func (h *OrderHandler) LetGoPayment(ctx context.Context, req *paymentsv1.LetGoPaymentRequest) (*paymentsv1.LetGoPaymentResponse, error) {
	paymentID, err := payment.ParseID(req.GetPaymentId())
	if err != nil {
		return nil, err
	}
	if err := h.payments.LetGoOne(ctx, paymentID, occasionFromProto(req.GetOccasion())); err != nil {
		return nil, err
	}
	return &paymentsv1.LetGoPaymentResponse{}, nil
}

// LetGoOrder gives the customer of an order all back, but for one payment if one is named.
func (h *OrderHandler) LetGoOrder(ctx context.Context, req *paymentsv1.LetGoOrderRequest) (*paymentsv1.LetGoOrderResponse, error) {
	orderID, err := order.ParseID(req.GetOrderId())
	if err != nil {
		return nil, err
	}
	var but payment.ID
	if text := req.GetButPaymentId(); text != "" {
		if but, err = payment.ParseID(text); err != nil {
			return nil, err
		}
	}
	if err := h.payments.LetGo(ctx, orderID, occasionFromProto(req.GetOccasion()), but); err != nil {
		return nil, err
	}
	return &paymentsv1.LetGoOrderResponse{}, nil
}

// ForsakeOrder makes sure that a wish that was never recorded is not carried out later either.
func (h *OrderHandler) ForsakeOrder(ctx context.Context, req *paymentsv1.ForsakeOrderRequest) (*paymentsv1.ForsakeOrderResponse, error) {
	wish, err := orderAuthorizationFromProto(req.GetAuthorization())
	if err != nil {
		return nil, err
	}
	if err := h.payments.Forsake(ctx, wish); err != nil {
		return nil, err
	}
	return &paymentsv1.ForsakeOrderResponse{}, nil
}

func orderAuthorizationFromProto(m *paymentsv1.OrderAuthorization) (a Authorize, err error) {
	a = Authorize{
		CustomerID: m.GetCustomerId(), Currency: money.Currency(m.GetCurrencyCode()), Amount: money.Minor(m.GetAmountMinor()),
		Method: m.GetPaymentMethod(), Key: m.GetKey(),
	}
	a.OrderID, err = order.ParseID(m.GetOrderId())
	return a, err
}

func occasionFromProto(m *paymentsv1.Occasion) Occasion {
	return Occasion{Name: m.GetName(), Afresh: m.GetAfresh()}
}
