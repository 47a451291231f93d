package payments_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
)

func TestService_HandleWebhook(t *testing.T) {
	t.Run("a webhook ends what was unknown; twice is once", func(t *testing.T) {
		s := newShop(t)
		s.fake.trouble = lostAfter
		var told gateway.Event
		s.fake.early = func(e gateway.Event) { told = e }
		r, err := s.Authorize(t.Context(), wish(newOrder(), "tok_ok"))
		requireReason(t, fault.ReasonPaymentUnknown, err)
		for range 3 {
			header, body := post(told, time.Now())
			require.NoError(t, s.HandleWebhook(t.Context(), "test", header, body))
		}
		p, _, err := s.Get(asStaff(t), r.Payment.ID)
		require.NoError(t, err)
		require.Equal(t, payment.Authorized, p.State)
		require.Equal(t, r.Payment.Version+1, p.Version)
		s.requireSound()
	})
	t.Run("what the gateway has answered to the saga is no news to the order, all else is", func(t *testing.T) {
		s := newShop(t)
		var told []gateway.Event
		s.fake.early = func(e gateway.Event) { told = append(told, e) }
		moved := 0
		s.Moved = func(context.Context, order.ID) error { moved++; return nil }
		p := s.authorized()
		header, body := post(told[0], time.Now())
		require.NoError(t, s.HandleWebhook(t.Context(), "test", header, body))
		require.Zero(t, moved)
		_, err := s.Void(t.Context(), payments.Change{PaymentID: p.ID, Key: "void"})
		require.NoError(t, err)
		header, body = post(told[1], time.Now()) // the order may have been confirmed just then
		require.NoError(t, s.HandleWebhook(t.Context(), "test", header, body))
		require.Equal(t, 1, moved)
		other := told[0] // the same operation, and news
		other.ID, other.Kind = "evt_other", gateway.EventDeclined
		header, body = post(other, time.Now())
		require.NoError(t, s.HandleWebhook(t.Context(), "test", header, body))
		require.Equal(t, 2, moved)
	})
	t.Run("a webhook before the answer, and the answer adds nothing", func(t *testing.T) {
		s := newShop(t)
		s.fake.early = func(e gateway.Event) {
			header, body := post(e, time.Now())
			require.NoError(t, s.HandleWebhook(context.WithoutCancel(t.Context()), "test", header, body))
		}
		p := s.authorized()
		require.NotEmpty(t, p.Authorization) // the answer knows more than the webhook
		require.False(t, p.Expires.IsZero())
		_, err := s.Capture(t.Context(), payments.Change{PaymentID: p.ID, Amount: 40, Key: "ship"})
		require.NoError(t, err)
		_, err = s.Refund(t.Context(), payments.Change{PaymentID: p.ID, Amount: 10, Key: "return"})
		require.NoError(t, err)
		s.requireSound()
	})
	t.Run("late and out of order ones change nothing any more", func(t *testing.T) {
		s := newShop(t)
		var told []gateway.Event
		s.fake.early = func(e gateway.Event) { told = append(told, e) }
		p := s.authorized()
		r, err := s.Void(t.Context(), payments.Change{PaymentID: p.ID, Key: "void"})
		require.NoError(t, err)
		late := gateway.Event{ID: "evt_late", Kind: gateway.EventDeclined, Key: told[0].Key, Payment: p.ID.String(), Decline: gateway.DeclineByBank}
		for _, e := range []gateway.Event{told[1], told[0], late} {
			header, body := post(e, time.Now())
			require.NoError(t, s.HandleWebhook(t.Context(), "test", header, body))
		}
		after, _, err := s.Get(asStaff(t), p.ID)
		require.NoError(t, err)
		require.Equal(t, r.Payment, after)
	})
	t.Run("the customer proves who they are, and the webhook tells", func(t *testing.T) {
		s := newShop(t)
		w := wish(newOrder(), "tok_action")
		r, err := s.Authorize(t.Context(), w)
		require.NoError(t, err)
		require.Equal(t, payment.RequiresAction, r.Payment.State)
		require.NotEmpty(t, r.Payment.RedirectURL)
		header, body := post(gateway.Event{
			ID: "evt_1", Kind: gateway.EventAuthorized, Payment: r.Payment.ID.String(), Amount: 100, Authorization: "auth",
		}, time.Now())
		require.NoError(t, s.HandleWebhook(t.Context(), "test", header, body))
		r, err = s.Authorize(t.Context(), w)
		require.NoError(t, err)
		require.Equal(t, payment.Authorized, r.Payment.State)
		require.Equal(t, "auth", r.Payment.Authorization)
	})
	t.Run("an authorization that lapsed is let go of", func(t *testing.T) {
		s := newShop(t)
		p := s.authorized()
		s.fake.with(func(f *fake) { f.move(gateway.MovementReleased, "", p.ID.String(), 100) })
		header, body := post(gateway.Event{ID: "evt_1", Kind: gateway.EventExpired, Payment: p.ID.String()}, time.Now())
		require.NoError(t, s.HandleWebhook(t.Context(), "test", header, body))
		p, _, err := s.Get(asStaff(t), p.ID)
		require.NoError(t, err)
		require.Equal(t, payment.AuthExpired, p.State)
		_, err = s.Capture(t.Context(), payments.Change{PaymentID: p.ID, Amount: 1, Key: "x"})
		requireReason(t, fault.ReasonAuthorizationExpired, err)
		s.requireSound()
	})
	t.Run("one that was given up and happened after all is voided", func(t *testing.T) {
		s := newShop(t)
		s.fake.trouble = turnedAway
		w := wish(newOrder(), "tok_ok")
		r, err := s.Authorize(t.Context(), w)
		requireReason(t, fault.ReasonGatewayUnavailable, err)
		_, err = s.Void(t.Context(), payments.Change{PaymentID: r.Payment.ID, Key: "reject"})
		require.NoError(t, err)
		_, err = s.Authorize(t.Context(), w)
		requireReason(t, fault.ReasonAuthorizationClosed, err)
		var told gateway.Event
		s.fake.early = func(e gateway.Event) { told = e }
		_, err = s.fake.Authorize(t.Context(), gateway.AuthorizeRequest{ // a gateway that broke its promise
			Key: gateway.Key(r.Operation.Key), Payment: r.Payment.ID.String(), Amount: 100, Currency: "GBP", Method: "tok_ok",
		})
		require.NoError(t, err)
		s.fake.early = nil
		told.Authorization = gateway.AuthorizationID("auth/" + string(r.Operation.Key))
		header, body := post(told, time.Now())
		require.NoError(t, s.HandleWebhook(t.Context(), "test", header, body))
		p, _, err := s.Get(asStaff(t), r.Payment.ID)
		require.NoError(t, err)
		require.Equal(t, payment.Voided, p.State)
		s.requireSound()
	})
	t.Run("one that is cut off is to be sent again, and is no error of ours", func(t *testing.T) {
		s := newShop(t)
		p := s.authorized()
		ended := fault.New(fault.KindUnavailable, fault.ReasonShuttingDown, "the server is shutting down")
		for reason, cause := range map[fault.Reason]error{fault.ReasonCanceled: nil, fault.ReasonShuttingDown: ended} {
			var logs bytes.Buffer
			ctx, cut := context.WithCancelCause(t.Context())
			cut(cause)
			header, body := post(gateway.Event{ID: "evt_1", Kind: gateway.EventExpired, Payment: p.ID.String()}, time.Now())
			r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", bytes.NewReader(body))
			r.Header = header
			answer := httptest.NewRecorder()
			payments.NewWebhookHandler(s.Service, "test", slog.New(slog.NewTextHandler(&logs, nil))).ServeHTTP(answer, r)
			require.Equal(t, http.StatusServiceUnavailable, answer.Code)
			require.Contains(t, answer.Body.String(), string(reason))
			require.NotContains(t, logs.String(), "level=ERROR")
			require.Contains(t, logs.String(), string(reason))
		}
	})
	t.Run("wrong signatures, old times and unknown payments are refused with their reasons", func(t *testing.T) {
		s := newShop(t)
		p := s.authorized()
		server := httptest.NewServer(payments.NewWebhookHandler(s.Service, "test", slog.New(slog.DiscardHandler)))
		defer server.Close()
		defer http.DefaultClient.CloseIdleConnections()
		e := gateway.Event{ID: "evt_1", Kind: gateway.EventExpired, Payment: p.ID.String()}
		strange := gateway.Event{ID: "evt_2", Kind: gateway.EventExpired, Payment: payment.ID{UUID: newOrder().UUID}.String()}
		nonsense := gateway.Event{ID: "evt_3", Kind: gateway.EventExpired, Payment: "nonsense"}
		nameless := gateway.Event{Kind: gateway.EventExpired, Payment: p.ID.String()}
		foreign := gateway.Event{ID: "evt_4", Kind: gateway.EventOther}
		for _, c := range []struct {
			event  gateway.Event
			at     time.Time
			spoil  bool
			status int
			reason fault.Reason
		}{
			{e, time.Now(), true, http.StatusUnauthorized, fault.ReasonWebhookSignature},
			{e, time.Now().Add(-time.Hour), false, http.StatusUnauthorized, fault.ReasonWebhookTooOld},
			{strange, time.Now(), false, http.StatusNotFound, fault.ReasonPaymentNotFound},
			{nonsense, time.Now(), false, http.StatusNotFound, fault.ReasonPaymentNotFound},
			{nameless, time.Now(), false, http.StatusBadRequest, fault.ReasonWebhookMalformed},
			{foreign, time.Now(), false, http.StatusNoContent, ""},
		} {
			header, body := post(c.event, c.at)
			if c.spoil {
				body[len(body)-2]++
			}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader(string(body)))
			require.NoError(t, err)
			r.Header = header
			answer, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			text, err := io.ReadAll(answer.Body)
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
			require.Equal(t, c.status, answer.StatusCode, "%s", text)
			require.Contains(t, string(text), string(c.reason))
		}
		after, _, err := s.Get(asStaff(t), p.ID)
		require.NoError(t, err)
		require.Equal(t, p, after)
	})
}
