package orders

import (
	"context"

	"connectrpc.com/connect"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
)

// WatchOrder streams an order until it reaches its end.
func (h *Handler) WatchOrder(
	ctx context.Context, req *ordersv1.WatchOrderRequest, stream *connect.ServerStream[ordersv1.WatchOrderResponse],
) error {
	orderID, err := order.ParseID(req.GetOrderId())
	if err != nil {
		return err
	}
	return h.orders.Watch(ctx, orderID, func(o order.Order) error {
		return stream.Send(&ordersv1.WatchOrderResponse{Order: orderToProto(o)})
	})
}
