// Package gateway gives the words in which we speak with a payment service provider, and what a
// provider behind them must do. It moves no money: simulator and stripe do, resilient guards the
// calls, and gatewaytest holds every one of them to what is written here.
package gateway

import (
	"context"
	"net/http"
)

// Gateway moves money on somebody's card or account. It is safe for concurrent use.
//
// # Keys
//
// Every operation carries a Key, a stable text such as <order>/<saga>/<step> that names what the
// caller wants done. An implementation MUST do an operation at most once for a key, however often
// and however many at once call with it:
//
//   - same key and same request: the first answer again. An answer that was not final, Pending or
//     ActionRequired, is given as it stands now.
//   - same key and another request: a KindExists fault, REQUEST_ID_REUSED, and nothing happens.
//   - a request that was refused with a fault leaves no trace: its key is free.
//
// # Answers
//
// What the bank decided is a Result with a nil error: Done, Declined, ActionRequired or Pending.
// A decline is an answer and no failure. Everything else is an error, of one of three sorts which
// callers must tell apart, and which an implementation MUST NOT mix up:
//
//   - Refused: the request is wrong or the state forbids it, and nothing happened. KindInvalid,
//     KindNotFound, KindExists, KindPrecondition. Sending it again gives the same.
//   - Temporary (IsTemporary): it was turned away for now and certainly did not happen: no
//     connection, too many requests, the breaker is open. RetryAfter says when to come back.
//   - Unknown (IsUnknown): there is no answer: the time is over, the connection was lost after the
//     request left, 5xx, an answer that cannot be read. It may or may not have happened. When in
//     doubt an error is Unknown. It is left by Inquire, by the webhook, or by the same call again.
//
// A caller that goes away after the request left makes it Unknown as well.
//
// # Amounts
//
// Amounts are minor units, never negative, in the currency of the authorization; the gateway keeps,
// whatever the order of calls: Σ captured + released ≤ authorized, Σ refunded ≤ Σ captured.
//
// # Secrets
//
// A payment method is an opaque token. A card number never enters: Check refuses it.
// An implementation MUST NOT log or return tokens, keys of the provider, or bodies.
type Gateway interface {
	// Authorize reserves an amount on the payment method. Done has an Authorization and when it
	// expires; Declined has a reason and reserves nothing; ActionRequired has a RedirectURL where
	// the customer proves who they are, after which a webhook tells the outcome.
	Authorize(ctx context.Context, request AuthorizeRequest) (Result, error)

	// Capture takes part or all of an authorization, once or several times. More than is left is
	// refused with CAPTURE_ABOVE_AUTHORIZATION, an authorization that is no longer open with
	// AUTHORIZATION_CLOSED or AUTHORIZATION_EXPIRED. A Final capture releases what is left; after
	// at least one capture it may be of 0.
	Capture(ctx context.Context, request CaptureRequest) (Result, error)

	// Void releases an authorization of which nothing was captured; otherwise it is refused with
	// PAYMENT_ALREADY_CAPTURED. Voiding what is voided or expired is Done and changes nothing.
	Void(ctx context.Context, request VoidRequest) (Result, error)

	// Refund gives back part or all of what was captured, once or several times. More is refused
	// with REFUND_ABOVE_CAPTURE. A bank may take days: then the answer is Pending.
	Refund(ctx context.Context, request RefundRequest) (Result, error)

	// Inquire tells what became of an operation. It changes nothing. NeverHappened is a promise:
	// the operation had no effect and, as long as nobody sends it again, will have none. While a
	// request may still be on its way the answer is InProgress. A fault says nothing at all about
	// the operation.
	Inquire(ctx context.Context, request InquireRequest) (Inquiry, error)

	// ParseWebhook reads what the provider sent to our webhook endpoint. It checks the signature,
	// in constant time, before it reads the body, and refuses what was signed too long ago: both
	// are KindUnauthenticated, WEBHOOK_SIGNATURE_INVALID and WEBHOOK_TOO_OLD. A signed body that
	// makes no sense is KindInvalid, WEBHOOK_MALFORMED. An event of a sort that is not for us is
	// EventOther and no error. Providers send events twice and out of order: deduplicate by ID.
	ParseWebhook(header http.Header, body []byte) (Event, error)

	// Ledger gives a page of the provider's own record of movements, to compare ours with. A
	// movement that was answered Done is in every ledger read that begins after the answer.
	Ledger(ctx context.Context, request LedgerRequest) (LedgerPage, error)
}
