package saga

import (
	"hash/fnv"
	"math/bits"
	"strconv"
	"time"
)

const (
	defaultBase = 100 * time.Millisecond
	defaultMax  = time.Minute
)

func (r Retry) withDefaults() Retry {
	if r.Base <= 0 {
		r.Base = defaultBase
	}
	if r.Max <= 0 {
		r.Max = defaultMax
	}
	return r
}

// Pause gives how long to wait after so many attempts in vain: anything from 0 to the full pause,
// spread evenly over keys and attempts. It is a function of both, so that an engine which replays
// its history finds the same.
func (r Retry) Pause(key string, attempts int) time.Duration {
	r = r.withDefaults()
	ceiling := r.Max
	if doublings := max(attempts-1, 0); doublings < 32 && r.Base <= r.Max>>doublings {
		ceiling = r.Base << doublings
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(key + "#" + strconv.Itoa(attempts)))
	spread, _ := bits.Mul64(mix(h.Sum64()), uint64(ceiling)+1) //nolint:gosec // not negative
	return time.Duration(spread)                               //nolint:gosec // at most ceiling
}

// mix is the finalizer of SplitMix64: FNV alone leaves the high bits of like keys alike.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
