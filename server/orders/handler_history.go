package orders

import (
	"context"
	"errors"
	"io"

	"connectrpc.com/connect"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
)

// ImportOrders answers each batch of documents with what became of them.
func (h *Handler) ImportOrders(
	ctx context.Context, stream *connect.BidiStream[ordersv1.ImportOrdersRequest, ordersv1.ImportOrdersResponse],
) error {
	for {
		req, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		results, err := h.orders.Import(ctx, req.GetSource(), each(req.GetDocuments(), documentFromProto))
		if err != nil {
			return err
		}
		if err := stream.Send(&ordersv1.ImportOrdersResponse{Outcomes: each(results, outcomeToProto)}); err != nil {
			return err
		}
	}
}

// ExportOrders streams every order and then every return.
func (h *Handler) ExportOrders(
	ctx context.Context, req *ordersv1.ExportOrdersRequest, stream *connect.ServerStream[ordersv1.ExportOrdersResponse],
) error {
	from, before, err := timesFromProto(req)
	if err != nil {
		return err
	}
	demand, err := h.orders.demand(ctx)
	if err != nil {
		return err
	}
	export := Export{CustomerID: req.GetCustomerId(), From: from, Before: before}
	return h.orders.Export(ctx, demand, export, func(batch []order.Order) error {
		return stream.Send(&ordersv1.ExportOrdersResponse{Orders: each(batch, orderToProto)})
	}, func(batch []order.Return) error {
		return stream.Send(&ordersv1.ExportOrdersResponse{Returns: each(batch, returnToProto)})
	})
}
