package telemetry

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

func TestSagas(t *testing.T) {
	t.Run("what is told is shown", func(t *testing.T) {
		registry := prometheus.NewPedanticRegistry()
		sagas := NewSagas(registry)
		sagas.StepRetried("place", "authorize")
		sagas.SagaFinished("place", "done", time.Second)
		sagas.SagasStanding("place", "stuck", 2, time.Minute)
		families, err := registry.Gather()
		require.NoError(t, err)
		values := map[string]float64{}
		for _, family := range families {
			m := family.GetMetric()[0]
			values[family.GetName()] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + m.GetHistogram().GetSampleSum()
		}
		require.Equal(t, map[string]float64{MetricSagas: 2, MetricSagaOldest: 60, MetricSagaAge: 1, MetricStepRetries: 1}, values)
	})
}
