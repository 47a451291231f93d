package gateway

import (
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
)

// Outcome is what the bank decided. The zero value is none: forgetting to look never means Done.
type Outcome string

// The outcomes.
const (
	OutcomeDone           Outcome = "done"            // it happened
	OutcomeDeclined       Outcome = "declined"        // the bank said no; final
	OutcomeActionRequired Outcome = "action_required" // the customer must go to RedirectURL; not final
	OutcomePending        Outcome = "pending"         // accepted; the webhook or Inquire tells the end
)

// Decline is why the bank said no: a stable name, safe to show.
type Decline string

// The reasons of a decline.
const (
	DeclineByBank               Decline = "DECLINED" // the bank gives no better reason
	DeclineInsufficientFunds    Decline = "INSUFFICIENT_FUNDS"
	DeclineExpiredMethod        Decline = "EXPIRED_METHOD"
	DeclineInvalidMethod        Decline = "INVALID_METHOD" // unknown, or not of this kind of payment
	DeclineSuspectedFraud       Decline = "SUSPECTED_FRAUD"
	DeclineAuthenticationFailed Decline = "AUTHENTICATION_FAILED"
	DeclineLimitExceeded        Decline = "LIMIT_EXCEEDED"
	DeclineTryAnotherMethod     Decline = "TRY_ANOTHER_METHOD" // lost, stolen, restricted: never try this one again
)

// Result is an answer of the bank.
type Result struct {
	Outcome       Outcome
	Authorization AuthorizationID // also of a payment that needs action; may be empty when declined
	Movement      string          // the gateway's id of what moved; empty unless Done or Pending
	Amount        money.Minor     // what moved: of a Void what was released
	Currency      money.Currency
	Decline       Decline   // only when Declined
	RedirectURL   string    // only when ActionRequired
	ExpiresAt     time.Time // of an authorization that is Done, UTC; zero when the gateway does not say
}

// Fate is what became of an operation.
type Fate string

// The fates.
const (
	FateHappened      Fate = "happened"       // the gateway has an answer: Result
	FateNeverHappened Fate = "never_happened" // it had no effect and will have none
	FateInProgress    Fate = "in_progress"    // too early to say; ask again later
)

// Inquiry is what the gateway knows of an operation.
type Inquiry struct {
	Fate   Fate
	Result Result // only when it Happened
}

// MovementKind is a sort of movement in a gateway's ledger.
type MovementKind string

// The kinds. Amounts are positive in all of them.
const (
	MovementAuthorized MovementKind = "authorized" // reserved
	MovementCaptured   MovementKind = "captured"   // taken
	MovementReleased   MovementKind = "released"   // no longer reserved: voided, expired, left over
	MovementRefunded   MovementKind = "refunded"   // given back
)

// Movement is one line of the gateway's own ledger.
type Movement struct {
	ID            string // the gateway's; never used twice
	Kind          MovementKind
	Key           Key    // of the operation; empty when nobody asked, as when it expired
	Payment       string // our id of the payment; empty when it is not ours
	Authorization AuthorizationID
	Amount        money.Minor
	Currency      money.Currency
	At            time.Time // by the gateway's clock, UTC
}

// LedgerPage is a page of movements.
type LedgerPage struct {
	Movements []Movement // may be empty
	Next      string     // the cursor of the next page; empty after the last
}
