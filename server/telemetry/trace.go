package telemetry

import (
	"context"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Scope is the name under which our own spans are made.
const Scope = "github.com/orderprocessing/orderprocessing"

// Span begins a span below the one in ctx. Where that is not recorded it costs nothing and gives ctx.
// End it with EndSpan.
func Span(ctx context.Context, name string) (context.Context, trace.Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, noop.Span{} // not the parent: that is not ours to end
	}
	return parent.TracerProvider().Tracer(Scope).Start(ctx, name)
}

// Resume begins a span that goes on with the trace of a traceparent, which may be days old. Without
// one, or without traces, it costs nothing and gives ctx.
func Resume(ctx context.Context, tracer trace.TracerProvider, traceparent, name string) (context.Context, trace.Span) {
	if tracer == nil || traceparent == "" {
		return ctx, noop.Span{}
	}
	ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{traceparentKey: traceparent})
	return tracer.Tracer(Scope).Start(ctx, name)
}

// EndSpan ends a span, with the error that its work failed with.
func EndSpan(span trace.Span, err error) {
	if err != nil && span.IsRecording() {
		span.RecordError(err)
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

const traceparentKey = "traceparent"

// Traceparent gives a span in the form of W3C trace context, 55 bytes, to go on with its trace
// later; empty when it is not sampled.
func Traceparent(span trace.SpanContext) string {
	if !span.IsSampled() || !span.IsValid() {
		return ""
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(trace.ContextWithSpanContext(context.Background(), span), carrier)
	return carrier[traceparentKey]
}

// Transport makes a span of each request of a traced call, and lets the other side go on with the
// trace; baggage stays here. Requests of other calls pass as they are.
func Transport(next http.RoundTripper) http.RoundTripper {
	return transport{next, otelhttp.NewTransport(next, otelhttp.WithPropagators(propagation.TraceContext{}))}
}

type transport struct{ plain, traced http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if trace.SpanFromContext(r.Context()).IsRecording() {
		return t.traced.RoundTrip(r)
	}
	return t.plain.RoundTrip(r)
}

// CloseIdleConnections implements what http.Client asks for.
func (t transport) CloseIdleConnections() {
	if closer, ok := t.plain.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}
