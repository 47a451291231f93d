package simulator

import (
	"bytes"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
)

// command is one thing that the bank is told to do.
type command struct {
	gateway.Operation
	request *operationRequest // of the four operations
	fault   string            // what goes wrong with it
	account int64             // to authenticate or to expire
	succeed bool              // whether the customer proved who they are
}

// reply is what became of a command.
type reply struct {
	row     row
	account row
	event   string // the id of the event that it caused; empty for none
}

// page is the part of the book that a batch touches. Its rules know no database.
type page struct {
	now          int64 // microseconds since 1970
	expiresAfter int64 // microseconds
	last         int64 // the last number given
	byKey        map[string]*row
	accounts     map[int64]*row
	inserted     []*row
	changed      map[int64]*row
	events       []eventMessage
	twice        map[string]bool // events that are sent twice
	lost         bool            // the event of this command is not sent
}

func (p *page) next() int64 {
	p.last = max(p.last+1, p.now)
	return p.last
}

// do carries out a command, or refuses it with a fault and changes nothing.
func (p *page) do(c command) (reply, error) {
	before := len(p.events)
	p.lost = c.fault == faultWebhookLost
	r, account, err := p.apply(c)
	if err != nil {
		return reply{}, err
	}
	out := reply{row: *r, account: *account}
	if len(p.events) > before {
		out.event = p.events[before].ID
		p.twice[out.event] = c.fault == faultDuplicateWebhook
	}
	return out, nil
}

func (p *page) apply(c command) (r, account *row, err error) {
	switch c.Operation {
	case operationExpire:
		return p.expire(p.accounts[c.account])
	case operationAuthenticate:
		return p.authenticate(p.accounts[c.account], c.succeed)
	default:
	}
	q := c.request
	if q.DeadlineMilli != 0 && p.now > q.DeadlineMilli*1000 {
		return nil, nil, gateway.Temporary(0, nil)
	}
	print := fingerprint(*q)
	if known := p.byKey[string(q.Key)]; known != nil {
		if !bytes.Equal(known.fingerprint, print) {
			return nil, nil, fault.New(fault.KindExists, fault.ReasonRequestIDReused,
				"this key was used for a different request")
		}
		return known, p.accounts[known.account], nil
	}
	r = &row{
		key: string(q.Key), origin: string(q.Key), fingerprint: print, operation: q.Operation, payment: q.Payment,
		amount: q.Amount, currency: q.Currency, method: q.Method, returnURL: q.ReturnURL, outcome: gateway.OutcomeDone,
	}
	if q.Operation == gateway.OperationAuthorize {
		p.authorize(r, c.fault)
		return r, r, nil
	}
	account = p.accounts[parseAuthorizationID(q.Authorization)]
	if err := p.allows(account, q); err != nil {
		return nil, nil, err
	}
	if decline, declined := declines[c.fault]; declined {
		r.outcome, r.decline = gateway.OutcomeDeclined, decline
	}
	r.account, r.currency = account.seq, account.currency
	switch q.Operation {
	case gateway.OperationCapture:
		err = p.capture(r, account, q.Final)
	case gateway.OperationRefund:
		err = p.refund(r, account)
	default:
		err = p.void(r, account)
	}
	return r, account, err
}

// allows refuses what concerns no account, or another's.
func (p *page) allows(account *row, q *operationRequest) error {
	if account == nil || account.payment != q.Payment || account.outcome == gateway.OutcomeDeclined && account.ended == "" {
		return fault.New(fault.KindNotFound, fault.ReasonAuthorizationMissing, "there is no such authorization")
	}
	if q.Operation != gateway.OperationVoid && q.Currency != account.currency {
		return fault.Invalid(fault.ReasonCurrencyMismatch, "currency", "the authorization is in %s", account.currency)
	}
	return nil
}
