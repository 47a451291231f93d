package telemetry

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const serviceName = "orderprocessing"

// Options say how a process is observed.
type Options struct {
	Version      string  // of the binary
	OTLPEndpoint string  // http://host:port or https://host:port of a collector; empty for no traces
	SampleRatio  float64 // share of root spans that are kept, 0 to 1
	Logger       *slog.Logger
}

// Telemetry is what the rooms record with. Nothing of it is global.
type Telemetry struct {
	Registry   *prometheus.Registry          // of this process alone, never nil
	Tracer     trace.TracerProvider          // nil when traces are off
	Propagator propagation.TextMapPropagator // W3C trace context and baggage

	stop func(context.Context) error
}

// Setup starts what the options ask for. A collector that is not there delays nothing: spans wait for
// it in a bounded queue and are dropped when that is full, which is counted and logged.
func Setup(ctx context.Context, o Options) (*Telemetry, error) {
	t := &Telemetry{
		Registry:   newRegistry(o.Version),
		Propagator: propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}),
		stop:       func(context.Context) error { return nil },
	}
	if o.OTLPEndpoint == "" {
		return t, nil
	}
	exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpointURL(o.OTLPEndpoint))
	if err != nil {
		return nil, fmt.Errorf("start the exporter of traces: %w", err)
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(observe(exporter, t.Registry, o.Logger)),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(o.SampleRatio))),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", serviceName),
			attribute.String("service.version", o.Version),
		)),
	)
	t.Tracer, t.stop = provider, provider.Shutdown
	return t, nil
}

// Stop sends what is still queued. Call it last.
func (t *Telemetry) Stop(ctx context.Context) error { return t.stop(ctx) }

func newRegistry(version string) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        MetricBuild,
		Help:        "1, with the version of the binary as a label.",
		ConstLabels: prometheus.Labels{LabelVersion: version},
	})
	build.Set(1)
	registry.MustRegister(
		build,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return registry
}
