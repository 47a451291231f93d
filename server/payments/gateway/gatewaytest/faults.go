package gatewaytest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
)

func declined(t *testing.T, b *Bench) {
	for method, reason := range map[string]gateway.Decline{
		"declined":           gateway.DeclineByBank,
		"insufficient_funds": gateway.DeclineInsufficientFunds,
		"expired_method":     gateway.DeclineExpiredMethod,
	} {
		t.Run(method+" is an answer with its reason, and reserves nothing", func(t *testing.T) {
			p := b.fresh()
			for range 2 {
				got, err := p.Gateway.Authorize(t.Context(), p.authorizing(1000, method))
				require.NoError(t, err)
				require.Equal(t, gateway.OutcomeDeclined, got.Outcome)
				require.Equal(t, reason, got.Decline)
			}
			inquiry := p.inquire(t, gateway.OperationAuthorize, "", "authorize")
			require.Equal(t, gateway.FateHappened, inquiry.Fate)
			require.Equal(t, reason, inquiry.Result.Decline)
			_, lines := p.moved(t)
			require.Zero(t, lines)
		})
	}
}

func declinedLater(t *testing.T, b *Bench) {
	t.Run("a declined capture takes nothing, and another may follow", func(t *testing.T) {
		p := b.fresh()
		a := p.authorize(t, "capture_declined")
		got, err := p.Gateway.Capture(t.Context(), p.capturing(a, "ship-1", 500, false))
		require.NoError(t, err)
		require.Equal(t, gateway.OutcomeDeclined, got.Outcome)
		sums, _ := p.moved(t)
		require.Zero(t, sums[gateway.MovementCaptured])
	})
}

func authentication(t *testing.T, b *Bench) {
	start := func(t *testing.T) (*payment, gateway.Result) {
		t.Helper()
		p := b.fresh()
		got, err := p.Gateway.Authorize(t.Context(), p.authorizing(1000, "authentication_required"))
		require.NoError(t, err)
		require.Equal(t, gateway.OutcomeActionRequired, got.Outcome)
		require.NotEmpty(t, got.RedirectURL)
		_, lines := p.moved(t)
		require.Zero(t, lines)
		return p, got
	}
	t.Run("a customer who proves who they are has paid", func(t *testing.T) {
		p, got := start(t)
		b.Authenticate(t, got.RedirectURL, true)
		inquiry := p.inquire(t, gateway.OperationAuthorize, "", "authorize")
		require.Equal(t, gateway.OutcomeDone, inquiry.Result.Outcome)
		p.capture(t, inquiry.Result.Authorization, "ship", 1000, true)
		sums, _ := p.moved(t)
		require.Equal(t, map[gateway.MovementKind]money.Minor{gateway.MovementAuthorized: 1000, gateway.MovementCaptured: 1000}, sums)
	})
	t.Run("a customer who does not is declined", func(t *testing.T) {
		p, got := start(t)
		b.Authenticate(t, got.RedirectURL, false)
		inquiry := p.inquire(t, gateway.OperationAuthorize, "", "authorize")
		require.Equal(t, gateway.OutcomeDeclined, inquiry.Result.Outcome)
		require.Equal(t, gateway.DeclineAuthenticationFailed, inquiry.Result.Decline)
	})
	t.Run("nothing can be taken before, and a void ends the wait for good", func(t *testing.T) {
		p, got := start(t)
		_, err := p.Gateway.Capture(t.Context(), p.capturing(got.Authorization, "ship", 1, false))
		refused(t, err, fault.KindPrecondition, fault.ReasonAuthorizationClosed)
		void, err := p.Gateway.Void(t.Context(), p.voiding(got.Authorization, "void"))
		require.NoError(t, err)
		require.Equal(t, gateway.OutcomeDone, void.Outcome)
		b.Authenticate(t, got.RedirectURL, true)
		_, lines := p.moved(t)
		require.Zero(t, lines)
	})
}

// step is one operation, made ready to go wrong.
type step struct {
	operation gateway.Operation
	prefix    string // of the fault's name
	ready     func(tb testing.TB, p *payment, method string) gateway.AuthorizationID
	call      func(tb testing.TB, p *payment, a gateway.AuthorizationID, method string) (gateway.Result, error)
	kind      gateway.MovementKind
}

func steps() []step {
	authorized := func(tb testing.TB, p *payment, method string) gateway.AuthorizationID {
		return p.authorize(tb, method)
	}
	return []step{
		{gateway.OperationAuthorize, "", func(testing.TB, *payment, string) gateway.AuthorizationID { return "" },
			func(tb testing.TB, p *payment, _ gateway.AuthorizationID, method string) (gateway.Result, error) {
				return p.Gateway.Authorize(tb.Context(), p.authorizing(1000, method))
			}, gateway.MovementAuthorized},
		{gateway.OperationCapture, "capture_", authorized,
			func(tb testing.TB, p *payment, a gateway.AuthorizationID, _ string) (gateway.Result, error) {
				return p.Gateway.Capture(tb.Context(), p.capturing(a, "capture", 1000, false))
			}, gateway.MovementCaptured},
		{gateway.OperationVoid, "void_", authorized,
			func(tb testing.TB, p *payment, a gateway.AuthorizationID, _ string) (gateway.Result, error) {
				return p.Gateway.Void(tb.Context(), p.voiding(a, "void"))
			}, gateway.MovementReleased},
		{gateway.OperationRefund, "refund_",
			func(tb testing.TB, p *payment, method string) gateway.AuthorizationID {
				a := p.authorize(tb, method)
				p.capture(tb, a, "capture", 1000, false)
				return a
			},
			func(tb testing.TB, p *payment, a gateway.AuthorizationID, _ string) (gateway.Result, error) {
				return p.Gateway.Refund(tb.Context(), p.refunding(a, "refund", 1000))
			}, gateway.MovementRefunded},
	}
}

// trouble holds what follows when there is no good answer.
func trouble(t *testing.T, b *Bench) {
	for _, s := range steps() {
		for _, c := range []struct {
			fault string
			fate  gateway.Fate
		}{
			{"timeout_before", gateway.FateNeverHappened},
			{"error_500", gateway.FateNeverHappened},
			{"timeout_after", gateway.FateHappened},
			{"error_500_after", gateway.FateHappened},
		} {
			t.Run(text("%s with %s is unknown, inquired as %s, and repeated moves money once", s.operation, c.fault, c.fate), func(t *testing.T) {
				p, method := b.fresh(), s.prefix+c.fault
				a := s.ready(t, p, method)
				_, err := s.call(t, p, a, method)
				require.Error(t, err)
				require.True(t, gateway.IsUnknown(err), "%v", err)
				require.False(t, gateway.IsTemporary(err))
				inquiry := p.inquire(t, s.operation, a, string(s.operation))
				require.Equal(t, c.fate, inquiry.Fate)
				sums, _ := p.moved(t)
				if c.fate == gateway.FateNeverHappened {
					require.Zero(t, sums[s.kind])
				} else {
					require.Equal(t, gateway.OutcomeDone, inquiry.Result.Outcome)
					require.EqualValues(t, 1000, sums[s.kind])
				}
				got, err := s.call(t, p, a, method)
				require.NoError(t, err)
				require.Equal(t, gateway.Inquiry{Fate: gateway.FateHappened, Result: got}, p.inquire(t, s.operation, a, string(s.operation)))
				sums, _ = p.moved(t)
				require.EqualValues(t, 1000, sums[s.kind])
			})
		}
		t.Run(text("%s that was turned away did not happen and may come back", s.operation), func(t *testing.T) {
			p, method := b.fresh(), s.prefix+"refused"
			a := s.ready(t, p, method)
			got, err := s.call(t, p, a, method)
			if err != nil { // a guarded gateway came back by itself
				require.True(t, gateway.IsTemporary(err), "%v", err)
				require.Equal(t, time.Second, fault.From(err).RetryAfter)
				require.Equal(t, gateway.FateNeverHappened, p.inquire(t, s.operation, a, string(s.operation)).Fate)
				got, err = s.call(t, p, a, method)
			}
			require.NoError(t, err)
			require.Equal(t, gateway.OutcomeDone, got.Outcome)
		})
	}
}

func unavailable(t *testing.T, b *Bench) {
	t.Run("a gateway that is down certainly did nothing", func(t *testing.T) {
		p := b.fresh()
		_, err := p.Gateway.Authorize(t.Context(), p.authorizing(1000, "unavailable"))
		require.True(t, gateway.IsTemporary(err), "%v", err)
		require.Equal(t, gateway.FateNeverHappened, p.inquire(t, gateway.OperationAuthorize, "", "authorize").Fate)
	})
	t.Run("a slow answer is an answer", func(t *testing.T) {
		b.fresh().authorize(t, "slow")
	})
}

func expiry(t *testing.T, b *Bench) {
	t.Run("an authorization that is too old cannot be captured, and is released once", func(t *testing.T) {
		p := b.fresh()
		a := p.authorize(t, "expires_soon")
		b.Advance(2 * time.Second)
		_, err := p.Gateway.Capture(t.Context(), p.capturing(a, "ship", 1, false))
		refused(t, err, fault.KindPrecondition, fault.ReasonAuthorizationExpired)
		for range 2 {
			got, err := p.Gateway.Void(t.Context(), p.voiding(a, "void"))
			require.NoError(t, err)
			require.Equal(t, gateway.OutcomeDone, got.Outcome)
		}
		sums, lines := p.moved(t)
		require.EqualValues(t, 1000, sums[gateway.MovementReleased])
		require.Equal(t, 2, lines)
	})
}

func webhooks(t *testing.T, b *Bench) {
	read := func(t *testing.T, p *payment, atLeast int) (kinds map[gateway.EventKind]int, ids map[string]int) {
		t.Helper()
		kinds, ids = map[gateway.EventKind]int{}, map[string]int{}
		for _, d := range b.Webhooks(t, p.id, atLeast) {
			event, err := b.Gateway.ParseWebhook(d.Header, d.Body)
			require.NoError(t, err)
			require.Equal(t, p.id, event.Payment)
			require.NotEmpty(t, event.Authorization)
			kinds[event.Kind]++
			ids[event.ID]++
		}
		return kinds, ids
	}
	t.Run("every movement is told, signed, with the payment and the key", func(t *testing.T) {
		p := b.fresh()
		a := p.authorize(t, "ok")
		p.capture(t, a, "ship", 1000, false)
		_, err := p.Gateway.Refund(t.Context(), p.refunding(a, "return", 10))
		require.NoError(t, err)
		kinds, ids := read(t, p, 3)
		require.Equal(t, map[gateway.EventKind]int{gateway.EventAuthorized: 1, gateway.EventCaptured: 1, gateway.EventRefunded: 1}, kinds)
		require.Len(t, ids, 3)
	})
	t.Run("an authorization is told with its end", func(t *testing.T) {
		p := b.fresh()
		got, err := p.Gateway.Authorize(t.Context(), p.authorizing(1000, "ok"))
		require.NoError(t, err)
		told := b.Webhooks(t, p.id, 1)[0]
		event, err := b.Gateway.ParseWebhook(told.Header, told.Body)
		require.NoError(t, err)
		require.Equal(t, got.ExpiresAt, event.ExpiresAt)
	})
	t.Run("an event that is sent twice has one id", func(t *testing.T) {
		p := b.fresh()
		p.authorize(t, "duplicate_webhook")
		kinds, ids := read(t, p, 2)
		require.Equal(t, map[gateway.EventKind]int{gateway.EventAuthorized: 2}, kinds)
		require.Len(t, ids, 1)
	})
	t.Run("a webhook may come before the answer", func(t *testing.T) {
		p := b.fresh()
		p.authorize(t, "webhook_first")
		kinds, _ := read(t, p, 1)
		require.Equal(t, map[gateway.EventKind]int{gateway.EventAuthorized: 1}, kinds)
	})
	t.Run("a decline is told", func(t *testing.T) {
		p := b.fresh()
		_, err := p.Gateway.Authorize(t.Context(), p.authorizing(1000, "declined"))
		require.NoError(t, err)
		require.Len(t, b.Webhooks(t, p.id, 1), 1)
	})
	t.Run("what happened without an answer is told", func(t *testing.T) {
		p := b.fresh()
		_, err := p.Gateway.Authorize(t.Context(), p.authorizing(1000, "timeout_after"))
		require.True(t, gateway.IsUnknown(err))
		kinds, _ := read(t, p, 1)
		require.Equal(t, map[gateway.EventKind]int{gateway.EventAuthorized: 1}, kinds)
	})
}
