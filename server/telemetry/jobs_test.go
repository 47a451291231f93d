package telemetry

import (
	"errors"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

func TestJobRuns(t *testing.T) {
	t.Run("runs are counted by job and by how they ended", func(t *testing.T) {
		registry := prometheus.NewPedanticRegistry()
		count := JobRuns(registry)
		count("forget", nil)
		count("forget", nil)
		count("forget", errors.New("gone"))
		families, err := registry.Gather()
		require.NoError(t, err)
		require.Len(t, families, 1)
		require.Equal(t, MetricJobRuns, families[0].GetName())
		values := map[string]float64{}
		for _, m := range families[0].GetMetric() {
			values[m.GetLabel()[0].GetValue()+" "+m.GetLabel()[1].GetValue()] = m.GetCounter().GetValue()
		}
		require.Equal(t, map[string]float64{"forget ok": 2, "forget failed": 1}, values)
	})
}
