package orders

import (
	"context"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/server/contract"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// ReturnHandler offers the use cases as orders.v1.ReturnService.
type ReturnHandler struct{ orders *Service }

var _ ordersv1connect.ReturnServiceHandler = (*ReturnHandler)(nil)

// NewReturnHandler makes the handler of a service.
func NewReturnHandler(s *Service) *ReturnHandler { return &ReturnHandler{orders: s} }

// RequestReturn asks to send goods of an order back.
func (h *ReturnHandler) RequestReturn(ctx context.Context, req *ordersv1.RequestReturnRequest) (*ordersv1.RequestReturnResponse, error) {
	asked, err := newReturnFromProto(req)
	if err != nil {
		return nil, err
	}
	requested, err := h.orders.RequestReturn(ctx, asked)
	if err != nil {
		return nil, err
	}
	return &ordersv1.RequestReturnResponse{Return: returnToProto(requested)}, nil
}

// ApproveReturn lets the goods be sent back.
func (h *ReturnHandler) ApproveReturn(ctx context.Context, req *ordersv1.ApproveReturnRequest) (*ordersv1.ApproveReturnResponse, error) {
	target, err := returnTargetFromProto(req)
	if err != nil {
		return nil, err
	}
	approved, err := h.orders.ApproveReturn(ctx, target)
	if err != nil {
		return nil, err
	}
	return &ordersv1.ApproveReturnResponse{Return: returnToProto(approved)}, nil
}

// RejectReturn refuses a return that has not arrived.
func (h *ReturnHandler) RejectReturn(ctx context.Context, req *ordersv1.RejectReturnRequest) (*ordersv1.RejectReturnResponse, error) {
	target, err := returnTargetFromProto(req)
	if err != nil {
		return nil, err
	}
	rejected, err := h.orders.RejectReturn(ctx, target, req.GetReason())
	if err != nil {
		return nil, err
	}
	return &ordersv1.RejectReturnResponse{Return: returnToProto(rejected)}, nil
}

// ReceiveReturn notes that the goods have arrived.
func (h *ReturnHandler) ReceiveReturn(ctx context.Context, req *ordersv1.ReceiveReturnRequest) (*ordersv1.ReceiveReturnResponse, error) {
	target, err := returnTargetFromProto(req)
	if err != nil {
		return nil, err
	}
	received, err := h.orders.ReceiveReturn(ctx, target)
	if err != nil {
		return nil, err
	}
	return &ordersv1.ReceiveReturnResponse{Return: returnToProto(received)}, nil
}

// CloseReturn decides on refund and restock.
func (h *ReturnHandler) CloseReturn(ctx context.Context, req *ordersv1.CloseReturnRequest) (*ordersv1.CloseReturnResponse, error) {
	target, err := returnTargetFromProto(req)
	if err != nil {
		return nil, err
	}
	closed, err := h.orders.CloseReturn(ctx, target, minorFromProto(req.RefundMinor), each(req.GetRestock(), quantityFromProto))
	if err != nil {
		return nil, err
	}
	return &ordersv1.CloseReturnResponse{Return: returnToProto(closed)}, nil
}

// GetReturn reads one return.
func (h *ReturnHandler) GetReturn(ctx context.Context, req *ordersv1.GetReturnRequest) (*ordersv1.GetReturnResponse, error) {
	returnID, err := order.ParseReturnID(req.GetReturnId())
	if err != nil {
		return nil, err
	}
	demand, err := h.orders.demand(ctx)
	if err != nil {
		return nil, err
	}
	found, err := h.orders.GetReturn(ctx, demand, returnID)
	if err != nil {
		return nil, err
	}
	return &ordersv1.GetReturnResponse{Return: returnToProto(found)}, nil
}

// ListReturns reads a page of returns, newest first.
func (h *ReturnHandler) ListReturns(ctx context.Context, req *ordersv1.ListReturnsRequest) (*ordersv1.ListReturnsResponse, error) {
	page, err := contract.PageOf(req)
	if err != nil {
		return nil, err
	}
	demand, err := h.orders.demand(ctx)
	if err != nil {
		return nil, err
	}
	found, next, err := h.orders.ListReturns(ctx, demand, page, store.ReturnQuery{
		CustomerID: req.GetFilter().GetCustomerId(), Number: req.GetFilter().GetNumber(),
	})
	if err != nil {
		return nil, err
	}
	return &ordersv1.ListReturnsResponse{Returns: each(found, returnToProto), NextPageToken: next}, nil
}
