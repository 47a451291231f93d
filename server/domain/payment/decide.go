package payment

import (
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// Wish is something that somebody wants done, under a key.
type Wish struct {
	Key         Key
	Fingerprint [32]byte // of everything that is asked
	Amount      money.Minor
	Final       bool   // of a capture: nothing more will be captured, release the rest
	Note        string // why; may be empty
	Etag        string // the version that the caller knows; empty for any
}

// New is what a new payment is for.
type New struct {
	OrderID    order.ID
	CustomerID string
	Gateway    string
	Currency   money.Currency
	Wish       Wish
}

// Authorize decides on a wish to authorize: r is what is stored under its key, if anything. The
// gateway is called after the decision is stored. A nil decision means that the wish is decided
// already: r.Operation tells how.
func Authorize(r Record, n New, now time.Time) (*Decision, error) {
	if !r.Operation.ID.IsZero() {
		return r.again(KindAuthorize, n.Wish, now)
	}
	if err := checkAmount(n.Wish.Amount); err != nil {
		return nil, err
	}
	if !n.Currency.Known() {
		return nil, fault.Invalid(fault.ReasonCurrencyUnknown, "currency_code", "%q is not an active ISO 4217 code", string(n.Currency))
	}
	o := newOperation(n.OrderID, KindAuthorize, n.Wish, now)
	p := Payment{
		ID: ID{o.ID.UUID}, OrderID: n.OrderID, CustomerID: n.CustomerID, Gateway: n.Gateway,
		Currency: n.Currency, Amount: n.Wish.Amount, Created: now,
	}
	o.PaymentID = p.ID
	return p.send(o, now), nil
}

// Forsake decides that a wish to authorize, which is not recorded, shall never be carried out: a
// payment that was given up stands in its place. It gives nil when something is recorded.
func Forsake(r Record, n New, now time.Time) *Decision {
	if !r.Operation.ID.IsZero() {
		return nil
	}
	o := newOperation(n.OrderID, KindAuthorize, n.Wish, now)
	o.State = Requested
	p := Payment{
		ID: ID{o.ID.UUID}, OrderID: n.OrderID, CustomerID: n.CustomerID, Gateway: n.Gateway,
		Currency: n.Currency, Amount: n.Wish.Amount, Auth: Requested, Void: Forsaken, Created: now,
	}
	o.PaymentID, o.SentAt = p.ID, now
	return p.decided(now, o)
}

// Ask decides on a wish to capture, void or refund. The gateway is called after the decision is
// stored, if it has an operation that is Submitted. A nil decision means that there is nothing to
// do: the wish is decided already, or what it wants holds.
func Ask(r Record, kind Kind, w Wish, now time.Time) (*Decision, error) {
	p := r.Payment
	if p.Version == 0 {
		return nil, NotFound()
	}
	if !r.Operation.ID.IsZero() {
		return r.again(kind, w, now)
	}
	if err := p.CheckEtag(w.Etag); err != nil {
		return nil, err
	}
	if kind == KindVoid && p.voidsItself() {
		return p.giveUp(now), nil
	}
	o := newOperation(p.OrderID, kind, w, now)
	o.PaymentID = p.ID
	held, err := p.permit(o)
	if err != nil {
		return nil, err
	}
	if kind == KindCapture && w.Final && w.Amount == 0 && held == 0 {
		return nil, nil //nolint:nilnil // nothing is left to release
	}
	o.Held = held
	return p.send(o, now), nil
}

func newOperation(orderID order.ID, kind Kind, w Wish, now time.Time) Operation {
	return Operation{
		ID: OperationIDOf(orderID, w.Key), Kind: kind, Key: w.Key, Fingerprint: w.Fingerprint,
		Amount: w.Amount, Final: w.Final, Note: w.Note, Created: now,
	}
}

// send records that the operation is about to be sent.
func (p Payment) send(o Operation, now time.Time) *Decision {
	before := o
	if !o.State.Open() {
		o.State = Submitted
	}
	o.Sends++
	o.SentAt = now
	p.reckon(before, o)
	return p.decided(now, o)
}

// again decides on a wish that is recorded. One that is certainly not at the gateway is sent as if
// it were new; what became of the others is for the gateway to tell: see Resend.
func (r Record) again(kind Kind, w Wish, now time.Time) (*Decision, error) {
	o := r.Operation
	if o.Kind != kind || o.Fingerprint != w.Fingerprint || o.PaymentID != r.Payment.ID {
		return nil, fault.New(fault.KindExists, fault.ReasonRequestIDReused,
			"this request id was used for a different request; choose a new one")
	}
	if o.State != Requested {
		return nil, nil //nolint:nilnil // decided already
	}
	if kind == KindVoid && r.Payment.voidsItself() {
		return r.Payment.giveUp(now), nil
	}
	held, err := r.Payment.permit(o)
	if err != nil {
		return nil, err
	}
	o.Held = held
	return r.Payment.send(o, now), nil
}

// Resend decides to send an operation again that may or may not be at the gateway, with its key. It
// gives nil when its end is known, or when the payment was let go meanwhile.
func Resend(r Record, now time.Time) *Decision {
	if !r.Operation.State.Open() || r.Operation.Kind == KindAuthorize && r.Payment.Void != NotVoided {
		return nil
	}
	return r.Payment.send(r.Operation, now)
}

// permit tells whether the operation may be sent now, and what it claims.
func (p Payment) permit(o Operation) (held money.Minor, err error) {
	switch o.Kind {
	case KindAuthorize:
		if p.Void != NotVoided {
			return 0, closed()
		}
		return 0, nil
	case KindCapture:
		return p.permitCapture(o)
	case KindVoid:
		return 0, p.permitVoid()
	default:
		return p.permitRefund(o)
	}
}

func (p Payment) permitCapture(o Operation) (money.Minor, error) {
	if o.Amount < 0 || o.Amount == 0 && !o.Final {
		return 0, checkAmount(o.Amount)
	}
	switch p.State {
	case Authorized, Capturing, Captured:
	case Unknown:
		return 0, Undecided()
	case Voiding:
		return 0, busy("is being voided")
	case AuthExpired:
		return 0, fault.New(fault.KindPrecondition, fault.ReasonAuthorizationExpired, "the authorization has lapsed; authorize again")
	case Voided, Failed:
		return 0, closed()
	default:
		return 0, refused("captured", p.State)
	}
	left := p.Left()
	switch {
	case o.Amount > left:
		return 0, fault.New(fault.KindPrecondition, fault.ReasonCaptureTooLarge,
			"%d minor units are left to capture, not %d", left, o.Amount)
	case o.Amount == 0 && p.Captured == 0:
		return 0, fault.Invalid(fault.ReasonAmountInvalid, "amount_minor",
			"nothing was captured yet: void the payment to let all of it go")
	case o.Final:
		return left, nil
	}
	return o.Amount, nil
}

// voidsItself tells whether nothing has to be asked of the gateway to let the payment go.
func (p Payment) voidsItself() bool {
	switch p.State {
	case Created, Voided, AuthExpired, Failed:
		return true
	default:
		return false
	}
}

// giveUp lets go of a payment that the gateway knows nothing of; nil when it is let go already.
func (p Payment) giveUp(now time.Time) *Decision {
	if p.State != Created {
		return nil
	}
	p.Void = Forsaken
	return p.decided(now, Operation{})
}

func (p Payment) permitVoid() error {
	switch {
	case p.State == Unknown:
		return Undecided()
	case p.Captured > 0:
		return fault.New(fault.KindPrecondition, fault.ReasonPaymentCaptured,
			"%d minor units were captured: refund them; a final capture of 0 lets go of the rest", p.Captured)
	case p.State == Voiding:
		return busy("is being voided")
	case p.State == Capturing:
		return busy("is being captured")
	case p.State == Authorizing:
		return busy("is being authorized")
	}
	return nil
}

func (p Payment) permitRefund(o Operation) (money.Minor, error) {
	if err := checkAmount(o.Amount); err != nil {
		return 0, err
	}
	if p.State == Unknown {
		return 0, Undecided()
	}
	if left := p.Refundable(); o.Amount > left {
		return 0, fault.New(fault.KindPrecondition, fault.ReasonRefundTooLarge,
			"%d minor units are left to refund, not %d", left, o.Amount)
	}
	return o.Amount, nil
}

func checkAmount(amount money.Minor) error {
	if amount < 1 {
		return fault.Invalid(fault.ReasonAmountInvalid, "amount_minor", "an amount is at least 1 minor unit")
	}
	return nil
}

// NotFound gives the fault of a payment that is not there.
func NotFound() *fault.Fault {
	return fault.New(fault.KindNotFound, fault.ReasonPaymentNotFound, "there is no such payment")
}

// Undecided gives the fault of a payment that something was asked of, and nobody knows the end.
func Undecided() error {
	return fault.New(fault.KindUnavailable, fault.ReasonPaymentUnknown,
		"the payment gateway has not told yet what became of the payment; retry with the same request id")
}

func closed() error {
	return fault.New(fault.KindPrecondition, fault.ReasonAuthorizationClosed, "nothing is authorized any more; authorize again")
}

func busy(how string) error {
	return fault.New(fault.KindPrecondition, fault.ReasonPaymentBusy, "the payment %s just now", how)
}

func refused(verb string, in State) error {
	return fault.New(fault.KindPrecondition, fault.ReasonTransitionRefused, "a payment in %s cannot be %s", in, verb)
}
