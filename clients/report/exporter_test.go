package report_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"connectrpc.com/connect"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
)

// exporter is a server that exports what it is told.
type exporter struct {
	ordersv1connect.UnimplementedOrderServiceHandler
	response *ordersv1.ExportOrdersResponse
	err      error // ends the stream
}

func (e *exporter) ExportOrders(
	_ context.Context, _ *ordersv1.ExportOrdersRequest, stream *connect.ServerStream[ordersv1.ExportOrdersResponse],
) error {
	if err := stream.Send(e.response); err != nil {
		return err
	}
	return e.err
}

func (e *exporter) client(t *testing.T) ordersv1connect.OrderServiceClient {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(ordersv1connect.NewOrderServiceHandler(e))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return ordersv1connect.NewOrderServiceClient(server.Client(), server.URL)
}
