package stripe_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway/stripe"
)

func TestGateway_ParseWebhook(t *testing.T) {
	g := stripe.New(stripe.Options{SecretKey: "sk_test_123", WebhookSecrets: []string{"old", secret}})
	defer g.Close()
	intent := func(kind, fields string) string {
		return `{"id":"evt_1","object":"event","type":"` + kind + `","created":1,"data":{"object":{"id":"pi_1","object":"payment_intent",` +
			`"amount":1000,"currency":"jpy","metadata":{"orderprocessing_payment":"pay_1","orderprocessing_key":"k"},` + fields + `}}}`
	}
	refund := func(kind, status string) string {
		return `{"id":"evt_2","object":"event","type":"` + kind + `","created":1,"data":{"object":{"id":"re_1","object":"refund",` +
			`"amount":300,"currency":"gbp","payment_intent":"pi_1","status":"` + status + `",` +
			`"metadata":{"orderprocessing_payment":"pay_1","orderprocessing_key":"k"}}}}`
	}
	base := gateway.Event{ID: "evt_1", Payment: "pay_1", Authorization: "pi_1", Amount: 1000, Currency: "JPY", At: time.Unix(1, 0).UTC()}
	with := func(change func(*gateway.Event)) gateway.Event {
		e := base
		change(&e)
		return e
	}
	paid := gateway.Event{
		ID: "evt_2", Payment: "pay_1", Authorization: "pi_1", Amount: 300, Currency: "GBP", At: base.At, Key: "k", Movement: "re_1",
	}
	for name, c := range map[string]struct {
		body string
		want gateway.Event
	}{
		"authorized": {intent("payment_intent.amount_capturable_updated", `"amount_received":0`),
			with(func(e *gateway.Event) { e.Kind, e.Key = gateway.EventAuthorized, "k" })},
		"captured in part": {intent("payment_intent.amount_capturable_updated", `"amount_received":400`),
			with(func(e *gateway.Event) { e.Kind, e.Amount = gateway.EventCaptured, 400 })},
		"captured": {intent("payment_intent.succeeded", `"amount_received":900,"latest_charge":"ch_1"`),
			with(func(e *gateway.Event) { e.Kind, e.Amount, e.Movement = gateway.EventCaptured, 900, "ch_1" })},
		"declined": {intent("payment_intent.payment_failed", `"last_payment_error":{"code":"card_declined","decline_code":"stolen_card"}`),
			with(func(e *gateway.Event) {
				e.Kind, e.Key, e.Decline = gateway.EventDeclined, "k", gateway.DeclineTryAnotherMethod
			})},
		"action required": {intent("payment_intent.requires_action", `"status":"requires_action"`),
			with(func(e *gateway.Event) { e.Kind, e.Key = gateway.EventActionRequired, "k" })},
		"voided": {intent("payment_intent.canceled", `"cancellation_reason":"requested_by_customer"`),
			with(func(e *gateway.Event) { e.Kind = gateway.EventVoided })},
		"expired": {intent("payment_intent.canceled", `"cancellation_reason":"expired"`),
			with(func(e *gateway.Event) { e.Kind = gateway.EventExpired })},
		"refunded": {refund("refund.created", "succeeded"),
			func() gateway.Event { e := paid; e.Kind = gateway.EventRefunded; return e }()},
		"a refund that failed": {refund("refund.failed", "failed"),
			func() gateway.Event { e := paid; e.Kind = gateway.EventRefundFailed; return e }()},
		"a refund that waits is not for us": {refund("refund.created", "pending"),
			gateway.Event{ID: "evt_2", Kind: gateway.EventOther, At: base.At}},
		"another sort is not for us": {`{"id":"evt_3","object":"event","type":"customer.created","created":1,"data":{"object":{"id":7}}}`,
			gateway.Event{ID: "evt_3", Kind: gateway.EventOther, At: base.At}},
	} {
		t.Run(name, func(t *testing.T) {
			body := []byte(c.body)
			got, err := g.ParseWebhook(sign(time.Now(), body), body)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
	t.Run("an object that is none is malformed", func(t *testing.T) {
		body := []byte(strings.Replace(intent("payment_intent.succeeded", `"status":"x"`), `"amount":1000`, `"amount":"a lot"`, 1))
		_, err := g.ParseWebhook(sign(time.Now(), body), body)
		require.Equal(t, fault.ReasonWebhookMalformed, fault.ReasonOf(err))
	})
}

func FuzzGateway_ParseWebhook(f *testing.F) {
	g := stripe.New(stripe.Options{SecretKey: "sk_test_123", WebhookSecrets: []string{secret}})
	f.Add([]byte(intentEvent))
	f.Add([]byte(`{"id":"evt_1","object":"event","type":"refund.updated","data":{"object":null}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		_, err := g.ParseWebhook(sign(time.Now(), body), body)
		if err != nil && fault.ReasonOf(err) != fault.ReasonWebhookMalformed {
			t.Fatalf("%v", err)
		}
	})
}
