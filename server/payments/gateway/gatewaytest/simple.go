package gatewaytest

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
)

func text(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// requests holds what even a backend without memory shows: that the provider takes what we send.
func requests(t *testing.T, b *Bench) {
	t.Run("every operation is one that the provider takes", func(t *testing.T) {
		p := b.fresh()
		first, err := p.Gateway.Authorize(t.Context(), p.authorizing(1000, "ok"))
		require.NoError(t, err)
		require.NotEmpty(t, first.Outcome)
		a := first.Authorization
		if a == "" {
			a = "any"
		}
		captured, err := p.Gateway.Capture(t.Context(), p.capturing(a, "capture", 400, false))
		require.NoError(t, err)
		require.NotEmpty(t, captured.Movement)
		refund, err := p.Gateway.Refund(t.Context(), p.refunding(a, "refund", 100))
		require.NoError(t, err)
		require.NotEmpty(t, refund.Movement)
	})
	t.Run("a void is one that the provider takes", func(t *testing.T) {
		p := b.fresh()
		first, err := p.Gateway.Authorize(t.Context(), p.authorizing(1000, "ok"))
		require.NoError(t, err)
		a := first.Authorization
		if a == "" {
			a = "any"
		}
		_, err = p.Gateway.Void(t.Context(), p.voiding(a, "void"))
		require.NoError(t, err)
	})
	t.Run("the ledger can be read in pages", func(t *testing.T) {
		_, err := b.Gateway.Ledger(t.Context(), gateway.LedgerRequest{Limit: 5})
		require.NoError(t, err)
	})
}

// answers holds what an answer says.
func answers(t *testing.T, b *Bench) {
	t.Run("an operation that is done names its authorization", func(t *testing.T) {
		p := b.fresh()
		a := p.authorize(t, "ok")
		got := p.capture(t, a, "capture", 1000, true)
		require.Equal(t, a, got.Authorization)
		refund, err := p.Gateway.Refund(t.Context(), p.refunding(a, "refund", 1000))
		require.NoError(t, err)
		require.NotEmpty(t, refund.Movement)
		require.NotEmpty(t, refund.Outcome)
	})
	t.Run("an authorization can be voided", func(t *testing.T) {
		p := b.fresh()
		got, err := p.Gateway.Void(t.Context(), p.voiding(p.authorize(t, "ok"), "void"))
		require.NoError(t, err)
		require.Equal(t, gateway.OutcomeDone, got.Outcome)
	})
}

// refusals holds what is refused before it reaches a provider.
func refusals(t *testing.T, b *Bench) {
	for name, c := range map[string]struct {
		change func(*gateway.AuthorizeRequest)
		reason fault.Reason
	}{
		"a card number as method": {func(r *gateway.AuthorizeRequest) { r.Method = "4242424242424242" }, fault.ReasonCardNumberRefused},
		"a card number within the method": {func(r *gateway.AuthorizeRequest) { r.Method = "pm_4242-4242-4242-4242" },
			fault.ReasonCardNumberRefused},
		"a card number in metadata": {func(r *gateway.AuthorizeRequest) { r.Metadata = map[string]string{"note": "4000 0000 0000 0002"} },
			fault.ReasonCardNumberRefused},
		"no method":           {func(r *gateway.AuthorizeRequest) { r.Method = "" }, fault.ReasonPaymentMethodInvalid},
		"an amount of 0":      {func(r *gateway.AuthorizeRequest) { r.Amount = 0 }, fault.ReasonAmountInvalid},
		"a negative amount":   {func(r *gateway.AuthorizeRequest) { r.Amount = -1 }, fault.ReasonAmountInvalid},
		"an unknown currency": {func(r *gateway.AuthorizeRequest) { r.Currency = "XXX" }, fault.ReasonCurrencyUnknown},
		"no key":              {func(r *gateway.AuthorizeRequest) { r.Key = "" }, fault.ReasonInvalidRequest},
		"no payment":          {func(r *gateway.AuthorizeRequest) { r.Payment = "" }, fault.ReasonInvalidRequest},
		"a return URL that is none": {func(r *gateway.AuthorizeRequest) { r.ReturnURL = "javascript:alert(1)" },
			fault.ReasonInvalidRequest},
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			r := b.fresh().authorizing(1000, "ok")
			c.change(&r)
			_, err := b.Gateway.Authorize(t.Context(), r)
			refused(t, err, fault.KindInvalid, c.reason)
		})
	}
	t.Run("what names no authorization is refused", func(t *testing.T) {
		p := b.fresh()
		_, err := b.Gateway.Capture(t.Context(), p.capturing("", "capture", 1, false))
		refused(t, err, fault.KindInvalid, fault.ReasonInvalidRequest)
		_, err = b.Gateway.Void(t.Context(), p.voiding("", "void"))
		refused(t, err, fault.KindInvalid, fault.ReasonInvalidRequest)
		_, err = b.Gateway.Refund(t.Context(), p.refunding("", "refund", 1))
		refused(t, err, fault.KindInvalid, fault.ReasonInvalidRequest)
	})
}

// signatures holds the gate of webhooks.
func signatures(t *testing.T, b *Bench) {
	unauthenticated := func(t *testing.T, header http.Header, body []byte, reason fault.Reason) {
		t.Helper()
		event, err := b.Gateway.ParseWebhook(header, body)
		require.Equal(t, reason, fault.ReasonOf(err), "%v", err)
		require.Equal(t, fault.KindUnauthenticated, fault.KindOf(err))
		require.Empty(t, event)
	}
	t.Run("a signed event is read, and twice it has the same id", func(t *testing.T) {
		header := b.Sign(b.Now(), b.Event)
		first, err := b.Gateway.ParseWebhook(header, b.Event)
		require.NoError(t, err)
		require.NotEmpty(t, first.ID)
		require.Equal(t, gateway.EventAuthorized, first.Kind)
		require.NotEmpty(t, first.Payment)
		require.NotEmpty(t, first.Authorization)
		require.NotZero(t, first.Amount)
		require.Equal(t, currency, first.Currency)
		again, err := b.Gateway.ParseWebhook(b.Sign(b.Now().Add(time.Second), b.Event), b.Event)
		require.NoError(t, err)
		require.Equal(t, first, again)
	})
	t.Run("another body under the signature is refused", func(t *testing.T) {
		unauthenticated(t, b.Sign(b.Now(), b.Event), append([]byte(" "), b.Event...), fault.ReasonWebhookSignature)
	})
	t.Run("no signature is refused, nor half of one", func(t *testing.T) {
		unauthenticated(t, http.Header{}, b.Event, fault.ReasonWebhookSignature)
		header := b.Sign(b.Now(), b.Event)
		for name := range header {
			header[name] = []string{header[name][0][:len(header[name][0])-2]}
		}
		unauthenticated(t, header, b.Event, fault.ReasonWebhookSignature)
	})
	t.Run("an old signature is refused, and one of the future", func(t *testing.T) {
		unauthenticated(t, b.Sign(b.Now().Add(-time.Hour), b.Event), b.Event, fault.ReasonWebhookTooOld)
		unauthenticated(t, b.Sign(b.Now().Add(time.Hour), b.Event), b.Event, fault.ReasonWebhookTooOld)
	})
	t.Run("a signed body that makes no sense is malformed", func(t *testing.T) {
		for _, body := range []string{"", "{", "[]", "null", "{}", `{"id":7}`} {
			_, err := b.Gateway.ParseWebhook(b.Sign(b.Now(), []byte(body)), []byte(body))
			refused(t, err, fault.KindInvalid, fault.ReasonWebhookMalformed)
		}
	})
}
