package stripe

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/stripe/stripe-go/v86"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
)

// captureName is the name of the metadata that a capture leaves; Stripe allows 40 characters.
func captureName(key gateway.Key) string {
	sum := sha256.Sum256([]byte(key))
	return "op_" + hex.EncodeToString(sum[:16])
}

// authorized reads the answer of an authorization off its PaymentIntent, as it stands now.
func authorized(intent *stripe.PaymentIntent) gateway.Result {
	amount, currency := fromStripe(intent.Amount, intent.Currency)
	result := gateway.Result{Outcome: gateway.OutcomeDone, Authorization: gateway.AuthorizationID(intent.ID), Currency: currency}
	switch intent.Status {
	case stripe.PaymentIntentStatusRequiresAction, stripe.PaymentIntentStatusRequiresConfirmation:
		result.Outcome = gateway.OutcomeActionRequired
		if next := intent.NextAction; next != nil && next.RedirectToURL != nil {
			result.RedirectURL = next.RedirectToURL.URL
		}
	case stripe.PaymentIntentStatusProcessing:
		result.Outcome = gateway.OutcomePending
	case stripe.PaymentIntentStatusRequiresPaymentMethod:
		result.Outcome, result.Authorization, result.Decline = gateway.OutcomeDeclined, "", gateway.DeclineByBank
		if intent.LastPaymentError != nil {
			result.Decline = declineOf(intent.LastPaymentError)
		}
	case stripe.PaymentIntentStatusCanceled:
		if intent.LatestCharge == nil {
			result.Outcome, result.Decline = gateway.OutcomeDeclined, gateway.DeclineAuthenticationFailed
		}
	default: // requires_capture, succeeded: the money was reserved
	}
	if result.Outcome == gateway.OutcomeDone {
		result.Amount, result.Movement = amount, intent.ID
		if charge := intent.LatestCharge; charge != nil {
			result.Movement = charge.ID
			if d := charge.PaymentMethodDetails; d != nil && d.Card != nil {
				result.ExpiresAt = timeOf(d.Card.CaptureBefore)
			}
		}
	}
	return result
}

func captured(intent *stripe.PaymentIntent, amount money.Minor) gateway.Result {
	_, currency := fromStripe(0, intent.Currency)
	result := gateway.Result{
		Outcome: gateway.OutcomeDone, Authorization: gateway.AuthorizationID(intent.ID), Movement: intent.ID,
		Amount: amount, Currency: currency,
	}
	if intent.LatestCharge != nil {
		result.Movement = intent.LatestCharge.ID
	}
	return result
}

func voided(intent *stripe.PaymentIntent) gateway.Result {
	amount, currency := fromStripe(intent.Amount, intent.Currency)
	return gateway.Result{
		Outcome: gateway.OutcomeDone, Authorization: gateway.AuthorizationID(intent.ID), Movement: intent.ID,
		Amount: amount, Currency: currency,
	}
}

func refunded(refund *stripe.Refund, authorization gateway.AuthorizationID) gateway.Result {
	amount, currency := fromStripe(refund.Amount, refund.Currency)
	result := gateway.Result{
		Outcome: gateway.OutcomePending, Authorization: authorization, Movement: refund.ID, Amount: amount, Currency: currency,
	}
	switch refund.Status {
	case stripe.RefundStatusSucceeded:
		result.Outcome = gateway.OutcomeDone
	case stripe.RefundStatusFailed, stripe.RefundStatusCanceled:
		result.Outcome, result.Decline, result.Amount = gateway.OutcomeDeclined, gateway.DeclineByBank, 0
	default: // pending, requires_action
	}
	return result
}

// alreadyDone is the answer of a void of what is canceled.
func alreadyDone(intent *stripe.PaymentIntent) gateway.Result {
	result := voided(intent)
	result.Amount, result.Movement = 0, ""
	return result
}

func refusal(kind fault.Kind, reason fault.Reason, text string, cause error) error {
	return fault.New(kind, reason, "%s", text).Because(cause)
}
