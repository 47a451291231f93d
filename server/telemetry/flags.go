package telemetry

import "github.com/prometheus/client_golang/prometheus"

// FlagEvaluations registers the metric of what flags were found to be, and gives the counter of a
// variant, which is there from then on.
func FlagEvaluations(registry prometheus.Registerer) func(flag, variant string) prometheus.Counter {
	evaluations := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: MetricFlagEvaluations, Help: "How often a feature flag was asked for, by the variant that it was found to be.",
	}, []string{LabelFlag, LabelVariant})
	registry.MustRegister(evaluations)
	return func(flag, variant string) prometheus.Counter { return evaluations.WithLabelValues(flag, variant) }
}

// FlagsAge registers the metric of how old what is known of the flags is.
func FlagsAge(registry prometheus.Registerer, seconds func() float64) {
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: MetricFlagsAge, Help: "How long ago the settings of the feature flags were last read or found unchanged. Ordinarily below 2.",
	}, seconds))
}
