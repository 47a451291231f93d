package importer

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"connectrpc.com/connect"
)

// lostStream marks an error of the stream, after which it may be opened again. What the server
// said itself is final, but for Unavailable; what the way to it broke is not.
func lostStream(ctx context.Context, err error) bool {
	fault, ok := errors.AsType[*connect.Error](err)
	if !ok || ctx.Err() != nil {
		return false
	}
	if connect.IsWireError(err) {
		return fault.Code() == connect.CodeUnavailable
	}
	switch fault.Code() {
	case connect.CodeUnavailable, connect.CodeUnknown, connect.CodeInternal, connect.CodeAborted,
		connect.CodeCanceled, connect.CodeInvalidArgument:
		return true
	default:
		return false
	}
}

// backoff waits with full jitter: anything up to a ceiling that doubles with every try.
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
type backoff struct {
	base, ceiling time.Duration
	tries         int
}

func (b *backoff) next() time.Duration {
	ceiling := min(b.base<<min(b.tries, 16), b.ceiling)
	b.tries++
	return rand.N(ceiling + 1) // #nosec G404 -- nobody gains by guessing a pause
}

// wait returns early with the error of the context.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
