package inventory

import (
	"context"

	inventoryv1 "github.com/orderprocessing/orderprocessing/gen/inventory/v1"
	"github.com/orderprocessing/orderprocessing/gen/inventory/v1/inventoryv1connect"
	"github.com/orderprocessing/orderprocessing/server/contract"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
)

// Handler offers the use cases as inventory.v1.InventoryService.
type Handler struct{ inventory *Service }

var _ inventoryv1connect.InventoryServiceHandler = (*Handler)(nil)

// NewHandler makes the handler of a service.
func NewHandler(s *Service) *Handler { return &Handler{inventory: s} }

// UpsertProduct creates a product or changes it.
func (h *Handler) UpsertProduct(ctx context.Context, req *inventoryv1.UpsertProductRequest) (*inventoryv1.UpsertProductResponse, error) {
	request, err := contract.Request("sku "+req.GetProduct().GetSku(), req)
	if err != nil {
		return nil, err
	}
	stored, err := h.inventory.Upsert(ctx, productFromProto(req.GetProduct()), req.GetProduct().GetEtag(), request)
	if err != nil {
		return nil, err
	}
	return &inventoryv1.UpsertProductResponse{Product: productToProto(stored)}, nil
}

// GetProduct reads one product.
func (h *Handler) GetProduct(ctx context.Context, req *inventoryv1.GetProductRequest) (*inventoryv1.GetProductResponse, error) {
	found, err := h.inventory.Product(ctx, req.GetSku())
	if err != nil {
		return nil, err
	}
	return &inventoryv1.GetProductResponse{Product: productToProto(found)}, nil
}

// ListProducts reads a page of products, by SKU.
func (h *Handler) ListProducts(ctx context.Context, req *inventoryv1.ListProductsRequest) (*inventoryv1.ListProductsResponse, error) {
	page, err := contract.PageOf(req)
	if err != nil {
		return nil, err
	}
	found, next, err := h.inventory.Products(ctx, page)
	if err != nil {
		return nil, err
	}
	res := &inventoryv1.ListProductsResponse{NextPageToken: next}
	for _, p := range found {
		res.Products = append(res.Products, productToProto(p))
	}
	return res, nil
}

// AdjustStock changes how many of a product are on the shelf.
func (h *Handler) AdjustStock(ctx context.Context, req *inventoryv1.AdjustStockRequest) (*inventoryv1.AdjustStockResponse, error) {
	level, err := h.inventory.Adjust(ctx, stock.Adjustment{
		SKU: req.GetSku(), Delta: req.GetDelta(), Reason: reasonFromProto(req.GetReason()),
	}, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	return &inventoryv1.AdjustStockResponse{Level: levelToProto(level)}, nil
}

// GetStock reads how much there is of one product.
func (h *Handler) GetStock(ctx context.Context, req *inventoryv1.GetStockRequest) (*inventoryv1.GetStockResponse, error) {
	level, err := h.inventory.Stock(ctx, req.GetSku())
	if err != nil {
		return nil, err
	}
	return &inventoryv1.GetStockResponse{Level: levelToProto(level)}, nil
}
