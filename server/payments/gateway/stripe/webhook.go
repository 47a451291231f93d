package stripe

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v86"

	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
)

const signatureHeader = "Stripe-Signature"

// ParseWebhook reads an event of Stripe. The signature is checked twice: by ours, which refuses
// clocks that run ahead and takes several secrets, and by stripe-go's.
func (g *Gateway) ParseWebhook(header http.Header, body []byte) (gateway.Event, error) {
	signature := header.Get(signatureHeader)
	err := gateway.VerifySignature(signature, body, g.options.Now(), gateway.SignatureTolerance, g.options.WebhookSecrets...)
	if err != nil {
		return gateway.Event{}, err
	}
	var event stripe.Event
	for _, secret := range g.options.WebhookSecrets {
		// The times were checked above. Another API version is no reason to lose an event: what we
		// read of it is older than any version in use.
		event, err = g.api.ConstructEvent(body, signature, secret, stripe.WithIgnoreTolerance(), stripe.WithIgnoreAPIVersionMismatch())
		if err == nil {
			break
		}
	}
	if err != nil || event.ID == "" {
		return gateway.Event{}, gateway.MalformedWebhook(err)
	}
	return read(&event)
}

// intentEvents are the events about a PaymentIntent that are for us.
var intentEvents = map[stripe.EventType]gateway.EventKind{
	"payment_intent.amount_capturable_updated": gateway.EventAuthorized,
	"payment_intent.requires_action":           gateway.EventActionRequired,
	"payment_intent.payment_failed":            gateway.EventDeclined,
	"payment_intent.canceled":                  gateway.EventVoided,
	"payment_intent.succeeded":                 gateway.EventCaptured,
}

func read(event *stripe.Event) (gateway.Event, error) {
	out := gateway.Event{ID: event.ID, Kind: gateway.EventOther, At: timeOf(event.Created)}
	if event.Data == nil {
		return out, nil
	}
	if kind, ours := intentEvents[event.Type]; ours {
		var intent stripe.PaymentIntent
		if err := json.Unmarshal(event.Data.Raw, &intent); err != nil {
			return gateway.Event{}, gateway.MalformedWebhook(err)
		}
		out.Kind = kind
		readIntent(&out, &intent)
		return out, nil
	}
	switch event.Type {
	case "refund.created", "refund.updated", "refund.failed", "charge.refund.updated":
		var refund stripe.Refund
		if err := json.Unmarshal(event.Data.Raw, &refund); err != nil {
			return gateway.Event{}, gateway.MalformedWebhook(err)
		}
		readRefund(&out, &refund)
	default:
	}
	return out, nil
}

func readIntent(out *gateway.Event, intent *stripe.PaymentIntent) {
	out.Authorization, out.Payment = gateway.AuthorizationID(intent.ID), intent.Metadata[metadataPayment]
	out.Amount, out.Currency = fromStripe(intent.Amount, intent.Currency)
	if intent.LatestCharge != nil {
		out.Movement = intent.LatestCharge.ID
	}
	received, _ := fromStripe(intent.AmountReceived, intent.Currency)
	switch {
	case out.Kind == gateway.EventAuthorized && received > 0:
		out.Kind, out.Amount = gateway.EventCaptured, received // a part was captured: less is capturable
	case out.Kind == gateway.EventCaptured:
		out.Amount = received
	case out.Kind == gateway.EventVoided && intent.CancellationReason == stripe.PaymentIntentCancellationReasonExpired:
		out.Kind = gateway.EventExpired
	case out.Kind == gateway.EventDeclined:
		out.Decline = gateway.DeclineByBank
		if intent.LastPaymentError != nil {
			out.Decline = declineOf(intent.LastPaymentError)
		}
	}
	switch out.Kind {
	case gateway.EventAuthorized, gateway.EventDeclined, gateway.EventActionRequired:
		out.Key = gateway.Key(intent.Metadata[metadataKey])
	default: // of the others Stripe does not say which request it was
	}
}

func readRefund(out *gateway.Event, refund *stripe.Refund) {
	switch refund.Status {
	case stripe.RefundStatusSucceeded:
		out.Kind = gateway.EventRefunded
	case stripe.RefundStatusFailed, stripe.RefundStatusCanceled:
		out.Kind = gateway.EventRefundFailed
	default:
		return // it will be told again
	}
	out.Key, out.Payment = gateway.Key(refund.Metadata[metadataKey]), refund.Metadata[metadataPayment]
	out.Movement = refund.ID
	out.Amount, out.Currency = fromStripe(refund.Amount, refund.Currency)
	if refund.PaymentIntent != nil {
		out.Authorization = gateway.AuthorizationID(refund.PaymentIntent.ID)
	}
}

func timeOf(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
