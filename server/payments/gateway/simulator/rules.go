package simulator

import (
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
)

func (p *page) authorize(r *row, trouble string) {
	r.expires = p.now + p.expiresAfter
	if trouble == faultExpiresSoon {
		r.expires = p.now + time.Second.Microseconds()
	}
	kind := gateway.EventAuthorized
	switch decline, declined := declines[trouble]; {
	case declined:
		r.outcome, r.decline, kind = gateway.OutcomeDeclined, decline, gateway.EventDeclined
	case trouble == faultAuthentication:
		r.outcome, kind = gateway.OutcomeActionRequired, gateway.EventActionRequired
	default:
		r.reserved, r.moved = r.amount, r.amount
	}
	p.insert(r, nil)
	r.account = r.seq
	p.accounts[r.seq] = r
	p.tell(kind, r, r, r.amount)
}

func (p *page) capture(r, account *row, final bool) error {
	if err := p.open(account); err != nil {
		return err
	}
	if r.amount > account.reserved {
		return fault.New(fault.KindPrecondition, fault.ReasonCaptureTooLarge,
			"%d is left of the authorization", account.reserved)
	}
	if r.amount == 0 && account.captured == 0 {
		return fault.Invalid(fault.ReasonAmountInvalid, "amount", "the first capture is at least 1; void the authorization instead")
	}
	if r.outcome == gateway.OutcomeDone {
		r.moved = r.amount
		account.captured += r.amount
		account.reserved -= r.amount
		if final {
			r.released, account.reserved = account.reserved, 0
		}
		if account.reserved == 0 {
			account.ended = endedCaptured
		}
		p.tell(gateway.EventCaptured, p.insert(r, account), account, r.moved)
		return nil
	}
	p.insert(r, nil)
	return nil
}

// open refuses an authorization of which nothing can be taken any more.
func (p *page) open(account *row) error {
	switch {
	case account.ended == endedExpired, account.ended == "" && p.now >= account.expires:
		return fault.New(fault.KindPrecondition, fault.ReasonAuthorizationExpired, "the authorization has expired")
	case account.ended == endedCaptured && account.captured == account.amount:
		return fault.New(fault.KindPrecondition, fault.ReasonCaptureTooLarge, "0 is left of the authorization")
	case account.ended != "", account.outcome != gateway.OutcomeDone:
		return fault.New(fault.KindPrecondition, fault.ReasonAuthorizationClosed, "the authorization is not open")
	}
	return nil
}

func (p *page) refund(r, account *row) error {
	if left := account.captured - account.refunded; r.amount > left {
		return fault.New(fault.KindPrecondition, fault.ReasonRefundTooLarge, "%d is left to refund", left)
	}
	if r.outcome != gateway.OutcomeDone {
		p.tell(gateway.EventRefundFailed, p.insert(r, nil), account, r.amount)
		return nil
	}
	r.moved = r.amount
	account.refunded += r.amount
	p.tell(gateway.EventRefunded, p.insert(r, account), account, r.moved)
	return nil
}

func (p *page) void(r, account *row) error {
	if account.captured > 0 {
		return fault.New(fault.KindPrecondition, fault.ReasonPaymentCaptured, "money was captured; refund it instead")
	}
	if r.outcome != gateway.OutcomeDone {
		p.insert(r, nil)
		return nil
	}
	if account.ended != "" {
		p.insert(r, nil) // voided or expired already: done, without effect
		return nil
	}
	if account.outcome == gateway.OutcomeActionRequired {
		account.outcome, account.decline = gateway.OutcomeDeclined, gateway.DeclineAuthenticationFailed
	}
	r.amount = account.reserved
	r.released, account.reserved, account.ended = account.reserved, 0, endedVoided
	p.tell(gateway.EventVoided, p.insert(r, account), account, r.released)
	return nil
}

// expire releases what nobody took in time. Doing it twice is doing it once.
func (p *page) expire(account *row) (r, of *row, err error) {
	if account == nil || account.reserved == 0 || p.now < account.expires {
		return &row{}, &row{}, nil
	}
	r = &row{
		key: "!expire/" + movementID(account.seq), operation: operationExpire, payment: account.payment,
		account: account.seq, currency: account.currency, outcome: gateway.OutcomeDone, released: account.reserved,
	}
	account.reserved, account.ended = 0, endedExpired
	p.tell(gateway.EventExpired, p.insert(r, account), account, r.released)
	return r, account, nil
}

// authenticate ends a payment that waits for the customer.
func (p *page) authenticate(account *row, succeed bool) (r, of *row, err error) {
	if account == nil {
		return nil, nil, fault.New(fault.KindNotFound, fault.ReasonAuthorizationMissing, "there is no such authorization")
	}
	if account.outcome != gateway.OutcomeActionRequired {
		return account, account, nil // decided already
	}
	r = &row{
		key: "!authenticate/" + movementID(account.seq), origin: account.key, operation: operationAuthenticate,
		payment: account.payment, account: account.seq, amount: account.amount, currency: account.currency,
		outcome: gateway.OutcomeDone,
	}
	if !succeed {
		account.outcome, account.decline = gateway.OutcomeDeclined, gateway.DeclineAuthenticationFailed
		r.outcome, r.decline = account.outcome, account.decline
		p.tell(gateway.EventDeclined, p.insert(r, account), account, account.amount)
		return r, account, nil
	}
	r.moved, account.reserved, account.outcome = account.amount, account.amount, gateway.OutcomeDone
	account.expires = p.now + p.expiresAfter
	p.insert(r, account)
	account.movement = r.seq
	p.tell(gateway.EventAuthorized, r, account, account.amount)
	return r, account, nil
}

// insert gives a row its number and marks the account it changes, which may be nil.
func (p *page) insert(r, account *row) *row {
	r.seq = p.next()
	if r.moved > 0 || r.released > 0 {
		r.movement = r.seq
	}
	p.byKey[r.key] = r
	p.inserted = append(p.inserted, r)
	if account != nil {
		p.changed[account.seq] = account
	}
	return r
}

// tell records an event, unless this one gets lost.
func (p *page) tell(kind gateway.EventKind, r, account *row, amount money.Minor) {
	if p.lost {
		return
	}
	e := eventMessage{
		ID: "evt_" + movementID(r.seq)[len("mov_"):], Kind: kind, Key: gateway.Key(r.origin), Payment: account.payment,
		Authorization: authorizationID(account.seq, account.method), Amount: amount, Currency: account.currency,
		Decline: r.decline, AtMicro: r.seq,
	}
	if r.movement != 0 {
		e.Movement = movementID(r.movement)
	}
	if kind == gateway.EventAuthorized {
		e.ExpiresMicro = account.expires
	}
	p.events = append(p.events, e)
}
