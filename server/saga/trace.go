package saga

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// Trace begins a span of a turn that goes on with the trace the saga follows from, however long ago
// that was. Without one, or with a nil tracer, it costs nothing. End it with EndTrace.
func Trace(ctx context.Context, tracer trace.TracerProvider, turn Turn) (context.Context, trace.Span) {
	if tracer == nil || turn.Call.Trace == "" {
		return ctx, noop.Span{}
	}
	ctx, span := telemetry.Resume(ctx, tracer, turn.Call.Trace, turn.Call.Saga+"/"+turn.Call.Step)
	if span.IsRecording() {
		span.SetAttributes(
			attribute.String(telemetry.AttributeSaga, turn.Call.Key), attribute.Int(telemetry.AttributeAttempt, turn.Call.Attempt))
	}
	return ctx, span
}

// EndTrace ends the span of a turn with what became of it.
func EndTrace(span trace.Span, result Result, err error) {
	if span.IsRecording() {
		span.SetAttributes(
			attribute.String(telemetry.AttributeOutcome, result.Outcome.String()), attribute.String(telemetry.AttributeReason, result.Reason))
	}
	telemetry.EndSpan(span, err)
}
