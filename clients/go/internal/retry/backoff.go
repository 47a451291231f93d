package retry

import (
	"math/rand/v2"
	"time"
)

const (
	// MaxTries is how often a call is sent at most.
	MaxTries = 5
	// MaxServerDelay is the longest pause that is kept. A server that wants a longer one is left alone,
	// and the caller told.
	MaxServerDelay = 30 * time.Second

	backoffBase = 50 * time.Millisecond
	backoffCap  = 2 * time.Second
)

// Backoff is a random part of a ceiling that doubles with every try, up to a cap ("full jitter",
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
func Backoff(tries int) time.Duration {
	ceiling := min(backoffBase<<min(tries-1, 10), backoffCap) // 10: far over the cap, far from overflow
	return rand.N(ceiling + 1)                                //nolint:gosec // it spreads load, it hides nothing
}
