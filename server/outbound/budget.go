package outbound

import "sync"

// Tokens are counted in tenths of a retry.
const (
	perCall     = 1
	perRetry    = 10
	firstTokens = 10 * perRetry
	maxTokens   = 100 * perRetry
)

// budget keeps retries from multiplying the load of a dependency in trouble: each call pays in a
// tenth of a retry, so retries stay under a tenth of the calls plus the ten it starts with. It
// saves up to a hundred. The idea is that of gRPC's retry throttling (gRFC A6).
type budget struct {
	mu     sync.Mutex
	tokens int
}

func newBudget() *budget { return &budget{tokens: firstTokens} }

// deposit counts a call, not its retries.
func (b *budget) deposit() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tokens = min(b.tokens+perCall, maxTokens)
}

// withdraw takes a retry. It is false when there is none left.
func (b *budget) withdraw() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tokens < perRetry {
		return false
	}
	b.tokens -= perRetry
	return true
}
