package telemetry

import "github.com/prometheus/client_golang/prometheus"

// JobRuns registers the metric of what the periodic jobs do, and gives what feeds it.
func JobRuns(registry prometheus.Registerer) func(job string, err error) {
	runs := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: MetricJobRuns, Help: "Runs of periodic jobs, by how they ended: ok or failed.",
	}, []string{LabelJob, LabelOutcome})
	registry.MustRegister(runs)
	return func(job string, err error) {
		outcome := "ok"
		if err != nil {
			outcome = "failed"
		}
		runs.WithLabelValues(job, outcome).Inc()
	}
}
