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

// GetReturn reads one return.
func (h *ReturnHandler) GetReturn(ctx context.Context, req *ordersv1.GetReturnRequest) (*ordersv1.GetReturnResponse, error) {
	returnID, err := order.ParseReturnID(req.GetReturnId())
	if err != nil {
		return nil, err
	}
	found, err := h.orders.GetReturn(ctx, returnID)
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
	found, next, err := h.orders.ListReturns(ctx, page, store.ReturnQuery{
		CustomerID: req.GetFilter().GetCustomerId(), Number: req.GetFilter().GetNumber(),
	})
	if err != nil {
		return nil, err
	}
	return &ordersv1.ListReturnsResponse{Returns: each(found, returnToProto), NextPageToken: next}, nil
}
