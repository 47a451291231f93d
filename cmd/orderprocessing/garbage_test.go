package main

import (
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPercentOf(t *testing.T) {
	const mib = 1 << 20
	for name, c := range map[string]struct {
		since                 time.Duration
		live, stacks, scanned uint64
		want                  int
	}{
		"a process that rests is as usual":                  {time.Minute, 8 * mib, mib, 10 * mib, 100},
		"a busy one with little alive may fill its room":    {100 * time.Millisecond, 22 * mib, 16 * mib, 30 * mib, 113},
		"by twice as much as usual, at most":                {100 * time.Millisecond, 8 * mib, 2 * mib, 10 * mib, 200},
		"stacks take of the room, and are looked through":   {100 * time.Millisecond, 24 * mib, 24 * mib, 40 * mib, 60},
		"there is room for half of what is alive":           {100 * time.Millisecond, 30 * mib, 32 * mib, 42 * mib, 50},
		"even when stacks took all":                         {100 * time.Millisecond, 40 * mib, 40 * mib, 60 * mib, 50},
		"with more alive than there is room it is as usual": {100 * time.Millisecond, 100 * mib, 20 * mib, 120 * mib, 100},
		"nothing was collected yet":                         {0, 0, 0, 0, 100},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, percentOf(c.since, c.live, c.stacks, c.scanned)) })
	}
}

func TestCollector(t *testing.T) {
	c := newCollector()
	require.Greater(t, c.collected(c.last.Add(time.Millisecond)), usualPercent, "a test has little alive")
	require.Equal(t, usualPercent, c.collected(c.last.Add(time.Hour)))
}

func TestCollectRarely(t *testing.T) {
	t.Setenv("GOGC", "") // who sets it has decided
	collectRarely()
	require.Eventually(t, func() bool {
		runtime.GC()
		seen := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(seen)
		return seen[0].Value.Uint64() > usualPercent
	}, time.Minute, time.Millisecond)
}
