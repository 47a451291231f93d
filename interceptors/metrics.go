package interceptors

import (
	"context"
	"errors"
	"time"

	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// durationBuckets, in seconds, are fine where a call should be and coarse where it should not.
var durationBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// metrics count calls: rate, errors, duration, by procedure and code. Procedures are those of the
// contract, so there are only so many. A nil *metrics counts nothing.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
	denied   *prometheus.CounterVec
}

func newMetrics(registry prometheus.Registerer) (*metrics, error) {
	if registry == nil {
		return nil, nil //nolint:nilnil // a nil *metrics counts nothing
	}
	labels := []string{telemetry.LabelProcedure, telemetry.LabelCode}
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: telemetry.MetricRPCRequests,
			Help: "Calls that ended, by procedure and code.",
		}, labels),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    telemetry.MetricRPCDuration,
			Help:    "Time from the first byte of a call to its answer, by procedure and code.",
			Buckets: durationBuckets,
		}, labels),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: telemetry.MetricRPCInFlight,
			Help: "Calls that have begun and not ended.",
		}),
		denied: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: telemetry.MetricRPCDenied,
			Help: "Calls refused for who calls, by reason: no credentials, no role, another's object.",
		}, []string{telemetry.LabelReason}),
	}
	return m, errors.Join(registry.Register(m.requests), registry.Register(m.duration), registry.Register(m.inFlight), registry.Register(m.denied))
}

// began counts a call in flight until the given function is called.
func (m *metrics) began() (ended func()) {
	if m == nil {
		return func() {}
	}
	m.inFlight.Inc()
	return m.inFlight.Dec
}

// refused counts a call that was refused for who calls.
func (m *metrics) refused(reason string) {
	if m != nil {
		m.denied.WithLabelValues(reason).Inc()
	}
}

// record counts a call that ended. A sampled trace becomes the exemplar of its duration.
func (m *metrics) record(ctx context.Context, procedure, code string, took time.Duration) {
	if m == nil {
		return
	}
	m.requests.WithLabelValues(procedure, code).Inc()
	duration := m.duration.WithLabelValues(procedure, code)
	if span := trace.SpanContextFromContext(ctx); span.IsSampled() {
		if exemplar, ok := duration.(prometheus.ExemplarObserver); ok {
			exemplar.ObserveWithExemplar(took.Seconds(), prometheus.Labels{telemetry.LogTraceID: span.TraceID().String()})
			return
		}
	}
	duration.Observe(took.Seconds())
}

// codeName is how a code is written in logs and metrics.
func codeName(err error) string {
	if err == nil || connect.IsNotModifiedError(err) {
		return "ok"
	}
	return connect.CodeOf(err).String()
}
