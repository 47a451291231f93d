package main

import (
	"runtime"
	"time"
)

// What waits for locks and for others is sampled, for /debug/pprof/mutex and /debug/pprof/block.
const (
	mutexSamples = 100         // one contention in so many
	blockSamples = time.Second // one for so much waiting: every caller waits some milliseconds for its commit
)

func sampleWaiting() {
	runtime.SetMutexProfileFraction(mutexSamples)
	runtime.SetBlockProfileRate(int(blockSamples))
}
