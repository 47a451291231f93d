// Package resilient guards the calls to a payment gateway: deadline, retry and circuit breaker. It
// decides nothing about money; an Unknown answer stays one, for whoever keeps the payment's record.
package resilient

import (
	"context"
	"net/http"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/outbound"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
)

// Gateway is a gateway whose calls go through an outbound.Caller. It implements gateway.Gateway.
type Gateway struct {
	next   gateway.Gateway
	caller *outbound.Caller
}

var _ gateway.Gateway = (*Gateway)(nil)

// New guards a gateway. The caller belongs to this gateway alone.
func New(next gateway.Gateway, caller *outbound.Caller) *Gateway {
	return &Gateway{next: next, caller: caller}
}

// Authorize retries what certainly did not happen.
func (g *Gateway) Authorize(ctx context.Context, r gateway.AuthorizeRequest) (gateway.Result, error) {
	return outbound.Do(ctx, g.caller, moves, func(ctx context.Context) (gateway.Result, error) { return g.next.Authorize(ctx, r) })
}

// Capture retries what certainly did not happen.
func (g *Gateway) Capture(ctx context.Context, r gateway.CaptureRequest) (gateway.Result, error) {
	return outbound.Do(ctx, g.caller, moves, func(ctx context.Context) (gateway.Result, error) { return g.next.Capture(ctx, r) })
}

// Void retries what certainly did not happen.
func (g *Gateway) Void(ctx context.Context, r gateway.VoidRequest) (gateway.Result, error) {
	return outbound.Do(ctx, g.caller, moves, func(ctx context.Context) (gateway.Result, error) { return g.next.Void(ctx, r) })
}

// Refund retries what certainly did not happen.
func (g *Gateway) Refund(ctx context.Context, r gateway.RefundRequest) (gateway.Result, error) {
	return outbound.Do(ctx, g.caller, moves, func(ctx context.Context) (gateway.Result, error) { return g.next.Refund(ctx, r) })
}

// Inquire retries everything but refusals: asking changes nothing.
func (g *Gateway) Inquire(ctx context.Context, r gateway.InquireRequest) (gateway.Inquiry, error) {
	return outbound.Do(ctx, g.caller, reads, func(ctx context.Context) (gateway.Inquiry, error) { return g.next.Inquire(ctx, r) })
}

// Ledger retries everything but refusals.
func (g *Gateway) Ledger(ctx context.Context, r gateway.LedgerRequest) (gateway.LedgerPage, error) {
	return outbound.Do(ctx, g.caller, reads, func(ctx context.Context) (gateway.LedgerPage, error) { return g.next.Ledger(ctx, r) })
}

// ParseWebhook calls nobody.
func (g *Gateway) ParseWebhook(header http.Header, body []byte) (gateway.Event, error) {
	return g.next.ParseWebhook(header, body)
}

// moves judges the error of an operation. Unknown is not retried here: the caller must first store
// that it is not known, and then ask.
func moves(err error) outbound.Verdict {
	v := reads(err)
	v.Retry = v.Retry && gateway.IsTemporary(err)
	return v
}

// reads judges the error of a call that changes nothing.
func reads(err error) outbound.Verdict {
	f := fault.From(err)
	switch {
	case gateway.IsRefused(err):
		return outbound.Verdict{Health: outbound.Answered}
	case f != nil && f.Reason == fault.ReasonGatewayMisconfigured:
		return outbound.Verdict{Health: outbound.Answered} // it works, but not for us; a retry gives the same
	case f != nil && gateway.IsTemporary(err) && f.RetryAfter > 0:
		return outbound.Verdict{Health: outbound.Answered, Retry: true, After: f.RetryAfter} // alive, and it says when
	default:
		return outbound.Verdict{Health: outbound.Failed, Retry: true}
	}
}
