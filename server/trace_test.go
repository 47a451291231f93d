package server_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/servertest"
)

// collector takes the spans of servers.
type collector struct {
	coltrace.UnimplementedTraceServiceServer
	address string
	mu      sync.Mutex
	spans   []*tracev1.Span
}

func startCollector(t *testing.T) *collector {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c, s := &collector{address: "http://" + listener.Addr().String()}, grpc.NewServer()
	coltrace.RegisterTraceServiceServer(s, c)
	go s.Serve(listener) //nolint:errcheck // ends with Stop
	t.Cleanup(s.Stop)
	return c
}

func (c *collector) Export(_ context.Context, req *coltrace.ExportTraceServiceRequest) (*coltrace.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range req.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			c.spans = append(c.spans, scope.GetSpans()...)
		}
	}
	return &coltrace.ExportTraceServiceResponse{}, nil
}

// sampled makes a server that sends every trace to the collector.
func (c *collector) sampled(cfg *config.Config) {
	cfg.Telemetry = config.Telemetry{OTLPEndpoint: c.address, SampleRatio: 1}
}

// text gives every span with all that it says.
func (c *collector) text(t *testing.T) string {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	var all strings.Builder
	for _, span := range c.spans {
		text, err := protojson.Marshal(span)
		require.NoError(t, err)
		all.Write(text)
	}
	return all.String()
}

// named gives the spans with a name.
func (c *collector) named(name string) (found []*tracev1.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, span := range c.spans {
		if span.GetName() == name {
			found = append(found, span)
		}
	}
	return found
}

// paths tells for each span of a trace the names from its root to it, and from its root to a span elsewhere that
// links to it: a commit that serves several calls is in the trace of one of them.
func (c *collector) paths(trace []byte) map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	spans := map[string]*tracev1.Span{}
	for _, span := range c.spans {
		if string(span.GetTraceId()) == string(trace) {
			spans[string(span.GetSpanId())] = span
		}
	}
	paths := map[string]int{}
	for _, span := range spans {
		path := span.GetName()
		for parent := spans[string(span.GetParentSpanId())]; parent != nil; parent = spans[string(parent.GetParentSpanId())] {
			path = parent.GetName() + " > " + path
		}
		paths[path]++
		for _, other := range c.spans {
			for _, link := range other.GetLinks() {
				if string(link.GetSpanId()) == string(span.GetSpanId()) {
					paths[path+" > "+other.GetName()]++
				}
			}
		}
	}
	return paths
}

// buy places an order of a product of its own, to be paid.
func buy(t *testing.T, s *servertest.Server, name string) string {
	t.Helper()
	stocked(t, s, name, 100, 0)
	res, err := s.Orders.CreateOrder(t.Context(), buying(name))
	require.NoError(t, err)
	return res.GetOrder().GetId()
}

func buying(sku string) *ordersv1.CreateOrderRequest {
	return &ordersv1.CreateOrderRequest{RequestId: sku, PaymentMethod: "tok_ok", Order: &ordersv1.Order{
		CustomerId: "cus_" + sku, CurrencyCode: "GBP", Lines: []*ordersv1.Line{{Sku: sku, Quantity: 1, UnitPriceMinor: 1000}},
	}}
}

func untilConfirmed(t *testing.T, s *servertest.Server, orderID string) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		res, err := s.Orders.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: orderID})
		require.NoError(c, err)
		require.Equal(c, ordersv1.Lifecycle_LIFECYCLE_CONFIRMED, res.GetOrder().GetLifecycle())
	}, 30*time.Second, 20*time.Millisecond)
}

// ship hands the order over: the gateway tells that its money was taken.
func ship(t *testing.T, s *servertest.Server, orderID string) {
	t.Helper()
	planned, err := s.Shipments.CreateShipment(t.Context(), &ordersv1.CreateShipmentRequest{OrderId: orderID, RequestId: "plan"})
	require.NoError(t, err)
	parcels := planned.GetOrder().GetShipments()
	_, err = s.Shipments.ShipShipment(t.Context(), &ordersv1.ShipShipmentRequest{ShipmentId: parcels[0].GetId(), RequestId: "ship"})
	require.NoError(t, err)
}

const createOrder = "orders.v1.OrderService/CreateOrder"

// wayOfAnOrder is what one trace tells of an order that is paid.
var wayOfAnOrder = []string{
	createOrder,
	createOrder + " > commit orders",
	createOrder + " > place/hold_stock > commit holds",
	createOrder + " > place/authorize > commit payments",
	createOrder + " > place/authorize > gateway authorize > HTTP POST",
	createOrder + " > place/confirm > commit changes",
	createOrder + " > gateway webhook > commit payments",
}

func TestTrace(t *testing.T) {
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "20") // milliseconds until spans are sent
	t.Run("the way of an order is one trace", func(t *testing.T) {
		c := startCollector(t)
		s := servertest.Start(t, c.sampled)
		orderID := buy(t, s, "one")
		untilConfirmed(t, s, orderID)
		ship(t, s, orderID)
		requireWay(t, c)
	})
	t.Run("the way of an order is one trace also after a restart", func(t *testing.T) {
		c, dir := startCollector(t), t.TempDir()
		there := func(cfg *config.Config) { cfg.Data.Dir = dir }
		away := servertest.Start(t, c.sampled, there, func(cfg *config.Config) { cfg.Payments.Simulator.URL = "http://127.0.0.1:1" })
		orderID := buy(t, away, "later")
		away.Stop(t)
		s := servertest.Start(t, c.sampled, there)
		untilConfirmed(t, s, orderID)
		ship(t, s, orderID)
		requireWay(t, c)
	})
	t.Run("a commit is in the trace of one of the calls that it serves, and links to the others", func(t *testing.T) {
		c := startCollector(t)
		s := servertest.Start(t, c.sampled, func(cfg *config.Config) { cfg.Payments.Gateway = config.GatewayNone })
		var clients sync.WaitGroup
		for i := range 64 {
			clients.Go(func() {
				_, err := s.Orders.CreateOrder(t.Context(), buying(fmt.Sprintf("sku-%d", i)))
				assert.NoError(t, err)
			})
		}
		clients.Wait()
		s.Stop(t)
		calls, served := map[string]bool{}, map[string]bool{}
		for _, span := range c.named(createOrder) {
			calls[hex.EncodeToString(span.GetSpanId())] = true
		}
		for _, span := range c.named("commit orders") {
			served[hex.EncodeToString(span.GetParentSpanId())] = true
			for _, link := range span.GetLinks() {
				served[hex.EncodeToString(link.GetSpanId())] = true
			}
		}
		require.Len(t, calls, 64)
		require.Equal(t, calls, served)
		require.Less(t, len(c.named("commit orders")), 64)
	})
	t.Run("what was not sampled leaves no span", func(t *testing.T) {
		c := startCollector(t)
		s := servertest.Start(t, c.sampled, func(cfg *config.Config) { cfg.Telemetry.SampleRatio = 0 })
		untilConfirmed(t, s, buy(t, s, "none"))
		s.Stop(t)
		require.Empty(t, c.spans)
	})
}

// requireWay waits until the trace tells all.
func requireWay(t *testing.T, c *collector) {
	t.Helper()
	placed := c.named(createOrder)
	require.Len(t, placed, 1)
	require.EventuallyWithT(t, func(check *assert.CollectT) {
		paths := c.paths(placed[0].GetTraceId())
		for _, path := range wayOfAnOrder {
			require.Contains(check, paths, path)
		}
	}, 30*time.Second, 100*time.Millisecond)
}
