package replay

import (
	"context"
	"time"

	"connectrpc.com/connect"
	"github.com/cenkalti/backoff/v5"

	client "github.com/orderprocessing/orderprocessing/clients/go"
)

// The pauses between tries double from the first to the longest, jittered.
const (
	firstPause = 50 * time.Millisecond
	maxPause   = 2 * time.Second
)

// persist makes a call, the same again while the server is away. What it fails with is final: refused
// tells whether it is an answer of the server, or the server was away for too long.
func persist[Request, Response any](
	ctx context.Context, r *run, call func(context.Context, Request) (Response, error), request Request,
) (Response, error) {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval, pauses.Multiplier = firstPause, maxPause, 2
	return backoff.Retry(ctx, func() (Response, error) {
		response, err := call(ctx, request)
		if err != nil && refused(err) {
			err = backoff.Permanent(err)
		}
		return response, err
	}, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(r.RetryFor),
		backoff.WithNotify(func(error, time.Duration) { r.tally.retried() }))
}

// refused tells an answer of the server that stays what it is from trouble that passes.
func refused(err error) bool {
	if !connect.IsWireError(err) {
		return false // the way to the server broke
	}
	switch connect.CodeOf(err) {
	case connect.CodeUnavailable, connect.CodeAborted, connect.CodeDeadlineExceeded, connect.CodeCanceled, connect.CodeInternal:
		return false
	case connect.CodeResourceExhausted:
		_, passes := client.RetryAfter(err)
		return !passes
	default:
		return true
	}
}
