package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Sagas measures durable processes; it is their engines' Observer. Make it with NewSagas.
type Sagas struct {
	standing *prometheus.GaugeVec
	oldest   *prometheus.GaugeVec
	age      *prometheus.HistogramVec
	retries  *prometheus.CounterVec
}

// NewSagas registers the metrics of sagas.
func NewSagas(registry prometheus.Registerer) *Sagas {
	s := &Sagas{
		standing: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: MetricSagas, Help: "Unfinished sagas. Any that is stuck needs somebody to look at it.",
		}, []string{LabelSaga, LabelState}),
		oldest: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: MetricSagaOldest, Help: "The age of the oldest unfinished saga.",
		}, []string{LabelSaga, LabelState}),
		age: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: MetricSagaAge, Help: "How long a saga took from its start to its end.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60, 600, 3600, 86400},
		}, []string{LabelSaga, LabelState}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: MetricStepRetries, Help: "Attempts at a step that were in vain.",
		}, []string{LabelSaga, LabelStep}),
	}
	registry.MustRegister(s.standing, s.oldest, s.age, s.retries)
	return s
}

// StepRetried counts an attempt that was in vain.
func (s *Sagas) StepRetried(saga, step string) { s.retries.WithLabelValues(saga, step).Inc() }

// SagaFinished records how long a saga took.
func (s *Sagas) SagaFinished(saga, state string, age time.Duration) {
	s.age.WithLabelValues(saga, state).Observe(age.Seconds())
}

// SagasStanding records how many sagas are in an unfinished state.
func (s *Sagas) SagasStanding(saga, state string, count int, oldest time.Duration) {
	s.standing.WithLabelValues(saga, state).Set(float64(count))
	s.oldest.WithLabelValues(saga, state).Set(oldest.Seconds())
}
