package client

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/orderprocessing/orderprocessing/gen/inventory/v1/inventoryv1connect"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shop is a server whose answers a test decides.
type shop struct {
	ordersv1connect.UnimplementedOrderServiceHandler
	ordersv1connect.UnimplementedShipmentServiceHandler
	ordersv1connect.UnimplementedReturnServiceHandler
	inventoryv1connect.UnimplementedInventoryServiceHandler

	// answer is asked about each create, counted from 1; nil takes them all.
	answer func(ctx context.Context, n int) error

	mu      sync.Mutex
	creates []*ordersv1.CreateOrderRequest // as they came
	headers []http.Header
	streams atomic.Int64
}

func (s *shop) CreateOrder(ctx context.Context, req *ordersv1.CreateOrderRequest) (*ordersv1.CreateOrderResponse, error) {
	s.mu.Lock()
	s.creates = append(s.creates, proto.CloneOf(req))
	n := len(s.creates)
	if info, ok := connect.CallInfoForHandlerContext(ctx); ok {
		s.headers = append(s.headers, info.RequestHeader().Clone())
	}
	s.mu.Unlock()
	if s.answer != nil {
		if err := s.answer(ctx, n); err != nil {
			return nil, err
		}
	}
	return &ordersv1.CreateOrderResponse{Order: req.GetOrder()}, nil
}

func (s *shop) ImportOrders(ctx context.Context, stream *connect.BidiStream[ordersv1.ImportOrdersRequest, ordersv1.ImportOrdersResponse]) error {
	s.mu.Lock()
	s.headers = append(s.headers, stream.RequestHeader().Clone())
	s.mu.Unlock()
	if s.streams.Add(1) == 1 && s.answer != nil {
		return s.answer(ctx, 1)
	}
	for {
		if _, err := stream.Receive(); err != nil {
			return nil //nolint:nilerr // the end of the stream
		}
		if err := stream.Send(&ordersv1.ImportOrdersResponse{}); err != nil {
			return err
		}
	}
}

func (s *shop) ExportOrders(ctx context.Context, _ *ordersv1.ExportOrdersRequest, stream *connect.ServerStream[ordersv1.ExportOrdersResponse]) error {
	if n := s.streams.Add(1); s.answer != nil {
		return s.answer(ctx, int(n))
	}
	return stream.Send(&ordersv1.ExportOrdersResponse{Orders: []*ordersv1.Order{{Id: "ord_1"}}})
}

func (s *shop) ids() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, create := range s.creates {
		ids = append(ids, create.GetRequestId())
	}
	return ids
}

func (s *shop) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(ordersv1connect.NewOrderServiceHandler(s))
	mux.Handle(ordersv1connect.NewShipmentServiceHandler(s))
	mux.Handle(ordersv1connect.NewReturnServiceHandler(s))
	mux.Handle(inventoryv1connect.NewInventoryServiceHandler(s))
	return mux
}

// open starts a server that speaks HTTP/2 only, without TLS.
func open(t testing.TB, handler http.Handler) string {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

func dial(t testing.TB, url string, opts ...Option) *Client {
	t.Helper()
	c, err := New(url, opts...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// waits records how long a client would have waited.
type waits struct {
	mu    sync.Mutex
	taken []time.Duration
}

func (w *waits) option() Option {
	return func(o *options) {
		o.wait = func(ctx context.Context, d time.Duration) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.taken = append(w.taken, d)
			return ctx.Err()
		}
	}
}

func fails(times int, err error) func(context.Context, int) error {
	return func(_ context.Context, n int) error {
		if n <= times {
			return err
		}
		return nil
	}
}

func refused(code connect.Code, details ...proto.Message) error {
	err := connect.NewError(code, http.ErrBodyNotAllowed)
	for _, message := range details {
		detail, _ := connect.NewErrorDetail(message)
		err.AddDetail(detail)
	}
	return err
}

func order() *ordersv1.CreateOrderRequest {
	return &ordersv1.CreateOrderRequest{Order: &ordersv1.Order{CustomerId: "cus_1"}}
}
