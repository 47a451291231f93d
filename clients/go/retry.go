package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"connectrpc.com/connect"

	"github.com/orderprocessing/orderprocessing/clients/go/internal/retry"
)

// try sends a request until it succeeds, cannot, or nothing allows another try. The error is that of
// the last try.
func (c *calls) try(ctx context.Context, request connect.AnyRequest, next connect.UnaryFunc) (connect.AnyResponse, error) {
	c.budget.Deposit()
	idempotent := request.Spec().IdempotencyLevel != connect.IdempotencyUnknown
	for tries := 1; ; tries++ {
		response, err := next(ctx, request)
		if err == nil || !idempotent || tries == c.tries || !passes(ctx, err) {
			return response, err
		}
		delay := retry.Backoff(tries)
		if asked, ok := RetryAfter(err); ok {
			if asked > retry.MaxServerDelay {
				return nil, err
			}
			delay += asked // the jitter stays, so that those who were sent away do not come back as one
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= delay {
			return nil, err
		}
		if !c.budget.Withdraw() {
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
