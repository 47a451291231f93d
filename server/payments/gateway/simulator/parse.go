package simulator

import (
	"encoding/json"
	"net/http"

	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
)

// ParseWebhook reads an event of the simulator.
func (g *Gateway) ParseWebhook(header http.Header, body []byte) (gateway.Event, error) {
	err := gateway.VerifySignature(header.Get(signatureHeader), body, g.options.Now(), gateway.SignatureTolerance, g.options.WebhookSecrets...)
	if err != nil {
		return gateway.Event{}, err
	}
	var m eventMessage
	if err := json.Unmarshal(body, &m); err != nil || m.ID == "" {
		return gateway.Event{}, gateway.MalformedWebhook(err)
	}
	kind := m.Kind
	switch kind {
	case gateway.EventAuthorized, gateway.EventDeclined, gateway.EventActionRequired, gateway.EventCaptured,
		gateway.EventVoided, gateway.EventExpired, gateway.EventRefunded, gateway.EventRefundFailed:
	default:
		kind = gateway.EventOther
	}
	return gateway.Event{
		ID: m.ID, Kind: kind, Key: m.Key, Payment: m.Payment, Authorization: gateway.AuthorizationID(m.Authorization),
		Movement: m.Movement, Amount: m.Amount, Currency: m.Currency, Decline: m.Decline, ExpiresAt: timeOf(m.ExpiresMicro),
		At: timeOf(m.AtMicro),
	}, nil
}
