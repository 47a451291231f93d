package main

import (
	"runtime"
	"runtime/debug"
	"time"
)

// The settings of the Go runtime for a server. docs/performance.md tells what they are worth.
const (
	// gcPercent lets the heap grow to two and a half times what is in use: a server keeps little and makes
	// much. Under full load that is about 150 MiB.
	gcPercent = 150
	// What waits for locks and for others is sampled, for /debug/pprof/mutex and /debug/pprof/block.
	mutexSamples = 100                   // one contention in so many
	blockSamples = 10 * time.Millisecond // one for so much waiting
)

// tuneRuntime sets them. GOGC and GOMEMLIMIT have the last word.
func tuneRuntime() {
	const unset = 100
	if was := debug.SetGCPercent(gcPercent); was != unset {
		debug.SetGCPercent(was)
	}
	runtime.SetMutexProfileFraction(mutexSamples)
	runtime.SetBlockProfileRate(int(blockSamples))
}
