package stripe

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/stripe/stripe-go/v86"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
)

// failed turns an error of stripe-go into an answer or an error of ours.
func failed(operation gateway.Operation, err error) (gateway.Result, error) {
	var e *stripe.Error
	if !errors.As(err, &e) {
		return gateway.Result{}, gateway.Unanswered(err)
	}
	cause := causeOf(e)
	switch {
	case e.Type == stripe.ErrorTypeIdempotency:
		return gateway.Result{}, refusal(fault.KindExists, fault.ReasonRequestIDReused, "this key was used for a different request", cause)
	case e.Code == stripe.ErrorCodeIdempotencyKeyInUse:
		return gateway.Result{}, gateway.Unknown(cause) // another request with this key is being done
	case e.HTTPStatusCode == http.StatusTooManyRequests:
		return gateway.Result{}, gateway.Temporary(retryAfter(e), cause)
	case e.HTTPStatusCode == http.StatusUnauthorized, e.HTTPStatusCode == http.StatusForbidden:
		return gateway.Result{}, gateway.Misconfigured(cause)
	case e.HTTPStatusCode >= http.StatusInternalServerError, e.HTTPStatusCode == http.StatusConflict, e.HTTPStatusCode == 0:
		return gateway.Result{}, gateway.Unknown(cause)
	case e.Type == stripe.ErrorTypeCard:
		return gateway.Result{Outcome: gateway.OutcomeDeclined, Decline: declineOf(e)}, nil
	case operation == gateway.OperationVoid && e.PaymentIntent != nil && e.PaymentIntent.Status == stripe.PaymentIntentStatusCanceled:
		return alreadyDone(e.PaymentIntent), nil
	default:
		return gateway.Result{}, refused(operation, e, cause)
	}
}

// refused names what the state or the request forbids.
func refused(operation gateway.Operation, e *stripe.Error, cause error) error {
	state := func(reason fault.Reason, text string) error {
		return refusal(fault.KindPrecondition, reason, text, cause)
	}
	switch {
	case e.Code == stripe.ErrorCodeResourceMissing && operation == gateway.OperationAuthorize:
		return refusal(fault.KindInvalid, fault.ReasonPaymentMethodInvalid, "Stripe does not know this payment method", cause)
	case e.Code == stripe.ErrorCodeResourceMissing:
		return refusal(fault.KindNotFound, fault.ReasonAuthorizationMissing, "there is no such authorization", cause)
	case e.Code == stripe.ErrorCodeChargeExpiredForCapture, e.Code == stripe.ErrorCodeCaptureChargeAuthorizationExpired:
		return state(fault.ReasonAuthorizationExpired, "the authorization has expired")
	case operation == gateway.OperationCapture && e.Code == stripe.ErrorCodeParameterInvalidInteger:
		return refusal(fault.KindInvalid, fault.ReasonAmountInvalid, "Stripe does not capture this amount", cause)
	case operation == gateway.OperationRefund && (e.Code == stripe.ErrorCodeChargeAlreadyRefunded || e.Param == "amount"):
		return state(fault.ReasonRefundTooLarge, "less is left to refund")
	case operation == gateway.OperationCapture && (e.Code == stripe.ErrorCodeAmountTooLarge || e.Param == "amount_to_capture"):
		return state(fault.ReasonCaptureTooLarge, "less is left of the authorization")
	case e.Code == stripe.ErrorCodePaymentIntentUnexpectedState && e.PaymentIntent != nil:
		switch intent := e.PaymentIntent; {
		case intent.CancellationReason == stripe.PaymentIntentCancellationReasonExpired:
			return state(fault.ReasonAuthorizationExpired, "the authorization has expired")
		case operation == gateway.OperationVoid:
			return state(fault.ReasonPaymentCaptured, "money was captured; refund it instead")
		case operation == gateway.OperationCapture && intent.AmountReceived == intent.Amount:
			return state(fault.ReasonCaptureTooLarge, "nothing is left of the authorization")
		default:
			return state(fault.ReasonAuthorizationClosed, "the authorization is not open")
		}
	default:
		return state(fault.ReasonGatewayRefused, "Stripe refused the request")
	}
}

// causeOf is what may be logged of an error: Stripe's codes, never its messages or objects.
func causeOf(e *stripe.Error) error {
	return fmt.Errorf("stripe: status %d, type %s, code %s, decline %s, parameter %s, request %s",
		e.HTTPStatusCode, e.Type, e.Code, e.DeclineCode, e.Param, e.RequestID)
}

const maxRetryAfter = time.Hour

func retryAfter(e *stripe.Error) time.Duration {
	if e.LastResponse == nil {
		return 0
	}
	seconds, err := strconv.Atoi(e.LastResponse.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(min(seconds, 1<<20))*time.Second, maxRetryAfter)
}

var declines = map[string]gateway.Decline{
	"insufficient_funds":                    gateway.DeclineInsufficientFunds,
	"expired_card":                          gateway.DeclineExpiredMethod,
	"authentication_required":               gateway.DeclineAuthenticationFailed,
	"payment_intent_authentication_failure": gateway.DeclineAuthenticationFailed,
	"fraudulent":                            gateway.DeclineSuspectedFraud,
	"merchant_blacklist":                    gateway.DeclineSuspectedFraud,
	"card_velocity_exceeded":                gateway.DeclineLimitExceeded,
	"withdrawal_count_limit_exceeded":       gateway.DeclineLimitExceeded,
	"card_decline_rate_limit_exceeded":      gateway.DeclineLimitExceeded,
	"incorrect_number":                      gateway.DeclineInvalidMethod,
	"invalid_number":                        gateway.DeclineInvalidMethod,
	"incorrect_cvc":                         gateway.DeclineInvalidMethod,
	"invalid_cvc":                           gateway.DeclineInvalidMethod,
	"invalid_expiry_month":                  gateway.DeclineInvalidMethod,
	"invalid_expiry_year":                   gateway.DeclineInvalidMethod,
	"invalid_account":                       gateway.DeclineInvalidMethod,
	"card_not_supported":                    gateway.DeclineInvalidMethod,
	"currency_not_supported":                gateway.DeclineInvalidMethod,
	"lost_card":                             gateway.DeclineTryAnotherMethod,
	"stolen_card":                           gateway.DeclineTryAnotherMethod,
	"pickup_card":                           gateway.DeclineTryAnotherMethod,
	"restricted_card":                       gateway.DeclineTryAnotherMethod,
}

// declineOf gives our reason: by the bank's code, or else by Stripe's
// (https://docs.stripe.com/declines/codes).
func declineOf(e *stripe.Error) gateway.Decline {
	for _, code := range []string{string(e.DeclineCode), string(e.Code)} {
		if reason, known := declines[code]; known {
			return reason
		}
	}
	return gateway.DeclineByBank
}
