package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
)

func authorizing(method, note string) gateway.AuthorizeRequest {
	return gateway.AuthorizeRequest{
		Key: "ord_1/place/authorize", Payment: "pay_1", Amount: 1, Currency: "GBP", Method: method,
		Metadata: map[string]string{"note": note},
	}
}

func TestAuthorizeRequest_Check(t *testing.T) {
	for _, number := range []string{
		"4242424242424242", "5555 5555 5555 4444", "3782-822463-10005", "6011000990139424", "card 4000000000000002.", "4222222222222",
		"6304000000000000",
	} {
		t.Run(number+" is refused as a card number", func(t *testing.T) {
			require.Equal(t, fault.ReasonCardNumberRefused, fault.ReasonOf(authorizing("tok_ok", number).Check()))
			require.Equal(t, fault.ReasonCardNumberRefused, fault.ReasonOf(authorizing("pm_"+strings.ReplaceAll(number, " ", "-"), "").Check()))
		})
	}
	for _, text := range []string{
		"4242424242424241", "424242424242", "42424242424242424242", "pm_1Nabc4242xyz", "order 12345678, 4 parcels", "",
	} {
		t.Run(text+" is no card number", func(t *testing.T) {
			require.NoError(t, authorizing("tok_ok", text).Check())
		})
	}
	t.Run("a method is a token without spaces that begins with a letter", func(t *testing.T) {
		for _, method := range []string{"", "1234", " tok", "tok ok", "tök", strings.Repeat("a", 256), "\x00"} {
			require.Equal(t, fault.ReasonPaymentMethodInvalid, fault.ReasonOf(authorizing(method, "").Check()), "%q", method)
		}
	})
}

func TestErrors(t *testing.T) {
	cause := errors.New("cause")
	t.Run("each error is of one sort", func(t *testing.T) {
		for _, c := range []struct {
			err                         error
			temporary, unknown, refused bool
		}{
			{err: nil},
			{gateway.Temporary(time.Second, cause), true, false, false},
			{gateway.Misconfigured(cause), true, false, false},
			{gateway.Unknown(cause), false, true, false},
			{cause, false, true, false},
			{context.DeadlineExceeded, false, true, false},
			{fault.New(fault.KindInternal, fault.ReasonInternal, "bug"), false, true, false},
			{fault.New(fault.KindUnavailable, fault.ReasonDependencyDown, "open"), true, false, false},
			{fmt.Errorf("wrapped: %w", fault.New(fault.KindPrecondition, fault.ReasonCaptureTooLarge, "no")), false, false, true},
		} {
			require.Equal(t, c.temporary, gateway.IsTemporary(c.err), "%v", c.err)
			require.Equal(t, c.unknown, gateway.IsUnknown(c.err), "%v", c.err)
			require.Equal(t, c.refused, gateway.IsRefused(c.err), "%v", c.err)
		}
	})
	t.Run("a connection that was never made is temporary, one that was lost is unknown", func(t *testing.T) {
		require.True(t, gateway.IsTemporary(gateway.Unanswered(&net.OpError{Op: "dial", Err: cause})))
		require.True(t, gateway.IsUnknown(gateway.Unanswered(&net.OpError{Op: "read", Err: cause})))
	})
}

func TestVerifySignature(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	body := []byte(`{"id":"evt_1"}`)
	verify := func(header string, secrets ...string) fault.Reason {
		return fault.ReasonOf(gateway.VerifySignature(header, body, now, time.Minute, secrets...))
	}
	t.Run("either of two secrets is taken while one is rotated", func(t *testing.T) {
		require.Empty(t, verify(gateway.Sign("new", now, body), "old", "new"))
		require.Empty(t, verify(gateway.Sign("old", now, body), "old", "new"))
		require.Equal(t, fault.ReasonWebhookSignature, verify(gateway.Sign("other", now, body), "old", "new"))
	})
	t.Run("without a secret nothing is signed", func(t *testing.T) {
		require.Equal(t, fault.ReasonWebhookSignature, verify(gateway.Sign("", now, body)))
		require.Equal(t, fault.ReasonWebhookSignature, verify(gateway.Sign("", now, body), ""))
	})
	t.Run("the time is signed too, and has bounds on both sides", func(t *testing.T) {
		require.Empty(t, verify(gateway.Sign("s", now.Add(-time.Minute), body), "s"))
		require.Equal(t, fault.ReasonWebhookTooOld, verify(gateway.Sign("s", now.Add(-61*time.Second), body), "s"))
		require.Equal(t, fault.ReasonWebhookTooOld, verify(gateway.Sign("s", now.Add(61*time.Second), body), "s"))
		old := gateway.Sign("s", now.Add(-time.Hour), body)
		_, signature, _ := strings.Cut(old, ",")
		require.Equal(t, fault.ReasonWebhookSignature, verify(fmt.Sprintf("t=%d,%s", now.Unix(), signature), "s"))
	})
	t.Run("one good signature among several is enough", func(t *testing.T) {
		require.Empty(t, verify(gateway.Sign("s", now, body)+",v1=00,v0=zz, v1=xyz", "s"))
	})
}

func FuzzVerifySignature(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	f.Add(gateway.Sign("s", now, []byte("body")), []byte("body"))
	f.Add("t=,v1=", []byte{})
	f.Add("t=9223372036854775807,v1=00", []byte("x"))
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		if err := gateway.VerifySignature(header, body, now, time.Minute, "secret nobody knows"); err == nil {
			t.Fatalf("%q was taken", header)
		}
	})
}
