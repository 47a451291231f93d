package telemetry

import "github.com/prometheus/client_golang/prometheus"

// BatchSizes registers the metric of how many new orders share a commit, and gives what feeds it.
func BatchSizes(registry prometheus.Registerer) func(size int) {
	sizes := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    MetricBatchSize,
		Help:    "How many new orders shared a commit.",
		Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128},
	})
	registry.MustRegister(sizes)
	return func(size int) { sizes.Observe(float64(size)) }
}
