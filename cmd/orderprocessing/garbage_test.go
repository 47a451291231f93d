package main

import (
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPercentOf(t *testing.T) {
	const mib = 1 << 20
	for name, c := range map[string]struct {
		since         time.Duration
		live, scanned uint64
		want          int
	}{
		"a process that rests is as usual":                       {time.Minute, 8 * mib, 10 * mib, 100},
		"a busy one with little alive may fill its room":         {100 * time.Millisecond, 22 * mib, 30 * mib, 113},
		"by twice as much as usual, at most":                     {100 * time.Millisecond, 8 * mib, 10 * mib, 200},
		"stacks are looked through too, but are not in the heap": {100 * time.Millisecond, 24 * mib, 40 * mib, 100},
		"with much alive it is as usual":                         {100 * time.Millisecond, 100 * mib, 120 * mib, 100},
		"nothing was collected yet":                              {0, 0, 0, 100},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, percentOf(c.since, c.live, c.scanned)) })
	}
}

func TestCollector(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(usualPercent))
	percent := func() uint64 {
		seen := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(seen)
		return seen[0].Value.Uint64()
	}
	c := newCollector()
	c.collected(c.last.Add(time.Millisecond))
	require.Greater(t, percent(), uint64(usualPercent), "a test has little alive")
	c.collected(c.last.Add(time.Hour))
	require.EqualValues(t, usualPercent, percent())
}
