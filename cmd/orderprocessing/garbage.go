package main

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// room is what the heap and the stacks of a busy process may come to before garbage is collected, be little alive.
	room = 72 << 20
	// busyCycle is how soon one collection follows another in a busy process.
	busyCycle = time.Second
	// usualPercent is how much garbage there may be otherwise, in relation to what is alive: Go's own default.
	usualPercent = 100
	// leastPercent bounds how often a busy process collects because that room is nearly full of what is alive.
	leastPercent = 50
	// mostPercent bounds by how much a heap overshoots when more is alive all at once.
	mostPercent = 200
)

// collector decides after each collection of garbage when the next one comes.
type collector struct {
	last time.Time
	seen []metrics.Sample // what is alive, what is looked through for it beside the heap, and what stacks take
}

// collectRarely lets a busy process with little alive collect its garbage less often than Go does, which goes by what is
// alive alone. docs/adr/0036 has what that gains. Whoever sets GOGC has decided.
func collectRarely() {
	if os.Getenv("GOGC") == "" {
		newCollector().await()
	}
}

func newCollector() *collector {
	return &collector{last: time.Now(), seen: []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"},
		{Name: "/memory/classes/heap/stacks:bytes"},
	}}
}

// await waits for the end of the next collection, of which an object tells that dies in it.
func (c *collector) await() {
	runtime.AddCleanup(new(*collector), func(c *collector) {
		debug.SetGCPercent(c.collected(time.Now()))
		c.await()
	}, c)
}

// collected gives the GOGC for the next one.
func (c *collector) collected(now time.Time) int {
	metrics.Read(c.seen)
	live, stacks := c.seen[0].Value.Uint64(), c.seen[3].Value.Uint64()
	scanned := live + c.seen[1].Value.Uint64() + c.seen[2].Value.Uint64()
	since := now.Sub(c.last)
	c.last = now
	return percentOf(since, live, stacks, scanned)
}

// percentOf gives the GOGC for a heap of which so much is alive beside so much for stacks, and so much was looked through,
// when the last collection is so long ago.
func percentOf(since time.Duration, live, stacks, scanned uint64) int {
	if since > busyCycle || live >= room || scanned == 0 {
		return usualPercent
	}
	left := float64(room) - float64(live+stacks)
	return min(max(leastPercent, int(math.Round(100*left/float64(scanned)))), mostPercent)
}
