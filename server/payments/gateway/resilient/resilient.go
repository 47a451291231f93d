// Package resilient guards the calls to a payment gateway: deadline, retry and circuit breaker. It
// decides nothing about money; an Unknown answer stays one, for whoever keeps the payment's record.
package resilient

import (
	"context"
	"net/http"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/outbound"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
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

// Ready fails while the breaker keeps calls back. It calls nobody.
func (g *Gateway) Ready(context.Context) error {
	if state := g.caller.State(); state == "open" {
		return fault.New(fault.KindUnavailable, fault.ReasonGatewayUnavailable, "calls to the gateway are kept back: too many failed")
	}
	return nil
}

// Authorize retries what certainly did not happen.
func (g *Gateway) Authorize(ctx context.Context, r gateway.AuthorizeRequest) (gateway.Result, error) {
	return call(ctx, g.caller, "gateway authorize", moves, r, g.next.Authorize)
}

// Capture retries what certainly did not happen.
func (g *Gateway) Capture(ctx context.Context, r gateway.CaptureRequest) (gateway.Result, error) {
	return call(ctx, g.caller, "gateway capture", moves, r, g.next.Capture)
}

// Void retries what certainly did not happen.
func (g *Gateway) Void(ctx context.Context, r gateway.VoidRequest) (gateway.Result, error) {
	return call(ctx, g.caller, "gateway void", moves, r, g.next.Void)
}

// Refund retries what certainly did not happen.
func (g *Gateway) Refund(ctx context.Context, r gateway.RefundRequest) (gateway.Result, error) {
	return call(ctx, g.caller, "gateway refund", moves, r, g.next.Refund)
}

// Inquire retries everything but refusals: asking changes nothing.
func (g *Gateway) Inquire(ctx context.Context, r gateway.InquireRequest) (gateway.Inquiry, error) {
	return call(ctx, g.caller, "gateway inquire", reads, r, g.next.Inquire)
}

// Ledger retries everything but refusals.
func (g *Gateway) Ledger(ctx context.Context, r gateway.LedgerRequest) (gateway.LedgerPage, error) {
	return call(ctx, g.caller, "gateway ledger", reads, r, g.next.Ledger)
}

// ParseWebhook calls nobody.
func (g *Gateway) ParseWebhook(header http.Header, body []byte) (gateway.Event, error) {
	return g.next.ParseWebhook(header, body)
}

// call makes a call in a span of its own, all tries together.
func call[In, Out any](
	ctx context.Context, c *outbound.Caller, name string, classify outbound.Classify, in In, try func(context.Context, In) (Out, error),
) (out Out, err error) {
	ctx, span := telemetry.Span(ctx, name)
	defer func() { telemetry.EndSpan(span, err) }()
	return outbound.Do(ctx, c, classify, func(ctx context.Context) (Out, error) { return try(ctx, in) })
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
