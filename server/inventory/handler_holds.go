package inventory

import (
	"context"

	inventoryv1 "github.com/orderprocessing/orderprocessing/gen/inventory/v1"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
)

// HoldStock sets stock aside for an order.
func (h *Handler) HoldStock(ctx context.Context, req *inventoryv1.HoldStockRequest) (*inventoryv1.HoldStockResponse, error) {
	orderID, err := order.ParseID(req.GetOrderId())
	if err != nil {
		return nil, err
	}
	expires, err := expiryFromProto(req.GetExpireTime())
	if err != nil {
		return nil, err
	}
	holds, err := h.inventory.Hold(ctx, orderID, demandsFromProto(req.GetDemands()), expires)
	if err != nil {
		return nil, err
	}
	return &inventoryv1.HoldStockResponse{Holds: holdsToProto(holds)}, nil
}

// ReleaseStock lets go of what is held for an order and has not left the shelf.
func (h *Handler) ReleaseStock(ctx context.Context, req *inventoryv1.ReleaseStockRequest) (*inventoryv1.ReleaseStockResponse, error) {
	orderID, err := order.ParseID(req.GetOrderId())
	if err != nil {
		return nil, err
	}
	holds, err := h.inventory.Release(ctx, orderID, req.GetSkus())
	if err != nil {
		return nil, err
	}
	return &inventoryv1.ReleaseStockResponse{Holds: holdsToProto(holds)}, nil
}

// CommitStock takes held stock off the shelf, once for each request id.
func (h *Handler) CommitStock(ctx context.Context, req *inventoryv1.CommitStockRequest) (*inventoryv1.CommitStockResponse, error) {
	orderID, err := order.ParseID(req.GetOrderId())
	if err != nil {
		return nil, err
	}
	holds, err := h.inventory.Commit(ctx, orderID, demandsFromProto(req.GetDemands()), req.GetRequestId())
	if err != nil {
		return nil, err
	}
	return &inventoryv1.CommitStockResponse{Holds: holdsToProto(holds)}, nil
}
