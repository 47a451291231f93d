package interceptors

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const orderID = "ord_01jd0000000000000000000000"

// orders is a service whose answers a test decides.
type orders struct {
	ordersv1connect.UnimplementedOrderServiceHandler
	create  func(context.Context, *ordersv1.CreateOrderRequest) (*ordersv1.CreateOrderResponse, error)
	get     func(context.Context, *ordersv1.GetOrderRequest) (*ordersv1.GetOrderResponse, error)
	export  func(context.Context, *ordersv1.ExportOrdersRequest, *connect.ServerStream[ordersv1.ExportOrdersResponse]) error
	imports func(context.Context, *connect.BidiStream[ordersv1.ImportOrdersRequest, ordersv1.ImportOrdersResponse]) error
}

func (o *orders) CreateOrder(ctx context.Context, req *ordersv1.CreateOrderRequest) (*ordersv1.CreateOrderResponse, error) {
	if o.create == nil {
		return &ordersv1.CreateOrderResponse{Order: req.GetOrder()}, nil
	}
	return o.create(ctx, req)
}

func (o *orders) GetOrder(ctx context.Context, req *ordersv1.GetOrderRequest) (*ordersv1.GetOrderResponse, error) {
	if o.get == nil {
		return &ordersv1.GetOrderResponse{Order: &ordersv1.Order{Id: req.GetOrderId(), Note: "as stored"}}, nil
	}
	return o.get(ctx, req)
}

func (o *orders) ExportOrders(ctx context.Context, req *ordersv1.ExportOrdersRequest, stream *connect.ServerStream[ordersv1.ExportOrdersResponse]) error {
	return o.export(ctx, req, stream)
}

func (o *orders) ImportOrders(ctx context.Context, stream *connect.BidiStream[ordersv1.ImportOrdersRequest, ordersv1.ImportOrdersResponse]) error {
	return o.imports(ctx, stream)
}

func (o *orders) HoldOrder(_ context.Context, req *ordersv1.HoldOrderRequest) (*ordersv1.HoldOrderResponse, error) {
	return &ordersv1.HoldOrderResponse{Order: &ordersv1.Order{Id: req.GetOrderId()}}, nil
}

// logBuffer collects log lines of concurrent calls.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// knows is an Authenticator that knows callers by their tokens.
type knows map[string]auth.Caller

func (k knows) Authenticate(_ context.Context, c auth.Credentials) (auth.Caller, error) {
	if caller, ok := k[c.Token]; ok || c.Token == "" {
		return caller, nil
	}
	return auth.Caller{}, fault.New(fault.KindUnauthenticated, fault.ReasonCredentialsMalformed, "the token is not known")
}

// edge is a chain over a service, served on loopback.
type edge struct {
	url      string
	address  string
	logs     *logBuffer
	registry *prometheus.Registry
	http1    *http.Client
	http2    *http.Client
}

func newChain(tb testing.TB, registry *prometheus.Registry, logs *logBuffer, change func(*Options)) *Chain {
	tb.Helper()
	options := Options{
		Logger:          slog.New(slog.NewJSONHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Registry:        registry,
		MaxRequestBytes: 64 << 10,
		ReadTimeout:     time.Minute, WriteTimeout: time.Minute, StreamIdleTimeout: time.Minute,
		Authenticator: knows{"": {ID: "usr_staff", Roles: []auth.Role{auth.Staff}}},
	}
	if change != nil {
		change(&options)
	}
	chain, err := New(options)
	require.NoError(tb, err)
	return chain
}

func serve(tb testing.TB, service *orders, change func(*Options)) *edge {
	tb.Helper()
	e := &edge{logs: &logBuffer{}, registry: prometheus.NewRegistry()}
	chain := newChain(tb, e.registry, e.logs, change)
	mux := http.NewServeMux()
	path, handler := ordersv1connect.NewOrderServiceHandler(service, chain.HandlerOptions()...)
	mux.Handle("/", chain.NotFound())
	var procedures []Procedure
	methods := ordersv1.File_orders_v1_order_service_proto.Services().ByName("OrderService").Methods()
	for i := range methods.Len() {
		procedures = append(procedures, Procedure{
			Path:       path + string(methods.Get(i).Name()),
			StreamsIn:  methods.Get(i).IsStreamingClient(),
			StreamsOut: methods.Get(i).IsStreamingServer(),
		})
		mux.Handle(procedures[i].Path, handler)
	}

	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: chain.Edge(mux, procedures...), Protocols: protocols, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	e.address = listener.Addr().String()
	e.url = "http://" + e.address

	onlyHTTP2 := new(http.Protocols)
	onlyHTTP2.SetUnencryptedHTTP2(true)
	e.http1 = &http.Client{Transport: &http.Transport{}}
	e.http2 = &http.Client{Transport: &http.Transport{Protocols: onlyHTTP2}}
	tb.Cleanup(func() {
		e.http1.CloseIdleConnections()
		e.http2.CloseIdleConnections()
		server.Close()
		<-done
	})
	return e
}

// clients are the ways to call, by name.
func (e *edge) clients() map[string]ordersv1connect.OrderServiceClient {
	clients := map[string]ordersv1connect.OrderServiceClient{}
	for name, options := range map[string][]connect.ClientOption{
		"gRPC":           {connect.WithGRPC()},
		"gRPC-Web":       {connect.WithGRPCWeb()},
		"Connect JSON":   {connect.WithProtoJSON()},
		"Connect binary": nil,
		"Connect GET":    {connect.WithHTTPGet()},
		"gRPC gzip":      {connect.WithGRPC(), connect.WithSendGzip()},
	} {
		clients[name] = ordersv1connect.NewOrderServiceClient(e.http2, e.url, options...)
	}
	clients["Connect JSON over HTTP/1.1"] = ordersv1connect.NewOrderServiceClient(e.http1, e.url, connect.WithProtoJSON())
	clients["gRPC-Web over HTTP/1.1"] = ordersv1connect.NewOrderServiceClient(e.http1, e.url, connect.WithGRPCWeb())
	return clients
}

func validCreate() *ordersv1.CreateOrderRequest {
	return &ordersv1.CreateOrderRequest{
		RequestId: "r-1",
		Order: &ordersv1.Order{
			CustomerId: "cus_1", CurrencyCode: "GBP",
			Lines: []*ordersv1.Line{{Sku: "85123A", Quantity: 2, UnitPriceMinor: 255}},
		},
	}
}

// details takes the standard details out of an error.
func details(tb testing.TB, err error) (*errdetails.ErrorInfo, *errdetails.BadRequest, *errdetails.RetryInfo) {
	tb.Helper()
	var connectErr *connect.Error
	require.ErrorAs(tb, err, &connectErr)
	var info *errdetails.ErrorInfo
	var bad *errdetails.BadRequest
	var retry *errdetails.RetryInfo
	for _, detail := range connectErr.Details() {
		value, err := detail.Value()
		require.NoError(tb, err)
		switch value := value.(type) {
		case *errdetails.ErrorInfo:
			info = value
		case *errdetails.BadRequest:
			bad = value
		case *errdetails.RetryInfo:
			retry = value
		}
	}
	return info, bad, retry
}

func requireRefused(tb testing.TB, err error, code connect.Code, reason fault.Reason) {
	tb.Helper()
	require.Equal(tb, code, connect.CodeOf(err), "%v", err)
	info, _, _ := details(tb, err)
	require.NotNil(tb, info, "%v", err)
	require.Equal(tb, string(reason), info.GetReason(), "%v", err)
	require.Equal(tb, ErrorDomain, info.GetDomain())
}

func TestChain(t *testing.T) {
	stop := fault.New(fault.KindPrecondition, fault.ReasonTransitionRefused, "the order has shipped")
	service := &orders{
		export: func(_ context.Context, _ *ordersv1.ExportOrdersRequest, stream *connect.ServerStream[ordersv1.ExportOrdersResponse]) error {
			if err := stream.Send(&ordersv1.ExportOrdersResponse{Orders: []*ordersv1.Order{{Id: orderID}}}); err != nil {
				return err
			}
			return stop
		},
		imports: echoImports,
	}
	e := serve(t, service, nil)
	for name, client := range e.clients() {
		t.Run("a call and its answer pass over "+name, func(t *testing.T) {
			res, err := client.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: orderID})
			require.NoError(t, err)
			require.Equal(t, orderID, res.GetOrder().GetId())
			_, err = client.CreateOrder(t.Context(), validCreate())
			require.NoError(t, err)
		})
		t.Run("fields that break rules are told over "+name, func(t *testing.T) {
			req := validCreate()
			req.Order.Lines = append(req.Order.Lines, &ordersv1.Line{Sku: "A", Quantity: -1})
			_, err := client.CreateOrder(t.Context(), req)
			requireRefused(t, err, connect.CodeInvalidArgument, fault.ReasonInvalidRequest)
			_, bad, _ := details(t, err)
			require.Equal(t, "order.lines[1].quantity", bad.GetFieldViolations()[0].GetField())

			_, err = client.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: "pay_1"})
			requireRefused(t, err, connect.CodeInvalidArgument, fault.ReasonInvalidRequest)
		})
		t.Run("a stream ends with its reason over "+name, func(t *testing.T) {
			stream, err := client.ExportOrders(t.Context(), &ordersv1.ExportOrdersRequest{})
			require.NoError(t, err)
			require.True(t, stream.Receive())
			require.False(t, stream.Receive())
			requireRefused(t, stream.Err(), connect.CodeFailedPrecondition, fault.ReasonTransitionRefused)
			require.NoError(t, stream.Close())
		})
	}
}

// echoImports answers each batch with as many outcomes.
func echoImports(_ context.Context, stream *connect.BidiStream[ordersv1.ImportOrdersRequest, ordersv1.ImportOrdersResponse]) error {
	for {
		req, err := stream.Receive()
		if err != nil {
			return ignoreEOF(err)
		}
		if err := stream.Send(&ordersv1.ImportOrdersResponse{Outcomes: make([]*ordersv1.ImportOutcome, len(req.GetDocuments()))}); err != nil {
			return err
		}
	}
}
