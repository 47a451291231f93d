// Package servertest gives tests a whole server, on SQLite files of the test's own unless told
// otherwise, with typed clients.
package servertest

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"connectrpc.com/connect"

	"github.com/orderprocessing/orderprocessing/gen/inventory/v1/inventoryv1connect"
	"github.com/orderprocessing/orderprocessing/gen/operations/v1/operationsv1connect"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/gen/payments/v1/paymentsv1connect"
	"github.com/orderprocessing/orderprocessing/server"
	"github.com/orderprocessing/orderprocessing/server/config"
)

// Server is a running server.
type Server struct {
	Config     config.Config
	URL        string // of the API
	OpsURL     string // of the operations port
	HTTP       *http.Client
	Orders     ordersv1connect.OrderServiceClient
	Shipments  ordersv1connect.ShipmentServiceClient
	Returns    ordersv1connect.ReturnServiceClient
	Inventory  inventoryv1connect.InventoryServiceClient
	Payments   paymentsv1connect.PaymentServiceClient
	Operations operationsv1connect.OperationsServiceClient

	stop    context.CancelFunc
	stopped chan error
}

// Start serves until the test ends. change may adjust the settings, such as the databases. The
// clients speak Connect over unencrypted HTTP/2.
func Start(tb testing.TB, change ...func(*config.Config)) *Server {
	tb.Helper()
	cfg := config.Default()
	cfg.Server.Port, cfg.Ops.Port = 0, 0
	cfg.Data.Dir = tb.TempDir()
	for _, c := range change {
		c(&cfg)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{Config: cfg, stop: stop, stopped: make(chan error, 1)}
	opened := make(chan struct{})
	go func() {
		s.stopped <- server.Serve(ctx, cfg, server.Options{
			Version: "test",
			Logger:  slog.New(slog.NewTextHandler(io.Discard, nil)),
			Opened: func(api, ops net.Addr) {
				s.URL, s.OpsURL = "http://"+api.String(), "http://"+ops.String()
				close(opened)
			},
		})
	}()
	select {
	case <-opened:
	case err := <-s.stopped:
		stop()
		tb.Fatalf("the server did not start: %v", err)
	}
	s.HTTP = newHTTPClient()
	s.Orders = ordersv1connect.NewOrderServiceClient(s.HTTP, s.URL)
	s.Shipments = ordersv1connect.NewShipmentServiceClient(s.HTTP, s.URL)
	s.Returns = ordersv1connect.NewReturnServiceClient(s.HTTP, s.URL)
	s.Inventory = inventoryv1connect.NewInventoryServiceClient(s.HTTP, s.URL)
	s.Operations = operationsv1connect.NewOperationsServiceClient(s.HTTP, s.URL)
	s.Payments = paymentsv1connect.NewPaymentServiceClient(s.HTTP, s.URL)
	tb.Cleanup(func() { s.Stop(tb) })
	return s
}

// OrdersOver gives a client of orders with other options, such as another protocol.
func (s *Server) OrdersOver(options ...connect.ClientOption) ordersv1connect.OrderServiceClient {
	return ordersv1connect.NewOrderServiceClient(s.HTTP, s.URL, options...)
}

// Stop drains the server, as SIGTERM does. Stopping twice does nothing.
func (s *Server) Stop(tb testing.TB) {
	tb.Helper()
	if s.stop == nil {
		return
	}
	s.stop()
	s.stop = nil
	s.HTTP.CloseIdleConnections()
	if err := <-s.stopped; err != nil {
		tb.Errorf("the server did not stop well: %v", err)
	}
}

func newHTTPClient() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	protocols.SetHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: protocols}}
}
