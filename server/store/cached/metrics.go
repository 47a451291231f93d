package cached

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/orderprocessing/orderprocessing/server/cache/memory"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

const (
	labelMemory = "memory"
	labelShared = "shared"
	labelStore  = "store"
)

// metrics of the copies. Without a registry they count for nobody.
type metrics struct {
	read, written *prometheus.CounterVec
}

// outcomes of one layer: done, not done, and failed.
type outcomes struct{ done, not, failed prometheus.Counter }

func newMetrics(registry prometheus.Registerer, kept *memory.Cache, o *owed) *metrics {
	labels := []string{telemetry.LabelLayer, telemetry.LabelOutcome}
	m := &metrics{
		read: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: telemetry.MetricCacheReads, Help: "Reads of copies by layer: hit, miss, or error.",
		}, labels),
		written: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: telemetry.MetricCacheWrites,
			Help: "What was loaded or changed, by layer: stored, refused as it may be older than what changed meanwhile, or error.",
		}, labels),
	}
	if registry == nil {
		return m
	}
	registry.MustRegister(m.read, m.written, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: telemetry.MetricCacheOwed, Help: "Changes that the shared cache has not been told of yet.",
	}, func() float64 { return float64(o.len()) }))
	if kept != nil {
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: telemetry.MetricCacheBytes, Help: "Bytes that the copies in this process take.",
		}, func() float64 { return float64(kept.Bytes()) }))
	}
	return m
}

func (m *metrics) reads(layer string) outcomes {
	return outcomes{
		m.read.WithLabelValues(layer, "hit"), m.read.WithLabelValues(layer, "miss"), m.read.WithLabelValues(layer, "error"),
	}
}

func (m *metrics) writes(layer string) outcomes {
	return outcomes{
		m.written.WithLabelValues(layer, "stored"), m.written.WithLabelValues(layer, "refused"), m.written.WithLabelValues(layer, "error"),
	}
}

func (o outcomes) count(done bool, err error) {
	switch {
	case err != nil:
		o.failed.Inc()
	case done:
		o.done.Inc()
	default:
		o.not.Inc()
	}
}
