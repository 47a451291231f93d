package replica

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// Where a read that a standby might have served went.
const (
	readReplica = "replica"
	readPrimary = "primary" // no standby was fresh enough
	readFailed  = "failed"  // a standby did not answer; the shard was asked instead
)

type metrics struct {
	serving, lagBytes, lagSeconds *prometheus.GaugeVec
	reads                         *prometheus.CounterVec
}

func newMetrics(registry prometheus.Registerer) metrics {
	labels := []string{telemetry.LabelReplica}
	m := metrics{
		serving: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: telemetry.MetricReplicaServing, Help: "Whether the replica answers and follows its shard.",
		}, labels),
		lagBytes: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: telemetry.MetricReplicaLagBytes, Help: "How much of its shard's log the replica has not replayed.",
		}, labels),
		lagSeconds: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: telemetry.MetricReplicaLagSeconds, Help: "How old what the replica sees is.",
		}, labels),
		reads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: telemetry.MetricReplicaReads, Help: "Reads that a replica might have served, by where they went.",
		}, []string{telemetry.LabelOutcome}),
	}
	registry.MustRegister(m.serving, m.lagBytes, m.lagSeconds, m.reads)
	return m
}

// tell shows how a standby was found; nil when it was left. What is not known shows no lag.
func (m metrics) tell(one *member, found *state) {
	label := strconv.Itoa(one.place)
	if found == nil {
		m.serving.WithLabelValues(label).Set(0)
		m.lagBytes.DeleteLabelValues(label)
		m.lagSeconds.DeleteLabelValues(label)
		return
	}
	m.serving.WithLabelValues(label).Set(1)
	m.lagBytes.WithLabelValues(label).Set(float64(found.lagBytes))
	m.lagSeconds.WithLabelValues(label).Set(found.age.Seconds())
}
