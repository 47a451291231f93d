package client

import "sync"

// Tokens are counted in tenths of a retry.
const (
	perCall     = 1
	perRetry    = 10
	firstTokens = 10 * perRetry
	maxTokens   = 100 * perRetry
)

// budget keeps retries from multiplying the load of a server in trouble: each call pays in a tenth of
// a retry, so retries stay under a tenth of the calls plus the ten it starts with, however many calls
// fail. It saves up to a hundred. It is safe for concurrent use. The idea is that of gRPC's retry
// throttling (gRFC A6).
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
