package interceptors

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"connectrpc.com/connect"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

func countLines(text, part string) int {
	n := 0
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			n++
		}
	}
	return n
}

// requests reads the counter of calls.
func requests(tb testing.TB, registry *prometheus.Registry, procedure, code string) float64 {
	tb.Helper()
	families, err := registry.Gather()
	require.NoError(tb, err)
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			labels := map[string]string{}
			for _, label := range metric.GetLabel() {
				labels[label.GetName()] = label.GetValue()
			}
			if family.GetName() == telemetry.MetricRPCRequests && labels[telemetry.LabelProcedure] == procedure && labels[telemetry.LabelCode] == code {
				return metric.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func TestObserve(t *testing.T) {
	e := serve(t, &orders{}, nil)
	for _, client := range e.clients() {
		_, err := client.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: orderID})
		require.NoError(t, err)
		_, err = client.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: "x"})
		require.Error(t, err)
	}
	calls := len(e.clients())
	t.Run("every call is one log line, with code and reason", func(t *testing.T) {
		require.Equal(t, calls, countLines(e.logs.String(), `"code":"ok"`))
		require.Equal(t, calls, countLines(e.logs.String(), `"reason":"INVALID_REQUEST"`))
	})
	t.Run("bodies are not logged", func(t *testing.T) {
		require.NotContains(t, e.logs.String(), orderID)
		require.NotContains(t, e.logs.String(), "as stored")
	})
	t.Run("every call is counted by its code", func(t *testing.T) {
		require.InDelta(t, calls, requests(t, e.registry, "/orders.v1.OrderService/GetOrder", "ok"), 0)
		require.InDelta(t, calls, requests(t, e.registry, "/orders.v1.OrderService/GetOrder", "invalid_argument"), 0)
		require.Zero(t, requests(t, e.registry, "/orders.v1.OrderService/GetOrder", "internal"))
	})
}

func TestTrace(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans), sdktrace.WithSampler(sdktrace.AlwaysSample()))
	trusting := func(trust bool) func(*Options) {
		return func(o *Options) {
			o.Tracer, o.Propagator, o.TrustRemote = provider, propagation.TraceContext{}, trust
		}
	}
	const theirs = "4bf92f3577b34da6a3ce929d0e0e4736"
	call := func(t *testing.T, trust bool) sdktrace.ReadOnlySpan {
		t.Helper()
		spans.Reset()
		e := serve(t, &orders{}, trusting(trust))
		client := ordersv1connect.NewOrderServiceClient(e.http2, e.url, connect.WithGRPC())
		ctx, info := connect.NewClientContext(t.Context())
		info.RequestHeader().Set("Traceparent", "00-"+theirs+"-00f067aa0ba902b7-01")
		_, err := client.GetOrder(ctx, &ordersv1.GetOrderRequest{OrderId: orderID})
		require.NoError(t, err)
		require.Len(t, spans.Ended(), 1)
		return spans.Ended()[0]
	}
	t.Run("a caller's trace is linked to, not continued", func(t *testing.T) {
		span := call(t, false)
		require.NotEqual(t, theirs, span.SpanContext().TraceID().String())
		require.Equal(t, theirs, span.Links()[0].SpanContext.TraceID().String())
	})
	t.Run("a span names the caller", func(t *testing.T) {
		require.Contains(t, call(t, false).Attributes(), attribute.String(telemetry.AttributeCaller, "usr_staff"))
	})
	t.Run("a trusted caller's trace is continued", func(t *testing.T) {
		require.Equal(t, theirs, call(t, true).SpanContext().TraceID().String())
	})
}
