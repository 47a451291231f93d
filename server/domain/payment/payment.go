// Package payment holds the rules of money: what may be asked of a gateway and when, what each
// answer makes of a payment, and how it is booked. It decides; it stores nothing and calls nobody.
//
// Every wish is decided twice: before the gateway is called it is recorded as Submitted and sets
// aside what it claims; afterwards the outcome is applied. What the gateway did not answer stays
// claimed until the gateway tells.
package payment

import (
	"strconv"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// Payment is money for one order. Amounts are minor units of Currency. Treat it as a value.
type Payment struct {
	ID         ID
	OrderID    order.ID
	CustomerID string // empty for a guest
	Gateway    string // the name of the gateway that holds the money
	Currency   money.Currency
	Amount     money.Minor // asked for

	State          State
	Auth           OperationState // what became of the authorization
	Void           VoidState
	Authorization  string // the gateway's name of it; may be empty
	Authorized     money.Minor
	Captured       money.Minor
	Released       money.Minor // authorized, and let go again
	Refunded       money.Minor
	CapturePending money.Minor // claimed by captures under way
	RefundPending  money.Minor // claimed by refunds under way
	OpenCaptures   int         // how many captures are under way
	OpenUnknown    int         // how many operations have no known outcome
	Decline        string      // why it failed; may be empty
	RedirectURL    string      // where the customer proves who they are; may be empty
	Expires        time.Time   // UTC; zero when the gateway does not say

	Version int64     // counts changes, from 1
	Created time.Time // UTC, microseconds
	Updated time.Time // UTC, microseconds
}

// VoidState tells whether a payment is let go as a whole. The numbers are stored.
type VoidState uint8

// The states of letting go.
const (
	NotVoided   VoidState = 0
	BeingVoided VoidState = 1
	VoidDone    VoidState = 2
	Forsaken    VoidState = 3 // given up before the gateway knew of it
)

// Operation is one thing that is asked of the gateway.
type Operation struct {
	ID          OperationID
	PaymentID   ID
	Kind        Kind
	Key         Key
	Fingerprint [32]byte // of the whole wish
	Amount      money.Minor
	Final       bool   // of a capture: the rest is released
	Note        string // why it was asked for; may be empty

	State     OperationState
	Held      money.Minor // claims of the payment while it is open
	Sends     int         // how often it was sent since nothing had certainly happened
	SentAt    time.Time   // when it was last sent
	Reference string      // the gateway's name of what moved; may be empty
	Reason    string      // why it failed; may be empty

	Created time.Time // UTC, microseconds
	Updated time.Time // UTC, microseconds
}

// Record is a payment and one of its operations, as they are stored. What is not there is zero.
type Record struct {
	Payment   Payment
	Operation Operation
}

// Decision is what is to be stored: the payment, and when it has an id the operation, after the
// change, and what is booked.
type Decision struct {
	Record
	Entries []Entry
}

// Etag names this version of the payment.
func (p Payment) Etag() string { return strconv.FormatInt(p.Version, 10) }

// CheckEtag refuses a change that was made on another version. An empty etag asks for nothing.
func (p Payment) CheckEtag(etag string) error {
	if etag == "" || etag == p.Etag() {
		return nil
	}
	return fault.New(fault.KindConflict, fault.ReasonStaleEtag,
		"the payment has changed since: its etag is %s now; read it again", p.Etag())
}

// Left is what may still be captured.
func (p Payment) Left() money.Minor { return p.Authorized - p.Captured - p.Released - p.CapturePending }

// Refundable is what may still be refunded.
func (p Payment) Refundable() money.Minor { return p.Captured - p.Refunded - p.RefundPending }

// UnderWay tells whether something was asked of the gateway whose end is not known.
func (p Payment) UnderWay() bool {
	return p.Auth.Open() || p.OpenCaptures > 0 || p.OpenUnknown > 0 || p.RefundPending > 0 || p.Void == BeingVoided
}

// Open tells whether the gateway holds money back for us, or may: something is left of the
// authorization, or an operation is under way.
func (p Payment) Open() bool { return p.Left() > 0 || p.UnderWay() }

// resting gives the state that everything else says.
func (p Payment) resting() State {
	switch {
	case p.Void == VoidDone, p.Void == Forsaken:
		return Voided
	case p.OpenUnknown > 0:
		return Unknown
	case p.Void == BeingVoided:
		return Voiding
	case p.Auth != Succeeded:
		return p.unauthorized()
	case p.OpenCaptures > 0:
		return Capturing
	case p.Captured > 0:
		return Captured
	case p.Released == p.Authorized:
		return AuthExpired
	}
	return Authorized
}

func (p Payment) unauthorized() State {
	switch {
	case p.Auth == OpFailed:
		return Failed
	case p.Auth == Requested:
		return Created
	case p.RedirectURL != "":
		return RequiresAction
	}
	return Authorizing
}

// claim is what an operation counts for in its payment.
type claim struct {
	capture, refund   money.Minor
	captures, unknown int
}

func (o Operation) claim() (c claim) {
	if !o.State.Open() {
		return c
	}
	if o.State == NotKnown {
		c.unknown = 1
	}
	switch o.Kind {
	case KindCapture:
		c.capture, c.captures = o.Held, 1
	case KindRefund:
		c.refund = o.Held
	default: // claims no amount
	}
	return c
}

// reckon replaces what before counted for by what after counts for.
func (p *Payment) reckon(before, after Operation) {
	was, is := before.claim(), after.claim()
	p.CapturePending += is.capture - was.capture
	p.RefundPending += is.refund - was.refund
	p.OpenCaptures += is.captures - was.captures
	p.OpenUnknown += is.unknown - was.unknown
	switch after.Kind {
	case KindAuthorize:
		p.Auth = after.State
	case KindVoid:
		switch {
		case after.State == Succeeded:
			p.Void = VoidDone
		case p.Void == VoidDone: // another one was faster
		case after.State.Open():
			p.Void = BeingVoided
		case before.State.Open():
			p.Void = NotVoided
		}
	default: // its claim says all
	}
}

// decided closes a decision: the state follows, the version counts.
func (p Payment) decided(now time.Time, o Operation, entries ...Entry) *Decision {
	p.State = p.resting()
	p.Version++
	p.Updated = now
	if !o.ID.IsZero() {
		o.Updated = now
	}
	return &Decision{Record: Record{Payment: p, Operation: o}, Entries: entries}
}
