package orders

import (
	"context"

	eventsv1 "github.com/orderprocessing/orderprocessing/gen/events/v1"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/server/contract"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/events"
)

// Handler offers the use cases as orders.v1.OrderService.
type Handler struct{ orders *Service }

var _ ordersv1connect.OrderServiceHandler = (*Handler)(nil)

// NewHandler makes the handler of a service.
func NewHandler(s *Service) *Handler { return &Handler{orders: s} }

// CreateOrder places an order, or drafts one.
func (h *Handler) CreateOrder(ctx context.Context, req *ordersv1.CreateOrderRequest) (*ordersv1.CreateOrderResponse, error) {
	create, err := createFromProto(req)
	if err != nil {
		return nil, err
	}
	created, err := h.orders.Create(ctx, create)
	if err != nil {
		return nil, err
	}
	return &ordersv1.CreateOrderResponse{Order: orderToProto(created)}, nil
}

// PlaceOrder places a draft, or goes on with an order that waits for its customer. Placing twice answers with the same order.
func (h *Handler) PlaceOrder(ctx context.Context, req *ordersv1.PlaceOrderRequest) (*ordersv1.PlaceOrderResponse, error) {
	target, err := targetFromProto(req, req.GetOrderId(), req.GetEtag())
	if err != nil {
		return nil, err
	}
	placed, err := h.orders.Place(ctx, target, req.GetPaymentMethod(), minorFromProto(req.ExpectedTotalMinor))
	if err != nil {
		return nil, err
	}
	return &ordersv1.PlaceOrderResponse{Order: orderToProto(placed)}, nil
}

// NotePayment lets an order know that something may have happened to its money.
func (h *Handler) NotePayment(ctx context.Context, req *ordersv1.NotePaymentRequest) (*ordersv1.NotePaymentResponse, error) {
	orderID, err := order.ParseID(req.GetOrderId())
	if err != nil {
		return nil, err
	}
	if err := h.orders.NotePayment(ctx, orderID); err != nil {
		return nil, err
	}
	return &ordersv1.NotePaymentResponse{}, nil
}

// GetOrder reads one order.
func (h *Handler) GetOrder(ctx context.Context, req *ordersv1.GetOrderRequest) (*ordersv1.GetOrderResponse, error) {
	orderID, err := order.ParseID(req.GetOrderId())
	if err != nil {
		return nil, err
	}
	demand, err := h.orders.demand(ctx)
	if err != nil {
		return nil, err
	}
	found, err := h.orders.Get(ctx, demand, orderID)
	if err != nil {
		return nil, err
	}
	return &ordersv1.GetOrderResponse{Order: orderToProto(found)}, nil
}

// ListOrders reads a page of orders.
func (h *Handler) ListOrders(ctx context.Context, req *ordersv1.ListOrdersRequest) (*ordersv1.ListOrdersResponse, error) {
	query, err := orderQueryFromProto(req)
	if err != nil {
		return nil, err
	}
	page, err := contract.PageOf(req)
	if err != nil {
		return nil, err
	}
	demand, err := h.orders.demand(ctx)
	if err != nil {
		return nil, err
	}
	found, next, err := h.orders.List(ctx, demand, page, query)
	if err != nil {
		return nil, err
	}
	return &ordersv1.ListOrdersResponse{Orders: each(found, orderToProto), NextPageToken: next}, nil
}

// UpdateOrder edits the fields that the mask names.
func (h *Handler) UpdateOrder(ctx context.Context, req *ordersv1.UpdateOrderRequest) (*ordersv1.UpdateOrderResponse, error) {
	target, err := targetFromProto(req, req.GetOrder().GetId(), req.GetOrder().GetEtag())
	if err != nil {
		return nil, err
	}
	edit, err := editFromProto(req)
	if err != nil {
		return nil, err
	}
	edited, err := h.orders.Edit(ctx, target, edit)
	if err != nil {
		return nil, err
	}
	return &ordersv1.UpdateOrderResponse{Order: orderToProto(edited)}, nil
}

// CancelOrder stops an order of which nothing has left. Canceling twice answers with the same order.
func (h *Handler) CancelOrder(ctx context.Context, req *ordersv1.CancelOrderRequest) (*ordersv1.CancelOrderResponse, error) {
	target, err := targetFromProto(req, req.GetOrderId(), req.GetEtag())
	if err != nil {
		return nil, err
	}
	canceled, err := h.orders.Cancel(ctx, target, req.GetReason())
	if err != nil {
		return nil, err
	}
	return &ordersv1.CancelOrderResponse{Order: orderToProto(canceled)}, nil
}

// ListOrderEvents reads what happened to one order.
func (h *Handler) ListOrderEvents(ctx context.Context, req *ordersv1.ListOrderEventsRequest) (*ordersv1.ListOrderEventsResponse, error) {
	orderID, err := order.ParseID(req.GetOrderId())
	if err != nil {
		return nil, err
	}
	page, err := contract.PageOf(req)
	if err != nil {
		return nil, err
	}
	demand, err := h.orders.demand(ctx)
	if err != nil {
		return nil, err
	}
	found, next, err := h.orders.Events(ctx, demand, page, orderID)
	if err != nil {
		return nil, err
	}
	return &ordersv1.ListOrderEventsResponse{
		Events:        each[order.Event, *eventsv1.OrderEvent](found, events.ToProto),
		NextPageToken: next,
	}, nil
}
