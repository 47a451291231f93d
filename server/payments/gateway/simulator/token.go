package simulator

import (
	"slices"
	"strings"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
)

// The faults, by the names that tokens have for them, in the order of the documentation.
const (
	faultNone             = "ok"
	faultDeclined         = "declined"
	faultFunds            = "insufficient_funds"
	faultExpiredMethod    = "expired_method"
	faultFraud            = "suspected_fraud"
	faultAuthentication   = "authentication_required"
	faultTimeoutBefore    = "timeout_before"
	faultTimeoutAfter     = "timeout_after"
	faultErrorBefore      = "error_500"
	faultErrorAfter       = "error_500_after"
	faultRefused          = "refused"
	faultUnavailable      = "unavailable"
	faultSlow             = "slow"
	faultDuplicateWebhook = "duplicate_webhook"
	faultWebhookFirst     = "webhook_first"
	faultWebhookLost      = "webhook_lost"
	faultExpiresSoon      = "expires_soon"
)

var faults = []string{
	faultNone, faultDeclined, faultFunds, faultExpiredMethod, faultFraud, faultAuthentication,
	faultTimeoutBefore, faultTimeoutAfter, faultErrorBefore, faultErrorAfter, faultRefused,
	faultUnavailable, faultSlow, faultDuplicateWebhook, faultWebhookFirst, faultWebhookLost,
	faultExpiresSoon,
}

// onceOnly are the faults that strike the first request of a key.
var onceOnly = []string{
	faultTimeoutBefore, faultTimeoutAfter, faultErrorBefore, faultErrorAfter, faultRefused, faultSlow,
}

var declines = map[string]gateway.Decline{
	faultDeclined:      gateway.DeclineByBank,
	faultFunds:         gateway.DeclineInsufficientFunds,
	faultExpiredMethod: gateway.DeclineExpiredMethod,
	faultFraud:         gateway.DeclineSuspectedFraud,
}

// faultyAmount and the next ones are the amounts that stand for faults[0], faults[1] …
const faultyAmount money.Minor = 90_000_000

// checkToken refuses a tok_ token that is not in the table: a misspelt fault would test nothing.
func checkToken(method string) error {
	name, ours := strings.CutPrefix(method, "tok_")
	if _, later := laterFault(method); !ours || later != "" || slices.Contains(faults, name) {
		return nil
	}
	return fault.Invalid(fault.ReasonPaymentMethodInvalid, "method", "the simulator knows no token %s", method)
}

// laterFault tells which later operation a token makes misbehave, and how; empty for none.
func laterFault(method string) (gateway.Operation, string) {
	name, ours := strings.CutPrefix(method, "tok_")
	if !ours {
		return "", ""
	}
	return splitFault(name)
}

func splitFault(name string) (gateway.Operation, string) {
	operation, rest, _ := strings.Cut(name, "_")
	switch o := gateway.Operation(operation); o {
	case gateway.OperationCapture, gateway.OperationVoid, gateway.OperationRefund:
		if slices.Contains(faults, rest) {
			return o, rest
		}
	default:
	}
	return "", ""
}

// faultOf tells which fault a request asks for by its token, its amount or its authorization.
func faultOf(r *operationRequest) string {
	if r.Operation == gateway.OperationAuthorize {
		if name, ours := strings.CutPrefix(r.Method, "tok_"); ours && name != faultNone && slices.Contains(faults, name) {
			return name
		}
		if n := r.Amount - faultyAmount; n > 0 && n < money.Minor(len(faults)) {
			return faults[n]
		}
		return faultNone
	}
	_, later, _ := strings.Cut(r.Authorization, ".")
	if operation, name := splitFault(later); operation == r.Operation {
		return name
	}
	return faultNone
}

func strikesOnce(name string) bool { return slices.Contains(onceOnly, name) }
