// Package gatewaytest is the suite of promises that every gateway.Gateway keeps. A backend that
// cannot show one of them says so, with the reason, in its Backend.
package gatewaytest

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
)

// Capability is something that a backend under test may be unable to show.
type Capability string

// The capabilities.
const (
	Memory  Capability = "memory"  // it remembers what was done: keys, amounts, states, the ledger
	Faults  Capability = "faults"  // it can be told to misbehave
	Webhook Capability = "webhook" // the test can read what it sends of itself
	Owner   Capability = "owner"   // it knows which payment an authorization belongs to
	Expiry  Capability = "expiry"  // the test can make an authorization expire
	Later   Capability = "later"   // it can be told to decline what follows an authorization
)

// Bench is one gateway under test and what surrounds it.
type Bench struct {
	Gateway gateway.Gateway
	Now     func() time.Time
	Method  func(fault string) string // the payment method that behaves so; "ok" is good
	Sign    func(at time.Time, body []byte) http.Header
	Event   []byte              // a webhook of an authorization, as the gateway writes it
	Advance func(time.Duration) // sets the clock of gateway and provider, and Now, ahead
	// Webhooks gives what was sent until at least so many of a payment came. Only with Webhook.
	Webhooks func(tb testing.TB, payment string, atLeast int) []Delivery
	// Authenticate does what the customer does at the redirect URL. Only with Faults.
	Authenticate func(tb testing.TB, redirectURL string, succeed bool)
}

// Delivery is a webhook that arrived.
type Delivery struct {
	Header http.Header
	Body   []byte
}

// Backend makes benches.
type Backend struct {
	New func(tb testing.TB) *Bench
	// Cannot says what cannot be shown with this backend, and why. The interface's other promises
	// are tested; these are then covered by the backend's own tests, or by nothing.
	Cannot map[Capability]string
}

// Run holds a backend against the suite.
func Run(t *testing.T, b Backend) {
	for _, part := range []struct {
		name  string
		needs []Capability
		test  func(t *testing.T, b *Bench)
	}{
		{"Requests", nil, requests},
		{"Answers", []Capability{Memory}, answers},
		{"Refusals", nil, refusals},
		{"Signatures", nil, signatures},
		{"Keys", []Capability{Memory}, keys},
		{"Captures", []Capability{Memory}, captures},
		{"Voids", []Capability{Memory}, voids},
		{"Refunds", []Capability{Memory}, refunds},
		{"Inquiries", []Capability{Memory}, inquiries},
		{"Concurrency", []Capability{Memory}, concurrency},
		{"Ledger", []Capability{Memory}, ledger},
		{"Owners", []Capability{Memory, Owner}, owners},
		{"Declines", []Capability{Memory, Faults}, declined},
		{"Authentication", []Capability{Memory, Faults}, authentication},
		{"Trouble", []Capability{Memory, Faults}, trouble},
		{"DeclinedLater", []Capability{Memory, Faults, Later}, declinedLater},
		{"Unavailable", []Capability{Memory, Faults, Later}, unavailable},
		{"Expiry", []Capability{Memory, Expiry}, expiry},
		{"Webhooks", []Capability{Memory, Faults, Webhook}, webhooks},
	} {
		reason, shown := "", true
		for _, need := range part.needs {
			if why, cannot := b.Cannot[need]; cannot {
				reason, shown = why, false
			}
		}
		t.Run(part.name, func(t *testing.T) {
			if !shown {
				require.NotEmpty(t, reason, "a capability is missing for a reason")
				t.Logf("cannot be shown with this backend: %s", reason)
				return
			}
			part.test(t, b.New(t))
		})
	}
}

var counter atomic.Int64

// payment is one payment under test.
type payment struct {
	*Bench
	id    string
	key   string
	began time.Time
}

// fresh gives a payment that nobody has seen.
func (b *Bench) fresh() *payment {
	n := counter.Add(1)
	at := time.Now().UnixNano()
	return &payment{Bench: b, id: text("pay_test_%d_%d", at, n), key: text("ord_test_%d_%d/place/", at, n), began: b.Now()}
}

const currency money.Currency = "GBP"

func (p *payment) authorizing(amount money.Minor, method string) gateway.AuthorizeRequest {
	return gateway.AuthorizeRequest{
		Key: gateway.Key(p.key + "authorize"), Payment: p.id, Amount: amount, Currency: currency, Method: p.Method(method),
		ReturnURL: "https://shop.example/return", Metadata: map[string]string{"order": "ord_test"},
	}
}

// authorize makes an authorization of 1000 that must succeed.
func (p *payment) authorize(tb testing.TB, method string) gateway.AuthorizationID {
	tb.Helper()
	got, err := p.Gateway.Authorize(tb.Context(), p.authorizing(1000, method))
	require.NoError(tb, err)
	require.Equal(tb, gateway.OutcomeDone, got.Outcome)
	require.NotEmpty(tb, got.Authorization)
	return got.Authorization
}

func (p *payment) capturing(a gateway.AuthorizationID, step string, amount money.Minor, final bool) gateway.CaptureRequest {
	return gateway.CaptureRequest{
		Key: gateway.Key(p.key + step), Authorization: a, Payment: p.id, Amount: amount, Currency: currency, Final: final,
	}
}

func (p *payment) capture(tb testing.TB, a gateway.AuthorizationID, step string, amount money.Minor, final bool) gateway.Result {
	tb.Helper()
	got, err := p.Gateway.Capture(tb.Context(), p.capturing(a, step, amount, final))
	require.NoError(tb, err)
	require.Equal(tb, gateway.OutcomeDone, got.Outcome)
	return got
}

func (p *payment) voiding(a gateway.AuthorizationID, step string) gateway.VoidRequest {
	return gateway.VoidRequest{Key: gateway.Key(p.key + step), Authorization: a, Payment: p.id}
}

func (p *payment) refunding(a gateway.AuthorizationID, step string, amount money.Minor) gateway.RefundRequest {
	return gateway.RefundRequest{Key: gateway.Key(p.key + step), Authorization: a, Payment: p.id, Amount: amount, Currency: currency}
}

// inquire asks, and lets time pass until the request can no longer be on its way.
func (p *payment) inquire(tb testing.TB, o gateway.Operation, a gateway.AuthorizationID, step string) gateway.Inquiry {
	tb.Helper()
	r := gateway.InquireRequest{
		Key: gateway.Key(p.key + step), Operation: o, Authorization: a, Payment: p.id,
		SentAt: p.Now(), FirstSentAt: p.began,
	}
	for {
		got, err := p.Gateway.Inquire(tb.Context(), r)
		require.NoError(tb, err)
		if got.Fate != gateway.FateInProgress {
			return got
		}
		p.Advance(5 * time.Second)
	}
}

// moved gives the movements of the payment, summed by kind, and how many there are.
func (p *payment) moved(tb testing.TB) (sums map[gateway.MovementKind]money.Minor, lines int) {
	tb.Helper()
	sums = map[gateway.MovementKind]money.Minor{}
	for m, err := range gateway.Movements(tb.Context(), p.Gateway, time.Time{}) {
		require.NoError(tb, err)
		if m.Payment == p.id {
			sums[m.Kind] += m.Amount
			lines++
		}
	}
	return sums, lines
}

// refused wants a fault of a kind with a reason, and that it is a refusal.
func refused(tb testing.TB, err error, kind fault.Kind, reason fault.Reason) {
	tb.Helper()
	require.Error(tb, err)
	require.Equal(tb, reason, fault.ReasonOf(err), "%v", err)
	require.Equal(tb, kind, fault.KindOf(err))
	require.True(tb, gateway.IsRefused(err))
	require.False(tb, gateway.IsUnknown(err))
}
