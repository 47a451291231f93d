package main

import (
	"runtime"
	"time"
)

// What waits for locks and for others is sampled, for /debug/pprof/mutex and /debug/pprof/block.
const (
	mutexSamples = 100                   // one contention in so many
	blockSamples = 10 * time.Millisecond // one for so much waiting
)

func sampleWaiting() {
	runtime.SetMutexProfileFraction(mutexSamples)
	runtime.SetBlockProfileRate(int(blockSamples))
}
