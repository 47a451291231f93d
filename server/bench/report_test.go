package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReport(t *testing.T) {
	var r report
	r.add(
		row{Row: "fast enough", Value: 90, Unit: "orders/s"}.to("floor", 100).atLeast(.9),
		row{Row: "too slow", Value: 89, Unit: "orders/s"}.to("floor", 100).atLeast(.9),
		row{Row: "too much", Value: 151, Unit: "MiB"}.atMost(150),
		row{Row: "without a target", Value: 1, Unit: "ms"}.atMost(0),
		row{Row: "stored", Value: 5, Unit: "orders"}.to("acknowledged", 5).exactly(1),
	)
	var printed strings.Builder
	require.NoError(t, r.print(&printed))
	for name, want := range map[string]string{
		"fast enough": "≥ 0.90 yes", "too slow": "≥ 0.90 NO", "too much": "≤ 150 MiB NO", "without a target": "ms", "stored": "= 1 yes",
	} {
		for line := range strings.Lines(printed.String()) {
			if strings.HasPrefix(line, name) {
				require.True(t, strings.HasSuffix(strings.Join(strings.Fields(line), " "), want), line)
			}
		}
	}
	require.Empty(t, r.wrong(), "slow is not wrong")
	r.add(row{Row: "lost", Value: 4, Unit: "orders"}.to("acknowledged", 5).exactly(1))
	require.Equal(t, []string{"lost"}, r.wrong())
}
