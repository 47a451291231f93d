package gateway

import (
	"errors"
	"net"
	"time"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

// Temporary makes the error of an operation that certainly did not happen and may be sent again,
// after a while if that is not 0. The cause may be nil.
func Temporary(after time.Duration, cause error) error {
	f := fault.New(fault.KindUnavailable, fault.ReasonGatewayUnavailable,
		"the payment gateway does not take requests now")
	f.RetryAfter = after
	return f.Because(cause)
}

// Misconfigured makes the error of an operation that did not happen because the gateway does not
// accept who we are: it helps to retry once an operator has mended that. The cause may be nil.
func Misconfigured(cause error) error {
	return fault.New(fault.KindUnavailable, fault.ReasonGatewayMisconfigured,
		"the payment gateway does not accept our credentials").Because(cause)
}

// Unknown makes the error of an operation that may or may not have happened.
func Unknown(cause error) error {
	return fault.New(fault.KindUnavailable, fault.ReasonPaymentUnknown,
		"the payment gateway did not answer; whether it happened is not known yet").Because(cause)
}

// Unanswered makes the error of a request that got no answer: Temporary when no connection could be
// made, so that not a byte of it left; otherwise Unknown.
func Unanswered(cause error) error {
	var network *net.OpError
	if errors.As(cause, &network) && network.Op == "dial" {
		return Temporary(0, cause)
	}
	return Unknown(cause)
}

// IsTemporary tells whether the operation certainly did not happen and may be sent again.
func IsTemporary(err error) bool {
	switch fault.ReasonOf(err) {
	case fault.ReasonGatewayUnavailable, fault.ReasonGatewayMisconfigured, fault.ReasonDependencyDown:
		return true
	default:
		return false
	}
}

// IsUnknown tells whether the operation may or may not have happened. An error that is no fault of
// a known sort counts as unknown: claiming that nothing happened takes a reason.
func IsUnknown(err error) bool {
	return err != nil && !IsTemporary(err) && !IsRefused(err)
}

// IsRefused tells whether the gateway refused the request for good, and nothing happened.
func IsRefused(err error) bool {
	switch fault.KindOf(err) {
	case fault.KindInvalid, fault.KindNotFound, fault.KindExists, fault.KindPrecondition:
		return true
	default:
		return false
	}
}
