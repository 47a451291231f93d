package gateway

import (
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
)

// EventKind is what an event tells.
type EventKind string

// The kinds of events.
const (
	EventAuthorized     EventKind = "authorized"
	EventDeclined       EventKind = "declined" // an authorization, at once or after authentication
	EventActionRequired EventKind = "action_required"
	EventCaptured       EventKind = "captured"
	EventVoided         EventKind = "voided"
	EventExpired        EventKind = "expired" // the authorization; what was reserved is released
	EventRefunded       EventKind = "refunded"
	EventRefundFailed   EventKind = "refund_failed" // a refund that was Pending will not be paid
	EventOther          EventKind = "other"         // not for us: acknowledge and forget it
)

// Event is what a gateway tells us unasked.
type Event struct {
	ID            string // the same whenever it is delivered: deduplicate by it
	Kind          EventKind
	Key           Key    // of the operation; empty when the gateway does not know it
	Payment       string // our id of the payment; empty when it is not ours
	Authorization AuthorizationID
	Movement      string // may be empty
	Amount        money.Minor
	Currency      money.Currency
	Decline       Decline   // only of EventDeclined
	ExpiresAt     time.Time // only of EventAuthorized, UTC; zero when the gateway does not say
	At            time.Time // UTC
}
