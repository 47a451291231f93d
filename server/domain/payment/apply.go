package payment

import (
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
)

// Answer is what the gateway said about an operation, or that it said nothing.
type Answer uint8

// The answers.
const (
	AnswerDone     Answer = iota + 1 // it happened
	AnswerDeclined                   // the bank said no
	AnswerRefused                    // the gateway refused it; nothing happened
	AnswerAction                     // the customer must prove who they are
	AnswerPending                    // accepted; the end is still to come
	AnswerAway                       // this sending was turned away; it says nothing about earlier ones
	AnswerNever                      // asked: it never happened and will not, unless it is sent again
	AnswerNone                       // it may or may not have happened
)

// Outcome is an answer with what came with it.
type Outcome struct {
	Answer        Answer
	Authorization string
	Reference     string
	Amount        money.Minor // what moved; 0 when the gateway does not say
	Reason        string      // of AnswerDeclined and AnswerRefused
	RedirectURL   string      // of AnswerAction
	Expires       time.Time   // of an authorization; zero when the gateway does not say
	Lapsed        bool        // refused because the authorization has lapsed
	Sends         int         // of AnswerNever: how often it had been sent when the gateway was asked
}

// amountMismatch is the reason of an operation whose answer speaks of another amount.
const amountMismatch = "AMOUNT_MISMATCH"

// Apply decides what an outcome makes of an operation and its payment. It gives nil when nothing
// changes: the end is known already, or the outcome says nothing new. Outcomes may come twice, late
// and out of order.
func Apply(r Record, out Outcome, now time.Time) *Decision {
	before, p := r.Operation, r.Payment
	o := before
	if o.ID.IsZero() || o.State.Final() {
		return p.complete(o, out, now)
	}
	if out.Answer == AnswerDone && o.Kind != KindVoid && out.Amount != 0 && out.Amount != o.Amount {
		out.Answer, o.Reason = AnswerNone, amountMismatch
	}
	if o.State == Requested && out.Answer >= AnswerAway {
		return nil // that it did not happen is known
	}
	switch out.Answer {
	case AnswerDone:
		o.State, o.Reference, o.Reason = Succeeded, out.Reference, ""
	case AnswerDeclined, AnswerRefused:
		o.State, o.Reason = OpFailed, out.Reason
	case AnswerAction, AnswerPending:
		o.State = Submitted
	case AnswerAway:
		if o.State != Submitted || o.Sends > 1 {
			o.State = NotKnown
			break
		}
		o.State, o.Sends = Requested, 0
	case AnswerNever:
		if out.Sends != o.Sends {
			return nil // it was sent again meanwhile
		}
		o.State, o.Sends = Requested, 0
	default:
		o.State = NotKnown
	}
	if before.State == Requested && o.State.Open() && (o.Kind == KindCapture || o.Kind == KindRefund) {
		o.Held = o.Amount
	}
	p.reckon(before, o)
	entries := p.take(&o, out, now)
	if o == before && p == r.Payment {
		return nil
	}
	if !o.State.Open() {
		o.Held = 0
	}
	return p.decided(now, o, entries...)
}

// complete adds what an event did not know and the answer behind it does; nil when there is nothing.
func (p Payment) complete(o Operation, out Outcome, now time.Time) *Decision {
	if o.Kind != KindAuthorize || o.State != Succeeded || out.Answer != AnswerDone {
		return nil
	}
	before := p
	if p.Authorization == "" {
		p.Authorization = out.Authorization
	}
	if p.Expires.IsZero() {
		p.Expires = out.Expires
	}
	if p == before {
		return nil
	}
	return p.decided(now, Operation{})
}

// take puts what an outcome brought into the payment, and books what moved.
func (p *Payment) take(o *Operation, out Outcome, now time.Time) []Entry {
	switch o.Kind {
	case KindAuthorize:
		return p.takeAuthorization(*o, out, now)
	case KindCapture:
		return p.takeCapture(*o, out, now)
	case KindVoid:
		if o.State == Succeeded {
			return p.release(*o, now)
		}
	case KindRefund:
		if o.State == Succeeded {
			p.Refunded += o.Amount
			return p.book(o.ID.UUID, MovementRefunded, o.Amount, now)
		}
	}
	return nil
}

func (p *Payment) takeAuthorization(o Operation, out Outcome, now time.Time) []Entry {
	if out.Authorization != "" {
		p.Authorization = out.Authorization
	}
	switch {
	case o.State == OpFailed:
		p.Decline, p.RedirectURL = out.Reason, ""
	case o.State == Requested:
		p.RedirectURL = ""
	case o.State == Succeeded:
		p.Authorized, p.Expires, p.RedirectURL = o.Amount, out.Expires, ""
		entries := p.book(o.ID.UUID, MovementAuthorized, o.Amount, now)
		switch p.Void {
		case VoidDone: // it was let go before we heard of it
			return append(entries, p.release(o, now)...)
		case Forsaken: // it is there after all: somebody must let it go
			p.Void = NotVoided
		case NotVoided, BeingVoided: // as it was expected
		}
		return entries
	case out.Answer == AnswerAction:
		p.RedirectURL = out.RedirectURL
	}
	return nil
}

func (p *Payment) takeCapture(o Operation, out Outcome, now time.Time) []Entry {
	switch {
	case o.State == Succeeded:
		p.Captured += o.Amount
		entries := p.book(o.ID.UUID, MovementCaptured, o.Amount, now)
		if o.Final {
			entries = append(entries, p.release(o, now)...)
		}
		return entries
	case o.State == OpFailed && out.Lapsed:
		return p.release(o, now)
	}
	return nil
}

// release lets go of what is left.
func (p *Payment) release(o Operation, now time.Time) []Entry {
	left := p.Left()
	p.Released += left
	return p.book(o.ID.UUID, MovementReleased, left, now)
}

// Lapse decides what it means that the gateway let go of the authorization unasked. It gives nil
// when nothing is left. r.Operation is ignored.
func Lapse(r Record, now time.Time) *Decision {
	p := r.Payment
	if p.Auth != Succeeded || p.Left() == 0 {
		return nil
	}
	// The version makes an id of its own: this may happen again when a capture under way fails.
	movement := OperationIDOf(p.OrderID, Key(p.ID.String()+"/lapsed/"+p.Etag()))
	left := p.Left()
	p.Released += left
	return p.decided(now, Operation{}, p.book(movement.UUID, MovementReleased, left, now)...)
}
