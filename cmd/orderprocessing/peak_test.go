package main_test

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// maxImportBytes is what an import may take, on either side.
const maxImportBytes = 200 << 20

// peakOf reads the most memory that a process has had resident, in bytes, from the kernel; 0 where
// there is no /proc, or the process is gone.
func peakOf(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, found := bytes.Cut(status, []byte("VmHWM:"))
	fields := bytes.Fields(rest)
	if !found || len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.ParseInt(string(fields[0]), 10, 64) // 0 is an answer
	return kib << 10
}

// watchPeak looks at a process until it is told to stop, and then gives its peak: when a process
// has ended, the kernel no longer tells. (ru_maxrss does, but counts from before the exec.)
func watchPeak(pid int) (stop func() int64) {
	done, peak := make(chan struct{}), make(chan int64)
	go func() {
		ticks := time.NewTicker(10 * time.Millisecond)
		defer ticks.Stop()
		most := peakOf(pid)
		for {
			select {
			case <-ticks.C:
				most = max(most, peakOf(pid))
			case <-done:
				peak <- most
				return
			}
		}
	}()
	return func() int64 {
		close(done)
		return <-peak
	}
}
