package main

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSampleWaiting(t *testing.T) {
	before := runtime.SetMutexProfileFraction(-1)
	t.Cleanup(func() {
		runtime.SetMutexProfileFraction(before)
		runtime.SetBlockProfileRate(0)
	})
	sampleWaiting()
	require.Equal(t, mutexSamples, runtime.SetMutexProfileFraction(-1), "some, not all")
}
