package telemetry

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

func TestBatches(t *testing.T) {
	t.Run("size and wait are told apart by what is written", func(t *testing.T) {
		registry := prometheus.NewPedanticRegistry()
		b := NewBatches(registry)
		b.Of("creates")(3, time.Second)
		b.Of("creates")(5, time.Second)
		b.Of("holds")(1, 0)
		families, err := registry.Gather()
		require.NoError(t, err)
		sums := map[string]float64{}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				sums[f.GetName()+" "+m.GetLabel()[0].GetValue()] = m.GetHistogram().GetSampleSum()
			}
		}
		require.Equal(t, map[string]float64{
			MetricBatchSize + " creates": 8, MetricBatchSize + " holds": 1,
			MetricBatchWait + " creates": 2, MetricBatchWait + " holds": 0,
		}, sums)
	})
}
