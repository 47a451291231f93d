package payments

import (
	"context"

	paymentsv1 "github.com/orderprocessing/orderprocessing/gen/payments/v1"
	"github.com/orderprocessing/orderprocessing/gen/payments/v1/paymentsv1connect"
	"github.com/orderprocessing/orderprocessing/server/contract"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
)

// Handler offers the use cases as payments.v1.PaymentService.
type Handler struct{ payments *Service }

var _ paymentsv1connect.PaymentServiceHandler = (*Handler)(nil)

// NewHandler makes the handler of a service.
func NewHandler(s *Service) *Handler { return &Handler{payments: s} }

// told lets the order know what was done with its money. When that fails, so does the call: sending it
// again moves nothing twice.
func (h *Handler) told(ctx context.Context) func(payment.Record, error) (payment.Record, error) {
	return func(r payment.Record, err error) (payment.Record, error) {
		if err != nil {
			return r, err
		}
		return r, h.payments.tell(ctx, r.Payment)
	}
}

// AuthorizePayment sets money aside for an order.
func (h *Handler) AuthorizePayment(ctx context.Context, req *paymentsv1.AuthorizePaymentRequest) (*paymentsv1.AuthorizePaymentResponse, error) {
	wish, err := authorizeFromProto(req)
	if err != nil {
		return nil, err
	}
	r, err := h.told(ctx)(h.payments.AuthorizeOrder(ctx, wish))
	if err != nil {
		return nil, err
	}
	return &paymentsv1.AuthorizePaymentResponse{Payment: paymentToProto(r.Payment), Operation: operationToProto(r.Operation)}, nil
}

// CapturePayment takes some or all of what is set aside.
func (h *Handler) CapturePayment(ctx context.Context, req *paymentsv1.CapturePaymentRequest) (*paymentsv1.CapturePaymentResponse, error) {
	wish, err := captureFromProto(req)
	if err != nil {
		return nil, err
	}
	r, err := h.told(ctx)(h.payments.Capture(ctx, wish))
	if err != nil {
		return nil, err
	}
	return &paymentsv1.CapturePaymentResponse{Payment: paymentToProto(r.Payment), Operation: operationToProto(r.Operation)}, nil
}

// VoidPayment lets go of what is set aside.
func (h *Handler) VoidPayment(ctx context.Context, req *paymentsv1.VoidPaymentRequest) (*paymentsv1.VoidPaymentResponse, error) {
	wish, err := voidFromProto(req)
	if err != nil {
		return nil, err
	}
	r, err := h.told(ctx)(h.payments.Void(ctx, wish))
	if err != nil {
		return nil, err
	}
	return &paymentsv1.VoidPaymentResponse{Payment: paymentToProto(r.Payment), Operation: operationToProto(r.Operation)}, nil
}

// RefundPayment gives some or all back of what was taken.
func (h *Handler) RefundPayment(ctx context.Context, req *paymentsv1.RefundPaymentRequest) (*paymentsv1.RefundPaymentResponse, error) {
	wish, err := refundFromProto(req)
	if err != nil {
		return nil, err
	}
	r, err := h.told(ctx)(h.payments.Refund(ctx, wish))
	if err != nil {
		return nil, err
	}
	return &paymentsv1.RefundPaymentResponse{Payment: paymentToProto(r.Payment), Operation: operationToProto(r.Operation)}, nil
}

// GetPayment reads one payment with all that was asked of the gateway.
func (h *Handler) GetPayment(ctx context.Context, req *paymentsv1.GetPaymentRequest) (*paymentsv1.GetPaymentResponse, error) {
	paymentID, err := payment.ParseID(req.GetPaymentId())
	if err != nil {
		return nil, err
	}
	found, operations, err := h.payments.Get(ctx, paymentID)
	if err != nil {
		return nil, err
	}
	return &paymentsv1.GetPaymentResponse{Payment: paymentToProto(found), Operations: each(operations, operationToProto)}, nil
}

// ListPayments reads a page of payments.
func (h *Handler) ListPayments(ctx context.Context, req *paymentsv1.ListPaymentsRequest) (*paymentsv1.ListPaymentsResponse, error) {
	query, err := queryFromProto(req.GetFilter())
	if err != nil {
		return nil, err
	}
	page, err := contract.PageOf(req)
	if err != nil {
		return nil, err
	}
	found, next, err := h.payments.List(ctx, page, query)
	if err != nil {
		return nil, err
	}
	return &paymentsv1.ListPaymentsResponse{Payments: each(found, paymentToProto), NextPageToken: next}, nil
}
