package telemetry

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// What becomes of a batch of spans.
const (
	exported = "ok"
	lost     = "failed"
)

// observed is an exporter of traces whose failures are counted, and logged when they begin and end. They go no
// further: nobody is served worse for them.
type observed struct {
	sdktrace.SpanExporter
	exports *prometheus.CounterVec
	log     *slog.Logger
	away    atomic.Bool
}

func observe(next sdktrace.SpanExporter, registry prometheus.Registerer, log *slog.Logger) *observed {
	o := &observed{SpanExporter: next, log: log, exports: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: MetricTraceExports,
		Help: "Batches of spans by what became of them: ok, or failed, when they are lost.",
	}, []string{LabelOutcome})}
	registry.MustRegister(o.exports)
	o.exports.WithLabelValues(exported)
	o.exports.WithLabelValues(lost)
	return o
}

// ExportSpans implements sdktrace.SpanExporter.
func (o *observed) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := o.SpanExporter.ExportSpans(ctx, spans)
	if err != nil {
		o.exports.WithLabelValues(lost).Inc()
		if o.away.CompareAndSwap(false, true) {
			o.log.WarnContext(ctx, "the collector takes no traces; they are lost until it does", slog.Any(LogError, err))
		}
		return nil
	}
	o.exports.WithLabelValues(exported).Inc()
	if o.away.CompareAndSwap(true, false) {
		o.log.InfoContext(ctx, "the collector takes traces again")
	}
	return nil
}
