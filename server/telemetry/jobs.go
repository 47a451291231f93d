package telemetry

import "github.com/prometheus/client_golang/prometheus"

// JobRuns registers the metric of what the periodic jobs do, and gives what feeds it. The named ones
// are there from the beginning, at 0, so that the first failure shows in a rate.
func JobRuns(registry prometheus.Registerer, jobs ...string) func(job string, err error) {
	runs := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: MetricJobRuns, Help: "Runs of periodic jobs, by how they ended: ok or failed.",
	}, []string{LabelJob, LabelOutcome})
	registry.MustRegister(runs)
	const ok, failed = "ok", "failed"
	for _, job := range jobs {
		runs.WithLabelValues(job, ok)
		runs.WithLabelValues(job, failed)
	}
	return func(job string, err error) {
		outcome := ok
		if err != nil {
			outcome = failed
		}
		runs.WithLabelValues(job, outcome).Inc()
	}
}
