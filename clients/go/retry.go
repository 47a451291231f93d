package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"connectrpc.com/connect"
)

const (
	maxTries    = 5
	backoffBase = 50 * time.Millisecond
	backoffCap  = 2 * time.Second
	// A server that wants a longer pause is left alone, and the caller told.
	maxServerDelay = 30 * time.Second
)

// try sends a request until it succeeds, cannot, or nothing allows another try. The error is that of
// the last try.
func (c *calls) try(ctx context.Context, request connect.AnyRequest, next connect.UnaryFunc) (connect.AnyResponse, error) {
	c.budget.deposit()
	idempotent := request.Spec().IdempotencyLevel != connect.IdempotencyUnknown
	for tries := 1; ; tries++ {
		response, err := next(ctx, request)
		if err == nil || !idempotent || tries == maxTries || !passes(ctx, err) {
			return response, err
		}
		delay := backoff(tries)
		if asked, ok := RetryAfter(err); ok {
			if asked > maxServerDelay {
				return nil, err
			}
			delay += asked // the jitter stays, so that those who were sent away do not come back as one
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= delay {
			return nil, err
		}
		if !c.budget.withdraw() {
			return nil, err
		}
		if stopped := c.wait(ctx, delay); stopped != nil {
			return nil, interrupted(stopped, err)
		}
	}
}

// passes tells whether the same request may succeed a little later.
func passes(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	switch code := connect.CodeOf(err); {
	case code == connect.CodeUnavailable:
		return true
	case code == connect.CodeResourceExhausted:
		// Without a time to come back it is the request that is too large, now and later.
		_, ok := RetryAfter(err)
		return ok
	case connect.IsWireError(err):
		return false
	default:
		// The connection broke, though nobody canceled; connect has several codes for that.
		return code == connect.CodeCanceled || code == connect.CodeDeadlineExceeded || errors.Is(err, io.ErrUnexpectedEOF)
	}
}

// backoff is a random part of a ceiling that doubles with every try, up to a cap ("full jitter",
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
func backoff(tries int) time.Duration {
	ceiling := min(backoffBase<<min(tries-1, 10), backoffCap) // 10: far over the cap, far from overflow
	return rand.N(ceiling + 1)                                //nolint:gosec // it spreads load, it hides nothing
}

// sleep returns early with the error of the context.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// interrupted is the error of a call that was stopped between two tries.
func interrupted(stopped, last error) error {
	code := connect.CodeCanceled
	if errors.Is(stopped, context.DeadlineExceeded) {
		code = connect.CodeDeadlineExceeded
	}
	return connect.NewError(code, fmt.Errorf("%w while waiting to try again after: %w", stopped, last))
}
