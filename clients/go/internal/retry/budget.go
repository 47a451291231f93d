// Package retry holds what the clients share about trying again: how long to wait, and how often at
// most.
package retry

import "sync"

// Tokens are counted in tenths of a retry.
const (
	perCall     = 1
	perRetry    = 10
	firstTokens = 10 * perRetry
	maxTokens   = 100 * perRetry
)

// Budget keeps retries from multiplying the load of a server in trouble: each call pays in a tenth of
// a retry, so retries stay under a tenth of the calls plus the ten it starts with, however many calls
// fail. It saves up to a hundred. It is safe for concurrent use. The idea is that of gRPC's retry
// throttling (gRFC A6).
type Budget struct {
	mu     sync.Mutex
	tokens int
}

// NewBudget makes a budget that holds ten retries.
func NewBudget() *Budget { return &Budget{tokens: firstTokens} }

// Deposit counts a call, not its retries.
func (b *Budget) Deposit() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tokens = min(b.tokens+perCall, maxTokens)
}

// Withdraw takes a retry. It is false when there is none left.
func (b *Budget) Withdraw() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tokens < perRetry {
		return false
	}
	b.tokens -= perRetry
	return true
}
