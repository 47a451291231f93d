package telemetry

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// tracing gives a tracer that samples all or nothing, and what it recorded.
func tracing(sampler sdktrace.Sampler) (*sdktrace.TracerProvider, *tracetest.SpanRecorder) {
	recorder := tracetest.NewSpanRecorder()
	return sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder), sdktrace.WithSampler(sdktrace.ParentBased(sampler))), recorder
}

func TestSpan(t *testing.T) {
	t.Run("a span stands below the one of its context, and tells an error", func(t *testing.T) {
		tracer, recorder := tracing(sdktrace.AlwaysSample())
		ctx, parent := tracer.Tracer("test").Start(t.Context(), "parent")
		_, span := Span(ctx, "child")
		EndSpan(span, errors.New("in vain"))
		require.Len(t, recorder.Ended(), 1)
		child := recorder.Ended()[0]
		require.Equal(t, parent.SpanContext().SpanID(), child.Parent().SpanID())
		require.Equal(t, codes.Error, child.Status().Code)
		parent.End()
	})
	t.Run("a trace goes on from its traceparent, whatever the share of new ones", func(t *testing.T) {
		first, _ := tracing(sdktrace.AlwaysSample())
		_, begun := first.Tracer("test").Start(t.Context(), "begun")
		kept := Traceparent(begun.SpanContext())
		require.Len(t, kept, 55)
		second, recorder := tracing(sdktrace.NeverSample())
		_, span := Resume(t.Context(), second, kept, "later")
		EndSpan(span, nil)
		require.Len(t, recorder.Ended(), 1)
		require.Equal(t, begun.SpanContext().TraceID(), recorder.Ended()[0].SpanContext().TraceID())
		begun.End()
	})
	t.Run("what is not traced costs no allocation", func(t *testing.T) {
		tracer, _ := tracing(sdktrace.NeverSample())
		unsampled, parent := tracer.Tracer("test").Start(t.Context(), "parent")
		defer parent.End()
		for name, ctx := range map[string]context.Context{"off": t.Context(), "not sampled": unsampled} {
			require.Zero(t, testing.AllocsPerRun(100, func() {
				_, span := Span(ctx, "child")
				EndSpan(span, nil)
				_, span = Resume(ctx, tracer, Traceparent(parent.SpanContext()), "later")
				EndSpan(span, nil)
			}), name)
		}
	})
}

func TestTransport(t *testing.T) {
	var got http.Header
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
	defer server.Close()
	client := &http.Client{Transport: Transport(new(http.Transport))}
	defer client.CloseIdleConnections()
	call := func(ctx context.Context) {
		t.Helper()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
		require.NoError(t, err)
		response, err := client.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
	}
	t.Run("the other side is told of a traced call's span", func(t *testing.T) {
		tracer, recorder := tracing(sdktrace.AlwaysSample())
		ctx, parent := tracer.Tracer("test").Start(t.Context(), "parent")
		call(ctx)
		parent.End()
		require.Equal(t, Traceparent(recorder.Ended()[0].SpanContext()), got.Get("traceparent"))
		require.Equal(t, "HTTP GET", recorder.Ended()[0].Name())
	})
	t.Run("and of no other", func(t *testing.T) {
		call(t.Context())
		require.Empty(t, got.Get("traceparent"))
	})
}

func BenchmarkSpan(b *testing.B) {
	tracer, _ := tracing(sdktrace.NeverSample())
	unsampled, parent := tracer.Tracer("test").Start(b.Context(), "parent")
	defer parent.End()
	b.ReportAllocs()
	for b.Loop() {
		_, span := Span(unsampled, "child")
		EndSpan(span, nil)
	}
}
