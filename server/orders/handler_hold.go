package orders

import (
	"context"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
)

// HoldOrder keeps an order from going on. Holding twice answers with the same order.
func (h *Handler) HoldOrder(ctx context.Context, req *ordersv1.HoldOrderRequest) (*ordersv1.HoldOrderResponse, error) {
	target, err := targetFromProto(req, req.GetOrderId(), req.GetEtag())
	if err != nil {
		return nil, err
	}
	held, err := h.orders.Hold(ctx, target, req.GetReason())
	if err != nil {
		return nil, err
	}
	return &ordersv1.HoldOrderResponse{Order: orderToProto(held)}, nil
}

// ResumeOrder lets an order go on that is on hold. One that goes on already is answered as it is.
func (h *Handler) ResumeOrder(ctx context.Context, req *ordersv1.ResumeOrderRequest) (*ordersv1.ResumeOrderResponse, error) {
	target, err := targetFromProto(req, req.GetOrderId(), req.GetEtag())
	if err != nil {
		return nil, err
	}
	resumed, err := h.orders.Resume(ctx, target)
	if err != nil {
		return nil, err
	}
	return &ordersv1.ResumeOrderResponse{Order: orderToProto(resumed)}, nil
}

// GetRiskAssessment reads what is odd about an order.
func (h *Handler) GetRiskAssessment(
	ctx context.Context, req *ordersv1.GetRiskAssessmentRequest,
) (*ordersv1.GetRiskAssessmentResponse, error) {
	orderID, err := order.ParseID(req.GetOrderId())
	if err != nil {
		return nil, err
	}
	found, err := h.orders.Assessment(ctx, orderID)
	if err != nil {
		return nil, err
	}
	return &ordersv1.GetRiskAssessmentResponse{Assessment: assessmentToProto(found)}, nil
}
