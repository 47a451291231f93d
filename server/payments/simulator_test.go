package payments_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway/simulator"
)

// newSimulated gives a shop whose gateway is the simulator, with webhooks that come back.
func newSimulated(t *testing.T) (*shop, *simulator.Simulator) {
	t.Helper()
	s := newShop(t)
	var webhook atomic.Pointer[http.Handler]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*webhook.Load()).ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	bank, err := simulator.New(t.Context(), simulator.Options{
		Database: "sqlite:" + filepath.Join(t.TempDir(), "gateway.db"), WebhookURL: server.URL, WebhookSecret: "secret",
		HangFor: 50 * time.Millisecond, SlowFor: 10 * time.Millisecond,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, bank.Close(context.WithoutCancel(t.Context()))) })
	g := bank.Gateway(simulator.ClientOptions{Timeout: 200 * time.Millisecond})
	t.Cleanup(g.Close)
	s.Service = s.service(s.store, g)
	handler := payments.NewWebhookHandler(s.Service, "test", slog.New(slog.DiscardHandler))
	webhook.Store(&handler)
	return s, bank
}

// until calls with the same wish until the gateway has told, as a saga does.
func until(t *testing.T, call func() (payment.Record, error)) payment.Record {
	t.Helper()
	var r payment.Record
	require.Eventually(t, func() bool {
		var err error
		r, err = call()
		if reason := fault.ReasonOf(err); reason == fault.ReasonPaymentUnknown || reason == fault.ReasonGatewayUnavailable {
			return false
		}
		require.NoError(t, err)
		return true
	}, 20*time.Second, 5*time.Millisecond)
	return r
}

func TestService_Simulator(t *testing.T) {
	faults := []string{
		"ok", "timeout_before", "timeout_after", "error_500", "error_500_after", "refused", "slow",
		"duplicate_webhook", "webhook_first", "webhook_lost",
	}
	t.Run("whatever goes wrong, an order is charged, captured and refunded exactly once", func(t *testing.T) {
		s, _ := newSimulated(t)
		for _, name := range faults {
			r := until(t, func() (payment.Record, error) { return s.Authorize(t.Context(), wish(newOrder(), "tok_ok")) })
			require.Equal(t, payment.Authorized, r.Payment.State)
			for _, token := range []string{"tok_" + name, "tok_capture_" + name, "tok_refund_" + name} {
				t.Log(token)
				w := wish(newOrder(), token)
				r := until(t, func() (payment.Record, error) { return s.Authorize(t.Context(), w) })
				require.Equal(t, payment.Authorized, r.Payment.State)
				change := payments.Change{PaymentID: r.Payment.ID, Amount: 70, Final: true, Key: "ship"}
				r = until(t, func() (payment.Record, error) { return s.Capture(t.Context(), change) })
				require.Equal(t, money.Minor(70), r.Payment.Captured)
				change = payments.Change{PaymentID: r.Payment.ID, Amount: 70, Key: "return"}
				r = until(t, func() (payment.Record, error) { return s.Refund(t.Context(), change) })
				require.Equal(t, money.Minor(70), r.Payment.Refunded, "%+v", r)
			}
		}
		s.requireSound()
	})
	t.Run("a rejected order holds nothing, whatever went wrong", func(t *testing.T) {
		s, _ := newSimulated(t)
		for _, name := range faults {
			for _, token := range []string{"tok_" + name, "tok_void_" + name} {
				t.Log(token)
				r, _ := s.Authorize(t.Context(), wish(newOrder(), token)) // whatever it says
				paymentID := payment.ID{UUID: r.Operation.ID.UUID}
				r = until(t, func() (payment.Record, error) {
					return s.Void(t.Context(), payments.Change{PaymentID: paymentID, Key: "reject"})
				})
				require.Equal(t, payment.Voided, r.Payment.State)
				require.False(t, r.Payment.Open())
			}
		}
		s.requireSound()
	})
	t.Run("declines are answers", func(t *testing.T) {
		s, _ := newSimulated(t)
		for token, reason := range map[string]string{
			"tok_declined": "DECLINED", "tok_insufficient_funds": "INSUFFICIENT_FUNDS", "tok_expired_method": "EXPIRED_METHOD",
			"tok_suspected_fraud": "SUSPECTED_FRAUD",
		} {
			r, err := s.Authorize(t.Context(), wish(newOrder(), token))
			require.NoError(t, err)
			require.Equal(t, payment.Failed, r.Payment.State)
			require.Equal(t, reason, r.Payment.Decline)
		}
		s.requireSound()
	})
	t.Run("what the customer must prove is told by the webhook", func(t *testing.T) {
		s, bank := newSimulated(t)
		for outcome, state := range map[string]payment.State{"succeed": payment.Authorized, "fail": payment.Failed} {
			r, err := s.Authorize(t.Context(), wish(newOrder(), "tok_authentication_required"))
			require.NoError(t, err)
			require.Equal(t, payment.RequiresAction, r.Payment.State)
			p, err := s.Settle(t.Context(), r.Payment.ID)
			require.NoError(t, err)
			require.Equal(t, r.Payment, p)
			page, err := url.Parse(p.RedirectURL)
			require.NoError(t, err)
			prove := httptest.NewRequestWithContext(t.Context(), http.MethodPost, page.RequestURI(), strings.NewReader("outcome="+outcome))
			prove.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			bank.Handler().ServeHTTP(httptest.NewRecorder(), prove)
			require.Eventually(t, func() bool {
				p, _, err := s.Get(asStaff(t), r.Payment.ID)
				return err == nil && p.State == state
			}, 10*time.Second, 5*time.Millisecond)
		}
		s.requireSound()
	})
}
