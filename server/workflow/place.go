package workflow

import (
	"context"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/risk"
	"github.com/orderprocessing/orderprocessing/server/saga"
)

// Why an order waits or could not be taken. Callers see them as its status_reason; docs/lifecycle.md
// tells what to do about each. A decline has the gateway's own reason.
const (
	ReasonOutOfStock             = "OUT_OF_STOCK"
	ReasonRiskReview             = "RISK_REVIEW"
	ReasonRiskDenied             = "RISK_DENIED"
	ReasonPaymentMethodRequired  = "PAYMENT_METHOD_REQUIRED"
	ReasonAuthenticationRequired = "AUTHENTICATION_REQUIRED"
	ReasonPaymentDeclined        = "PAYMENT_DECLINED"
)

// place takes an order from placed to confirmed, or undoes it. Its first steps are cheap to repeat:
// whoever holds, assesses or authorizes the same again changes nothing.
func (w *Workflow) place() *saga.Saga {
	return &saga.Saga{
		Name: Place,
		Load: w.loadOrders,
		Steps: []saga.Step{
			{Name: "hold_stock", Do: w.holdStock, Undo: w.unlessConfirmed(w.releaseStock), Retry: retry, Cheap: true},
			{Name: "assess_risk", Do: w.assessRisk, Retry: retry, Cheap: true},
			{Name: "authorize", Do: w.authorize, Undo: w.unlessConfirmed(w.letGo), Retry: retry, Cheap: true, Deadline: w.PaymentTimeout},
			{Name: "confirm", Do: w.confirm, Retry: retry, Deadline: w.PaymentTimeout},
		},
		OnUndone: w.close,
	}
}

// unlessConfirmed leaves an order alone that was confirmed by who did not live to say so: what it holds
// is its own, and undoing it is up to the saga that cancels.
func (w *Workflow) unlessConfirmed(undo func(context.Context, saga.Call) error) func(context.Context, saga.Call) error {
	return func(ctx context.Context, c saga.Call) error {
		if o, err := w.orderOf(ctx, c); err != nil || !o.Confirmed.IsZero() {
			return err
		}
		return undo(ctx, c)
	}
}

// close rejects an order that was undone. One that was confirmed meanwhile may have been with money that
// is not there any more.
func (w *Workflow) close(ctx context.Context, c saga.Call) error {
	o, err := w.orderOf(ctx, c)
	switch {
	case err != nil:
		return err
	case o.Confirmed.IsZero():
		return w.reject(ctx, c)
	}
	_, err = w.Summarize(ctx, o.ID)
	return err
}

// goesOn tells whether a placed order may go on; otherwise the result says what to do instead.
func goesOn(o order.Order) (saga.Result, bool) {
	switch o.Lifecycle {
	case order.Pending:
		return saga.Result{}, true
	case order.OnHold, order.ActionRequired:
		return saga.Wait(time.Time{}, o.StatusReason), false
	case order.Confirmed, order.Completed:
		return saga.Done(), false
	default:
		return saga.RefusedPartly("ORDER_" + o.Lifecycle.String()), false
	}
}

// begins is goesOn for the steps before authorize. An order that waits for its customer passes them:
// authorize is where it waits, and where it is looked at anew.
func begins(o order.Order) (saga.Result, bool) {
	if o.Lifecycle == order.ActionRequired {
		return saga.Done(), false
	}
	return goesOn(o)
}

// ask makes the order wait for its customer, and the saga with it. One that was placed anew meanwhile is
// looked at again.
func (w *Workflow) ask(ctx context.Context, asked order.Order, reason, url string) (saga.Result, error) {
	o, err := w.change(ctx, asked.ID, func(o order.Order) ([]order.Change, error) {
		if o.Lifecycle != order.Pending || o.Placements != asked.Placements {
			return nil, nil
		}
		return []order.Change{order.ActionAsked{Reason: reason, URL: url}}, nil
	})
	if err != nil {
		return saga.Result{}, err
	}
	if result, ok := goesOn(o); !ok {
		return result, nil
	}
	return saga.Later(0, reason), nil
}

func (w *Workflow) assessRisk(ctx context.Context, c saga.Call) (saga.Result, error) {
	o, err := w.orderOf(ctx, c)
	if err != nil {
		return saga.Result{}, err
	}
	if result, ok := begins(o); !ok {
		return result, nil
	}
	return w.assess(ctx, o)
}

// assess looks at the order as it reads now, unless staff have.
func (w *Workflow) assess(ctx context.Context, o order.Order) (saga.Result, error) {
	if o.Cleared {
		return saga.Done(), nil
	}
	a, err := w.Risk.Assess(ctx, o)
	switch {
	case err != nil:
		return saga.Result{}, err
	case a.Shadow || a.Outcome == risk.Pass:
		return saga.Done(), nil
	case a.Outcome == risk.Deny:
		return saga.RefusedPartly(ReasonRiskDenied), nil
	}
	o, err = w.change(ctx, o.ID, func(o order.Order) ([]order.Change, error) {
		if o.Lifecycle != order.Pending || o.Cleared {
			return nil, nil
		}
		return []order.Change{order.PutOnHold{Reason: ReasonRiskReview}}, nil
	})
	if err != nil {
		return saga.Result{}, err
	}
	if result, ok := goesOn(o); !ok {
		return result, nil
	}
	return saga.Done(), nil // cleared meanwhile
}

// confirm takes the order, as it was when its money was set aside. One to which something has happened
// since it was placed is asked for its money again: only what this version owes counts.
func (w *Workflow) confirm(ctx context.Context, c saga.Call) (saga.Result, error) {
	orderID, err := order.ParseID(c.Subject)
	if err != nil {
		return saga.Result{}, err
	}
	for paid := int64(1); ; {
		accepts := false
		o, err := w.change(ctx, orderID, func(o order.Order) ([]order.Change, error) {
			if accepts = o.Lifecycle == order.Pending && o.Version == paid; !accepts {
				return nil, nil
			}
			return w.accept(o)
		})
		if err != nil {
			return saga.Result{}, err
		}
		if !accepts && !o.Confirmed.IsZero() { // by a run that may not know what has become of the money since
			_, err := w.Summarize(ctx, o.ID)
			return saga.Done(), err
		}
		if result, ok := goesOn(o); !ok && o.Lifecycle != order.ActionRequired {
			return result, nil
		}
		if result, err := w.authorizeOrder(ctx, c, o); err != nil || result.Outcome != saga.OutcomeDone {
			return result, err
		}
		paid = o.Version
	}
}

func (w *Workflow) accept(o order.Order) ([]order.Change, error) {
	total, err := o.Total()
	if err != nil {
		return nil, err
	}
	accepted := order.Accepted{Payment: order.PaymentNone}
	if total > 0 && w.Payments != nil {
		accepted.Payment = order.PaymentAuthorized
	}
	return o.AndComplete(accepted)
}

// reject closes an order of which nothing is held or owed any more.
func (w *Workflow) reject(ctx context.Context, c saga.Call) error {
	o, err := w.orderOf(ctx, c)
	if err != nil {
		return err
	}
	money, err := w.moneyOf(ctx, o)
	if err != nil {
		return err
	}
	next, end := order.Rejected, order.Change(order.Refused{Reason: c.Cause, Payment: money})
	if c.Cause == saga.ReasonDeadline {
		next, end = order.Expired, order.TimedOut{Payment: money}
	}
	_, err = w.change(ctx, o.ID, func(o order.Order) ([]order.Change, error) {
		switch {
		case o.Lifecycle == order.Canceling:
			return []order.Change{order.Undone{Payment: money}}, nil
		case o.Lifecycle.MayBecome(next):
			return []order.Change{end}, nil
		case o.Lifecycle == order.ActionRequired, o.Lifecycle == order.OnHold: // it waits no longer
			return []order.Change{order.Resumed{}, end}, nil
		}
		return nil, nil
	})
	return err
}
