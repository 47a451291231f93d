// Package servertest gives tests a whole server, on SQLite files of the test's own unless told
// otherwise, with typed clients.
package servertest

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"

	"connectrpc.com/connect"

	"github.com/orderprocessing/orderprocessing/gen/identity/v1/identityv1connect"
	"github.com/orderprocessing/orderprocessing/gen/inventory/v1/inventoryv1connect"
	"github.com/orderprocessing/orderprocessing/gen/operations/v1/operationsv1connect"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/gen/payments/v1/paymentsv1connect"
	"github.com/orderprocessing/orderprocessing/server"
	"github.com/orderprocessing/orderprocessing/server/config"
)

// Server is a running server.
type Server struct {
	Config  config.Config
	URL     string // of the API
	OpsURL  string // of the operations port
	Logs    *Logs
	Clients // of somebody who may do everything: staff, operator and service in one

	callers *callers
	stop    context.CancelFunc
	stopped chan error
}

// Clients call as one caller.
type Clients struct {
	HTTP       *http.Client
	Orders     ordersv1connect.OrderServiceClient
	Shipments  ordersv1connect.ShipmentServiceClient
	Returns    ordersv1connect.ReturnServiceClient
	Inventory  inventoryv1connect.InventoryServiceClient
	Payments   paymentsv1connect.PaymentServiceClient
	Operations operationsv1connect.OperationsServiceClient
	Identity   identityv1connect.IdentityServiceClient
}

// Start serves until the test ends. change may adjust the settings, such as the databases. The
// clients speak Connect over unencrypted HTTP/2.
func Start(tb testing.TB, change ...func(*config.Config)) *Server {
	tb.Helper()
	return StartWith(tb, server.Options{}, change...)
}

// StartWith is Start with options of the process. Those that are not set are a test's.
func StartWith(tb testing.TB, o server.Options, change ...func(*config.Config)) *Server {
	tb.Helper()
	return start(tb, new(sync.Map), o, change...)
}

// start starts a server that knows these tokens besides its own.
func start(tb testing.TB, known *sync.Map, o server.Options, change ...func(*config.Config)) *Server {
	tb.Helper()
	cfg := config.Default()
	cfg.Server.Port, cfg.Ops.Port = 0, 0
	cfg.Data.Dir = tb.TempDir()
	for _, c := range change {
		c(&cfg)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{Config: cfg, Logs: &Logs{}, callers: newCallers(known), stop: stop, stopped: make(chan error, 1)}
	opened := make(chan struct{})
	o.Version, o.Authenticator = "test", s.callers.before
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(s.Logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	o.Opened = func(api, ops net.Addr) {
		s.URL, s.OpsURL = "http://"+api.String(), "http://"+ops.String()
		close(opened)
	}
	go func() { s.stopped <- server.Serve(ctx, cfg, o) }()
	select {
	case <-opened:
	case err := <-s.stopped:
		stop()
		tb.Fatalf("the server did not start: %v", err)
	}
	s.Clients = s.As(everything)
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
	s.callers.transport.CloseIdleConnections()
	if err := <-s.stopped; err != nil {
		tb.Errorf("the server did not stop well: %v", err)
	}
}
