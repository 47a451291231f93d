package workflow

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/saga"
)

// askAgain is how often a payment is looked at that its customer has to prove, should nobody tell.
const askAgain = time.Minute

// authorize sets the money of an order aside. This is also where an order waits for its customer, so
// whatever it refuses, something may be set aside already.
func (w *Workflow) authorize(ctx context.Context, c saga.Call) (saga.Result, error) {
	o, err := w.orderOf(ctx, c)
	if err != nil {
		return saga.Result{}, err
	}
	return w.authorizeOrder(ctx, c, o)
}

func (w *Workflow) authorizeOrder(ctx context.Context, c saga.Call, o order.Order) (saga.Result, error) {
	total, err := o.Total()
	if err != nil {
		return saga.Result{}, err
	}
	paid, err := w.paidByHand(ctx, o, total)
	if err != nil {
		return saga.Result{}, err
	}
	byHand := !paid.IsZero()
	waits := o.Lifecycle == order.ActionRequired
	proving := waits && o.ActionURL != ""
	mayEnd := proving || waits && byHand
	if result, ok := goesOn(o); !ok && !mayEnd {
		return result, nil
	}
	if byHand || o.Placements > 1 && !proving {
		if result, err := w.again(ctx, c, o, paid); err != nil || result.Outcome != saga.OutcomeDone {
			return result, err
		}
	}
	switch {
	case byHand:
		return w.proved(ctx, o)
	case w.Payments == nil || total == 0:
		return saga.Done(), nil
	case o.PaymentMethod == "":
		return w.ask(ctx, o, ReasonPaymentMethodRequired, "")
	}
	r, err := w.Payments.Authorize(ctx, attempt(o, total))
	if err != nil {
		return w.authorizeFailed(ctx, o, err)
	}
	return w.authorized(ctx, o, r.Payment)
}

// again looks anew at an order that may have been amended, or paid in another way. paid is the payment
// that it goes on with when that is not the saga's own.
func (w *Workflow) again(ctx context.Context, c saga.Call, o order.Order, paid payment.ID) (saga.Result, error) {
	result, err := w.hold(ctx, o)
	if err == nil && result.Outcome == saga.OutcomeDone {
		result, err = w.assess(ctx, o)
	}
	switch {
	case err != nil || result.Outcome == saga.OutcomeWaiting:
		return result, err
	case result.Outcome == saga.OutcomeRefused:
		return saga.RefusedPartly(result.Reason), nil
	}
	return saga.Done(), w.letGoOthers(ctx, c, o, paid)
}

// paidByHand gives a payment that staff have made for the order and that is enough for it; zero when
// there is none. Nobody can have made one for an order to which nothing has happened since it was placed.
func (w *Workflow) paidByHand(ctx context.Context, o order.Order, total money.Minor) (payment.ID, error) {
	if w.Payments == nil || total == 0 || o.Version == 1 {
		return payment.ID{}, nil
	}
	own := map[payment.ID]bool{}
	for placed := o; placed.Placements > 0; placed.Placements-- {
		own[paymentOf(placed)] = true
	}
	all, err := w.Payments.OfOrder(ctx, o.ID)
	for _, p := range all {
		if !own[p.ID] && covers(p, total) {
			return p.ID, err
		}
	}
	return payment.ID{}, err
}

// covers tells whether a payment is enough for an order: what it set aside, or took and kept.
func covers(p payment.Payment, total money.Minor) bool {
	return p.Auth == payment.Succeeded && p.Void == payment.NotVoided && p.Authorized-p.Released-p.Refunded-p.RefundPending >= total
}

// paymentOf names the payment of the latest attempt.
func paymentOf(o order.Order) payment.ID { return payments.IDOf(attempt(o, 0)) }

// attempt is the wish to authorize as the order stands: each placement is one of its own.
func attempt(o order.Order, total money.Minor) payments.Authorize {
	return payments.Authorize{
		OrderID: o.ID, CustomerID: o.CustomerID, Currency: o.Currency, Amount: total, Method: o.PaymentMethod,
		Key: fmt.Sprintf("%s/authorize/%d", Place, o.Placements),
	}
}

// authorizeFailed tells what to do about a call that failed: most are tried again.
func (w *Workflow) authorizeFailed(ctx context.Context, o order.Order, err error) (saga.Result, error) {
	if reason := fault.ReasonOf(err); reason == fault.ReasonPaymentMethodInvalid {
		return w.ask(ctx, o, string(reason), "")
	}
	return refusedFor(err)
}

// refusedFor tells whether a call that failed is refused for good.
func refusedFor(err error) (saga.Result, error) {
	switch fault.KindOf(err) {
	case fault.KindInvalid, fault.KindPrecondition, fault.KindExists, fault.KindNotFound:
		return saga.RefusedPartly(string(fault.ReasonOf(err))), nil
	default:
		return saga.Result{}, err
	}
}

// authorized tells what a payment means for its order.
func (w *Workflow) authorized(ctx context.Context, o order.Order, p payment.Payment) (saga.Result, error) {
	switch p.State {
	case payment.Authorized, payment.Capturing, payment.Captured:
		return w.proved(ctx, o)
	case payment.RequiresAction:
		if _, err := w.ask(ctx, o, ReasonAuthenticationRequired, p.RedirectURL); err != nil {
			return saga.Result{}, err
		}
		return saga.Wait(w.Now().Add(askAgain), ReasonAuthenticationRequired), nil
	case payment.Failed:
		if o.Lifecycle == order.Pending && tryAnother[gateway.Decline(p.Decline)] {
			return w.ask(ctx, o, p.Decline, "")
		}
		return saga.RefusedPartly(ReasonPaymentDeclined), nil
	case payment.Voided, payment.AuthExpired: // by hand, or nobody took it in time
		return saga.RefusedPartly(ReasonPaymentDeclined), nil
	default:
		return saga.Later(time.Second, p.State.String()), nil
	}
}

// proved lets an order go on whose customer has proved who they are.
func (w *Workflow) proved(ctx context.Context, o order.Order) (saga.Result, error) {
	if o.Lifecycle == order.Pending {
		return saga.Done(), nil
	}
	placements := o.Placements
	o, err := w.change(ctx, o.ID, func(o order.Order) ([]order.Change, error) {
		if o.Lifecycle != order.ActionRequired || o.Placements != placements {
			return nil, nil
		}
		return []order.Change{order.Resumed{}}, nil
	})
	if err != nil {
		return saga.Result{}, err
	}
	if result, ok := goesOn(o); !ok {
		return result, nil
	}
	return saga.Done(), nil
}

// tryAnother are the declines after which another way to pay may do.
var tryAnother = map[gateway.Decline]bool{
	gateway.DeclineInsufficientFunds: true, gateway.DeclineExpiredMethod: true, gateway.DeclineInvalidMethod: true,
	gateway.DeclineLimitExceeded: true, gateway.DeclineTryAnotherMethod: true,
}

// letGo gives back what was set aside for an order, whatever has become of it, and sees to it that a
// wish that is still on its way finds nothing to do.
func (w *Workflow) letGo(ctx context.Context, c saga.Call) error {
	if w.Payments == nil {
		return nil
	}
	o, err := w.orderOf(ctx, c)
	if err != nil {
		return err
	}
	total, err := o.Total()
	if err != nil {
		return err
	}
	if total > 0 && o.PaymentMethod != "" {
		if err := w.Payments.Forsake(ctx, attempt(o, total)); err != nil {
			return err
		}
	}
	return w.Payments.LetGo(ctx, o.ID, occasion(c), payment.ID{})
}

// letGoOthers gives back what was set aside by all payments but this one, the latest attempt's when it
// is zero.
func (w *Workflow) letGoOthers(ctx context.Context, c saga.Call, o order.Order, but payment.ID) error {
	if w.Payments == nil {
		return nil
	}
	return w.Payments.LetGo(ctx, o.ID, occasion(c), cmp.Or(but, paymentOf(o)))
}

// occasion is why a saga lets go of money. What the bank refused for good it is asked again when staff let
// the saga try again, which begins to count anew.
func occasion(c saga.Call) payments.Occasion {
	return payments.Occasion{Name: c.Saga, Afresh: c.Attempt == 1}
}
