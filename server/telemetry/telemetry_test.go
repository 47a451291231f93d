package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestNewLogger(t *testing.T) {
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	ctx := trace.ContextWithSpanContext(t.Context(), span)
	t.Run("a record tells the trace it was made in, also from a derived logger", func(t *testing.T) {
		var out bytes.Buffer
		logger, _, err := NewLogger(&out, "info", "json")
		require.NoError(t, err)
		logger.With("a", 1).InfoContext(ctx, "hello")
		var record map[string]any
		require.NoError(t, json.Unmarshal(out.Bytes(), &record))
		require.Equal(t, span.TraceID().String(), record[LogTraceID])
		require.Equal(t, span.SpanID().String(), record[LogSpanID])
	})
	t.Run("a record without a trace tells none", func(t *testing.T) {
		var out bytes.Buffer
		logger, _, err := NewLogger(&out, "warn", "text")
		require.NoError(t, err)
		logger.InfoContext(t.Context(), "not logged")
		require.Empty(t, out.String())
		logger.WarnContext(t.Context(), "logged")
		require.NotContains(t, out.String(), LogTraceID)
	})
	t.Run("an unknown level or format is an error", func(t *testing.T) {
		_, _, err := NewLogger(nil, "loud", "json")
		require.Error(t, err)
		_, _, err = NewLogger(nil, "info", "xml")
		require.Error(t, err)
	})
}

// collector is an OpenTelemetry collector that keeps the names of the spans it was sent.
type collector struct {
	coltrace.UnimplementedTraceServiceServer
	names chan string
}

func (c *collector) Export(_ context.Context, req *coltrace.ExportTraceServiceRequest) (*coltrace.ExportTraceServiceResponse, error) {
	for _, resource := range req.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				c.names <- span.GetName()
			}
		}
	}
	return &coltrace.ExportTraceServiceResponse{}, nil
}

func TestSetup(t *testing.T) {
	t.Run("without an endpoint there are no traces, and metrics all the same", func(t *testing.T) {
		got, err := Setup(t.Context(), Options{Version: "v1"})
		require.NoError(t, err)
		require.Nil(t, got.Tracer)
		families, err := got.Registry.Gather()
		require.NoError(t, err)
		require.NotEmpty(t, families)
		require.NoError(t, got.Stop(t.Context()))
	})
	t.Run("spans arrive at the collector when the process stops, at the latest", func(t *testing.T) {
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		server, kept := grpc.NewServer(), &collector{names: make(chan string, 1)}
		coltrace.RegisterTraceServiceServer(server, kept)
		go server.Serve(listener) //nolint:errcheck // ends with Stop
		defer server.Stop()

		got, err := Setup(t.Context(), Options{Version: "v1", OTLPEndpoint: "http://" + listener.Addr().String(), SampleRatio: 1})
		require.NoError(t, err)
		_, span := got.Tracer.Tracer("test").Start(t.Context(), "a call")
		span.End()
		require.NoError(t, got.Stop(t.Context()))
		require.Equal(t, "a call", <-kept.names)
	})
	t.Run("nothing is kept at a ratio of 0", func(t *testing.T) {
		got, err := Setup(t.Context(), Options{OTLPEndpoint: "http://127.0.0.1:1"})
		require.NoError(t, err)
		_, span := got.Tracer.Tracer("test").Start(t.Context(), "a call")
		require.False(t, span.SpanContext().IsSampled())
		span.End()
		require.NoError(t, got.Stop(t.Context()))
	})
}

func TestObserve(t *testing.T) {
	var said bytes.Buffer
	log, _, err := NewLogger(&said, "info", "json")
	require.NoError(t, err)
	away, registry := &absent{}, prometheus.NewPedanticRegistry()
	o := observe(away, registry, log)
	for _, away.err = range []error{nil, errors.New("nobody listens"), errors.New("nobody listens"), nil, nil} {
		require.NoError(t, o.ExportSpans(t.Context(), nil), "nobody else has to know")
	}
	families, err := registry.Gather()
	require.NoError(t, err)
	counts := map[string]float64{}
	for _, m := range families[0].GetMetric() {
		counts[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
	}
	require.Equal(t, map[string]float64{"ok": 3, "failed": 2}, counts)
	require.Equal(t, 2, strings.Count(said.String(), "\n"), "one line when it goes, one when it is back: %s", &said)
	require.Contains(t, said.String(), "nobody listens")
}

// absent is an exporter that fails as it is told.
type absent struct {
	sdktrace.SpanExporter
	err error
}

func (a *absent) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return a.err }
