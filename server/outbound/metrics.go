package outbound

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sony/gobreaker/v2"

	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// labelKeptBack is the outcome of a try that the breaker did not let through.
const labelKeptBack = "kept_back"

// metrics counts the calls to one dependency. Without a registry it counts for nobody.
type metrics struct {
	breaker  prometheus.Gauge
	duration *prometheus.HistogramVec
	retries  prometheus.Counter
}

func newMetrics(name string, registry prometheus.Registerer) *metrics {
	labels := prometheus.Labels{telemetry.LabelDependency: name}
	m := &metrics{
		breaker: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: telemetry.MetricBreakerState, ConstLabels: labels,
			Help: "The state of a dependency's circuit breaker: 0 closed, 1 half open, 2 open.",
		}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: telemetry.MetricOutboundDuration, ConstLabels: labels,
			Help:    "How long tries to call a dependency took, in seconds, by outcome; the ones kept back took none.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{telemetry.LabelOutcome}),
		retries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: telemetry.MetricOutboundRetries, ConstLabels: labels,
			Help: "How many tries to call a dependency were made again.",
		}),
	}
	if registry != nil {
		registry.MustRegister(m.breaker, m.duration, m.retries)
	}
	return m
}

func (m *metrics) tried(outcome string, took time.Duration) {
	m.duration.WithLabelValues(outcome).Observe(took.Seconds())
}

func (m *metrics) retried() { m.retries.Inc() }

func (m *metrics) state(s gobreaker.State) { m.breaker.Set(float64(s)) } // its numbers are 0 closed, 1 half open, 2 open
