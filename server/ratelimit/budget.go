package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sethvargo/go-limiter"
)

// Budget is one limit over many keys, such as what each caller may write. It is a limiter.Store, for
// whoever takes tokens one by one, and can be asked for several at once.
type Budget struct {
	name    string
	limit   Limit
	buckets Buckets
	closed  atomic.Bool
}

var _ limiter.Store = (*Budget)(nil)

// NewBudget makes a budget. Budgets that share buckets have different names.
func NewBudget(name string, limit Limit, buckets Buckets) *Budget {
	return &Budget{name: name, limit: limit, buckets: buckets}
}

// Name is the name of the budget.
func (b *Budget) Name() string { return b.name }

// Spend takes tokens from a key's share of the budget, all or none.
func (b *Budget) Spend(ctx context.Context, key string, tokens int) (Result, error) {
	if b.closed.Load() {
		return Result{}, limiter.ErrStopped
	}
	return b.buckets.Take(ctx, b.name+":"+key, b.limit, tokens)
}

// Take implements limiter.Store: it takes one token. The time of the reset is when the key has its
// whole budget again, or when the next token is there if there was none.
func (b *Budget) Take(ctx context.Context, key string) (tokens, remaining, reset uint64, ok bool, err error) {
	r, err := b.Spend(ctx, key, 1)
	if err != nil {
		return 0, 0, 0, false, err
	}
	wait := r.Reset
	if !r.OK {
		wait = r.RetryAfter
	}
	return unsigned(r.Limit.Burst), unsigned(r.Remaining), uint64(time.Now().Add(wait).UnixNano()), r.OK, nil //nolint:gosec // after 1970
}

// Get implements limiter.Store: it takes nothing.
func (b *Budget) Get(ctx context.Context, key string) (tokens, remaining uint64, err error) {
	r, err := b.Spend(ctx, key, 0)
	return unsigned(r.Limit.Burst), unsigned(r.Remaining), err
}

// Burst implements limiter.Store: it gives tokens, as many as there is room for.
func (b *Budget) Burst(ctx context.Context, key string, tokens uint64) error {
	_, err := b.Spend(ctx, key, -int(min(tokens, unsigned(b.limit.Burst)))) //nolint:gosec // small
	return err
}

// Set implements limiter.Store in that it refuses: all keys of a budget have its limit.
func (b *Budget) Set(context.Context, string, uint64, time.Duration) error {
	return fmt.Errorf("a limit of one key alone: %w", errors.ErrUnsupported)
}

// Close implements limiter.Store. The buckets belong to others.
func (b *Budget) Close(context.Context) error {
	b.closed.Store(true)
	return nil
}

func unsigned(n int) uint64 { return uint64(max(n, 0)) } //nolint:gosec // not negative
