package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Batches measures what shares a commit. Make it with NewBatches.
type Batches struct{ sizes, waits *prometheus.HistogramVec }

// NewBatches registers the metrics of batches.
func NewBatches(registry prometheus.Registerer) *Batches {
	b := &Batches{
		sizes: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: MetricBatchSize, Help: "How many requests shared a commit.",
			Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128},
		}, []string{LabelWritten}),
		waits: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: MetricBatchWait, Help: "How long the first request of a batch waited for the batch before.",
			Buckets: []float64{.0001, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
		}, []string{LabelWritten}),
	}
	registry.MustRegister(b.sizes, b.waits)
	return b
}

// Of gives what feeds the metrics for one kind of what is written.
func (b *Batches) Of(written string) func(size int, waited time.Duration) {
	size, wait := b.sizes.WithLabelValues(written), b.waits.WithLabelValues(written)
	return func(n int, waited time.Duration) {
		size.Observe(float64(n))
		wait.Observe(waited.Seconds())
	}
}
