package entstore

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/orderprocessing/orderprocessing/server/store/coalesce"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// caller is what a request that waits for its commit keeps of who made it.
type caller struct{ span trace.Span }

func callerOf(ctx context.Context) caller { return caller{trace.SpanFromContext(ctx)} }

func (c caller) traced() trace.Span { return c.span }

// traced makes a span of each commit that serves a traced call. It goes on with the trace of the
// first one, and links to the others.
func traced[In interface{ traced() trace.Span }, Out any](name string, flush coalesce.Flush[In, Out]) coalesce.Flush[In, Out] {
	return func(ctx context.Context, batch []In) []coalesce.Result[Out] {
		first := -1
		for i, in := range batch {
			if in.traced().SpanContext().IsSampled() {
				first = i
				break
			}
		}
		if first < 0 {
			return flush(ctx, batch)
		}
		return flushTraced(ctx, name, flush, batch, first)
	}
}

func flushTraced[In interface{ traced() trace.Span }, Out any](
	ctx context.Context, name string, flush coalesce.Flush[In, Out], batch []In, first int,
) []coalesce.Result[Out] {
	var links []trace.Link
	for _, in := range batch[first+1:] {
		if other := in.traced().SpanContext(); other.IsSampled() {
			links = append(links, trace.Link{SpanContext: other})
		}
	}
	parent := batch[first].traced()
	ctx, span := parent.TracerProvider().Tracer(telemetry.Scope).Start(trace.ContextWithSpan(ctx, parent), name,
		trace.WithLinks(links...), trace.WithAttributes(attribute.Int(telemetry.AttributeBatch, len(batch))))
	defer span.End()
	return flush(ctx, batch)
}
