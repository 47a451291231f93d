package importertest

import (
	"context"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

// exportBatch is how many documents a message of the export holds.
const exportBatch = 100

// ExportOrders streams what is stored in the order in which it came, with totals and statuses as
// the contract has them.
func (s *Server) ExportOrders(
	_ context.Context, _ *ordersv1.ExportOrdersRequest, stream *connect.ServerStream[ordersv1.ExportOrdersResponse],
) error {
	response := &ordersv1.ExportOrdersResponse{}
	for _, key := range s.snapshot() {
		if err := s.export(key, response); err != nil {
			return err
		}
		if len(response.Orders)+len(response.Returns) < exportBatch {
			continue
		}
		if err := stream.Send(response); err != nil {
			return err
		}
		response = &ordersv1.ExportOrdersResponse{}
	}
	return stream.Send(response)
}

func (s *Server) export(key string, response *ordersv1.ExportOrdersResponse) error {
	s.mu.Lock()
	text := s.stored[key]
	s.mu.Unlock()
	document := &ordersv1.ImportDocument{}
	if err := proto.Unmarshal(text, document); err != nil {
		return err
	}
	source, _, _ := strings.Cut(key, "\n")
	if back := document.GetReturn(); back != nil {
		response.Returns = append(response.Returns, exportReturn(source, back))
	} else {
		response.Orders = append(response.Orders, exportOrder(source, document.GetOrder()))
	}
	return nil
}

func exportOrder(source string, imported *ordersv1.ImportedOrder) *ordersv1.Order {
	order := imported.Order
	order.Source = source
	order.Lifecycle = ordersv1.Lifecycle_LIFECYCLE_CONFIRMED
	order.FulfillmentStatus = ordersv1.FulfillmentStatus_FULFILLMENT_STATUS_UNFULFILLED
	if imported.Delivered {
		order.Lifecycle = ordersv1.Lifecycle_LIFECYCLE_COMPLETED
		order.FulfillmentStatus = ordersv1.FulfillmentStatus_FULFILLMENT_STATUS_DELIVERED
	}
	for i, line := range order.Lines {
		line.Position = int32(i + 1)
		line.AmountMinor = line.Quantity*line.UnitPriceMinor - line.DiscountMinor
		order.SubtotalMinor += line.AmountMinor
	}
	order.TotalMinor = order.SubtotalMinor + order.ShippingMinor
	return order
}

func exportReturn(source string, back *ordersv1.Return) *ordersv1.Return {
	back.Source = source
	back.Status = ordersv1.ReturnStatus_RETURN_STATUS_CLOSED
	for i, line := range back.Lines {
		line.Position = int32(i + 1)
		line.AmountMinor = line.Quantity*line.UnitPriceMinor - line.DiscountMinor
		back.TotalMinor += line.AmountMinor
	}
	return back
}
