package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Orders counts what becomes of orders. Make it with NewOrders.
type Orders struct {
	events  *prometheus.CounterVec
	decided *prometheus.HistogramVec
}

// decisionBuckets, in seconds, have a bound at the objective of 5 s and reach far past it.
var decisionBuckets = []float64{.025, .05, .1, .25, .5, 1, 2, 3, 4, 5, 7.5, 10, 15, 20, 30, 45, 60}

// NewOrders registers the metrics of orders.
func NewOrders(registry prometheus.Registerer) *Orders {
	o := &Orders{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: MetricOrders, Help: "What happened to orders, by event and shard, counted when it was stored.",
		}, []string{LabelEvent, LabelShard}),
		decided: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    MetricOrderDecision,
			Help:    "How long placed orders were with us until they were confirmed, rejected, or had to wait for somebody else.",
			Buckets: decisionBuckets,
		}, []string{LabelOutcome}),
	}
	registry.MustRegister(o.events, o.decided)
	for _, outcome := range []string{"confirmed", "rejected"} { // so that rates begin at 0
		o.decided.WithLabelValues(outcome)
	}
	return o
}

// Happened counts an event of an order of a shard.
func (o *Orders) Happened(event, shard string) { o.events.WithLabelValues(event, shard).Inc() }

// Decided records how long an order was with us.
func (o *Orders) Decided(outcome string, took time.Duration) {
	o.decided.WithLabelValues(outcome).Observe(took.Seconds())
}

// Stock registers the metrics of what is held, and gives what feeds them.
func Stock(registry prometheus.Registerer) func(held, oversold int64) {
	h := prometheus.NewGauge(prometheus.GaugeOpts{Name: MetricStockHeld, Help: "Units of stock that orders hold."})
	o := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: MetricStockOversold, Help: "Units promised beyond what is on hand and may be backordered. Anything but 0 is a broken promise.",
	})
	registry.MustRegister(h, o)
	return func(held, oversold int64) {
		h.Set(float64(held))
		o.Set(float64(oversold))
	}
}

// Integrity registers the metrics of the last check of everything that is stored, and gives what feeds them.
func Integrity(registry prometheus.Registerer) func(violations, ledger int64) {
	v := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: MetricViolations, Help: "Broken promises that the last integrity check of this process found.",
	})
	l := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: MetricLedgerDifferences, Help: "Of these, payments of which the gateway's ledger says other than ours.",
	})
	at := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: MetricVerified, Help: "When the last integrity check of this process ended, in Unix seconds; 0 for never.",
	})
	registry.MustRegister(v, l, at)
	return func(violations, ledger int64) {
		v.Set(float64(violations))
		l.Set(float64(ledger))
		at.SetToCurrentTime()
	}
}
