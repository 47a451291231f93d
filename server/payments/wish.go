package payments

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/card"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
)

// Authorize asks to set money aside for an order.
type Authorize struct {
	OrderID    order.ID
	CustomerID string // empty for a guest
	Currency   money.Currency
	Amount     money.Minor
	Method     string // a token of the gateway; it is passed on and never stored
	ReturnURL  string // may be empty
	Key        string // names the wish among those of the order: a request id, or <saga>/<step>
	ByHand     bool   // no saga of the order waits for the outcome: one starts with it
}

// Change asks for something to be done with a payment.
type Change struct {
	PaymentID payment.ID
	Amount    money.Minor // of a capture or a refund
	Final     bool        // of a capture: release the rest
	Note      string      // of a refund: why; may be empty
	Key       string      // names the wish among those of the order: a request id, or <saga>/<step>
	Etag      string      // the version that the caller knows; empty for any
	ByHand    bool        // no saga of the order waits for the outcome: one starts with it
}

// Authorize sets money aside. A decline is an answer: the payment is Failed and says why.
//
// Authorize, Capture, Void and Refund may be called again with the same key, by any process and at
// any time: they move nothing twice. They fail with PAYMENT_UNKNOWN when the gateway does not tell,
// and with GATEWAY_UNAVAILABLE when certainly nothing happened; the same call goes on from there.
func (s *Service) Authorize(ctx context.Context, a Authorize) (payment.Record, error) {
	return s.authorize(ctx, a, true)
}

// authorize is Authorize. own tells that the order's own saga asks: it goes on with the answer, so that a
// webhook which repeats that is no news. What others did to the money the order may have missed.
func (s *Service) authorize(ctx context.Context, a Authorize, own bool) (payment.Record, error) {
	n := s.newOf(a)
	operationID := payment.OperationID(IDOf(a))
	request := gateway.AuthorizeRequest{
		Key: gateway.Key(n.Wish.Key), Payment: payment.ID(operationID).String(), Amount: a.Amount, Currency: a.Currency,
		Method: a.Method, ReturnURL: a.ReturnURL, Metadata: map[string]string{"order": a.OrderID.String()},
	}
	if err := request.Check(); err != nil { // what no gateway takes is not worth a record
		return payment.Record{}, err
	}
	if err := card.CheckText("payment_method", a.Method); err != nil {
		return payment.Record{}, err
	}
	return s.carryOut(ctx, wish{
		paymentID: payment.ID(operationID), operationID: operationID, fingerprint: n.Wish.Fingerprint,
		byHand: a.ByHand, remembered: own,
		decide: func(r payment.Record, now time.Time) (*payment.Decision, error) { return payment.Authorize(r, n, now) },
		call: func(ctx context.Context, g gateway.Gateway, _ payment.Record) (gateway.Result, error) {
			return g.Authorize(ctx, request)
		},
	})
}

// IDOf gives the id of the payment that a wish to authorize makes.
func IDOf(a Authorize) payment.ID {
	return payment.ID(payment.OperationIDOf(a.OrderID, payment.KeyOf(a.OrderID, a.Key)))
}

// newOf gives the new payment that is wished for.
func (s *Service) newOf(a Authorize) payment.New {
	return payment.New{
		OrderID: a.OrderID, CustomerID: a.CustomerID, Gateway: s.Current, Currency: a.Currency,
		Wish: payment.Wish{
			Key: payment.KeyOf(a.OrderID, a.Key), Amount: a.Amount,
			Fingerprint: fingerprint(payment.KindAuthorize, a.OrderID, int64(a.Amount), string(a.Currency), a.Method, a.ReturnURL),
		},
	}
}

// AuthorizeOrder is Authorize for a caller who knows the order's id alone.
func (s *Service) AuthorizeOrder(ctx context.Context, a Authorize) (payment.Record, error) {
	o, err := s.Orders.Order(ctx, a.OrderID)
	if err != nil {
		return payment.Record{}, err
	}
	switch o.Lifecycle {
	case order.Pending, order.ActionRequired, order.OnHold, order.Confirmed:
	default:
		return payment.Record{}, fault.New(fault.KindPrecondition, fault.ReasonTransitionRefused,
			"nothing is authorized for an order in %s", o.Lifecycle)
	}
	if o.Payment == order.PaymentPaid || o.Payment == order.PaymentOverpaid {
		return payment.Record{}, fault.New(fault.KindPrecondition, fault.ReasonTransitionRefused,
			"the order is paid: nothing more is authorized for it")
	}
	a.CustomerID, a.Currency = o.CustomerID, o.Currency
	return s.authorize(ctx, a, false)
}

// Capture takes some or all of what is set aside.
func (s *Service) Capture(ctx context.Context, c Change) (payment.Record, error) {
	return s.change(ctx, payment.KindCapture, c, func(ctx context.Context, g gateway.Gateway, r payment.Record) (gateway.Result, error) {
		return g.Capture(ctx, gateway.CaptureRequest{
			Key: gateway.Key(r.Operation.Key), Authorization: gateway.AuthorizationID(r.Payment.Authorization),
			Payment: r.Payment.ID.String(), Amount: r.Operation.Amount, Currency: r.Payment.Currency, Final: r.Operation.Final,
		})
	})
}

// Void lets go of what is set aside, before anything was captured. Voiding what is voided or has
// lapsed changes nothing; a payment that the gateway never knew is given up.
func (s *Service) Void(ctx context.Context, c Change) (payment.Record, error) {
	return s.change(ctx, payment.KindVoid, c, func(ctx context.Context, g gateway.Gateway, r payment.Record) (gateway.Result, error) {
		return g.Void(ctx, gateway.VoidRequest{
			Key: gateway.Key(r.Operation.Key), Authorization: gateway.AuthorizationID(r.Payment.Authorization),
			Payment: r.Payment.ID.String(),
		})
	})
}

// Refund gives some or all back of what was captured. While a bank takes its time the operation is
// Submitted.
func (s *Service) Refund(ctx context.Context, c Change) (payment.Record, error) {
	if err := card.CheckText("note", c.Note); err != nil {
		return payment.Record{}, err
	}
	return s.change(ctx, payment.KindRefund, c, func(ctx context.Context, g gateway.Gateway, r payment.Record) (gateway.Result, error) {
		return g.Refund(ctx, gateway.RefundRequest{
			Key: gateway.Key(r.Operation.Key), Authorization: gateway.AuthorizationID(r.Payment.Authorization),
			Payment: r.Payment.ID.String(), Amount: r.Operation.Amount, Currency: r.Payment.Currency,
		})
	})
}

func (s *Service) change(ctx context.Context, kind payment.Kind, c Change, call call) (payment.Record, error) {
	p, err := s.Store.Payment(ctx, c.PaymentID)
	if err != nil {
		return payment.Record{}, err
	}
	key := payment.KeyOf(p.OrderID, c.Key)
	w := payment.Wish{
		Key: key, Amount: c.Amount, Final: c.Final, Note: c.Note, Etag: c.Etag,
		// Without the etag: knowing another version does not make it another wish.
		Fingerprint: fingerprint(kind, c.PaymentID, int64(c.Amount), c.Final, c.Note),
	}
	return s.carryOut(ctx, wish{
		paymentID: c.PaymentID, operationID: payment.OperationIDOf(p.OrderID, key), fingerprint: w.Fingerprint,
		decide: func(r payment.Record, now time.Time) (*payment.Decision, error) { return payment.Ask(r, kind, w, now) },
		call:   call, byHand: c.ByHand,
	})
}

// fingerprint sums up a wish, without storing what it says. It must stay the same for ever.
func fingerprint(kind payment.Kind, parts ...any) [32]byte {
	text := fmt.Appendf(nil, "%s", kind)
	for _, part := range parts {
		text = fmt.Appendf(text, " %q", fmt.Sprint(part))
	}
	return sha256.Sum256(text)
}
