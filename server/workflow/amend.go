package workflow

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/domain/risk"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/payments"
	"github.com/orderprocessing/orderprocessing/server/saga"
)

// ReasonAmendmentTimedOut is why an order stays as it was for which stock or money was not to be had in time.
const ReasonAmendmentTimedOut = "TIMED_OUT"

// amend changes the lines of a confirmed order. First it gets what the order needs more, on top of what it
// has; then the order reads anew; then what it needs no more is let go. So an order that cannot be changed
// has lost nothing. Meanwhile no parcel is planned, and whoever cancels the order wins.
func (w *Workflow) amend() *saga.Saga {
	return &saga.Saga{
		Name: Amend,
		Steps: []saga.Step{
			{Name: "hold_stock", Do: w.holdMore, Undo: w.unlessAmended(w.holdExactly), Retry: retry, Cheap: true},
			{Name: "assess_risk", Do: w.assessMore, Retry: retry, Cheap: true},
			{
				Name: "authorize", Do: w.authorizeMore, Undo: w.unlessAmended(w.forsakeMore),
				Retry: retry, Cheap: true, Deadline: w.PaymentTimeout,
			},
			{Name: "apply", Do: w.applyAmendment, Retry: retry, NoReturn: true},
			{Name: "settle", Do: done(w.settleAmendment), Retry: retry, Deadline: w.PaymentTimeout},
		},
		OnUndone: w.refuseAmendment,
	}
}

// amendedBy reads the order that an amendment is about.
func (w *Workflow) amendedBy(ctx context.Context, c saga.Call) (order.Order, order.AmendmentID, error) {
	amendmentID, err := order.ParseAmendmentID(c.Subject)
	if err != nil {
		return order.Order{}, amendmentID, err
	}
	o, err := w.Orders.Order(ctx, amendmentID.OrderID())
	return o, amendmentID, err
}

// arranges tells whether an amendment is still to be arranged; otherwise the result says what to do instead.
func arranges(o order.Order, amendmentID order.AmendmentID) (saga.Result, bool) {
	switch a := o.Amendment; {
	case a == nil || a.ID != amendmentID || a.Applied: // by who did not live to say so
		return saga.Done(), false
	case a.Refused != "":
		return saga.RefusedPartly(a.Refused), false
	case o.Lifecycle == order.OnHold:
		return saga.Wait(time.Time{}, o.StatusReason), false
	}
	return saga.Result{}, true
}

// unlessAmended leaves an order alone that reads like its amendment already.
func (w *Workflow) unlessAmended(
	undo func(ctx context.Context, o order.Order, c saga.Call) error,
) func(context.Context, saga.Call) error {
	return func(ctx context.Context, c saga.Call) error {
		o, amendmentID, err := w.amendedBy(ctx, c)
		if a := o.Amendment; err != nil || a == nil || a.ID != amendmentID || a.Applied {
			return err
		}
		return undo(ctx, o, c)
	}
}

// holdMore sets aside what the order wants now or is to want, whichever is more.
func (w *Workflow) holdMore(ctx context.Context, c saga.Call) (saga.Result, error) {
	o, amendmentID, err := w.amendedBy(ctx, c)
	if err != nil {
		return saga.Result{}, err
	}
	if result, ok := arranges(o, amendmentID); !ok {
		return result, nil
	}
	now, wanted := o.Demands(), o.Amended().Demands()
	var demands []stock.Demand
	for _, sku := range slices.Sorted(maps.Keys(wanted)) {
		demands = append(demands, stock.Demand{SKU: sku, Quantity: max(wanted[sku], now[sku])})
	}
	holds, err := w.Stock.Hold(ctx, o.ID, demands, time.Time{})
	if err != nil {
		return saga.Result{}, err
	}
	for i, h := range holds {
		if !h.IsOpen() || h.Quantity != demands[i].Quantity {
			return saga.Refused(ReasonOutOfStock), w.holdExactly(ctx, o, c)
		}
	}
	// Whoever refused it meanwhile may have let go before this was held.
	after, _, err := w.amendedBy(ctx, c)
	if err != nil {
		return saga.Result{}, err
	}
	if result, ok := arranges(after, amendmentID); !ok && result.Outcome != saga.OutcomeWaiting {
		return result, w.holdExactly(ctx, after, c)
	}
	return saga.Done(), nil
}

// holdExactly lets a confirmed order hold what it reads like, and nothing else of what it ever wanted. What
// is being canceled is let go by who cancels it.
func (w *Workflow) holdExactly(ctx context.Context, o order.Order, _ saga.Call) error {
	if o.Lifecycle != order.Confirmed && o.Lifecycle != order.OnHold {
		return nil
	}
	if demands := demandsOf(o); len(demands) > 0 {
		if _, err := w.Stock.Hold(ctx, o.ID, demands, time.Time{}); err != nil {
			return err
		}
	}
	return w.releaseDropped(ctx, o)
}

// assessMore asks for the risk of an order that is to cost more. Staff who have looked at it know whom they
// trust, but not with everything.
func (w *Workflow) assessMore(ctx context.Context, c saga.Call) (saga.Result, error) {
	o, amendmentID, err := w.amendedBy(ctx, c)
	if err != nil {
		return saga.Result{}, err
	}
	if result, ok := arranges(o, amendmentID); !ok {
		return result, nil
	}
	now, err := o.Total()
	if err != nil {
		return saga.Result{}, err
	}
	amended := o
	amended.Details = o.Amended()
	if total, err := amended.Total(); err != nil || total <= now {
		return saga.Done(), err
	}
	a, err := w.Risk.Judge(ctx, amended)
	switch {
	case err != nil:
		return saga.Result{}, err
	case a.Shadow || a.Outcome == risk.Pass:
		return saga.Done(), nil
	case a.Outcome == risk.Deny:
		return saga.RefusedPartly(ReasonRiskDenied), nil
	case o.Cleared:
		return saga.Done(), nil
	}
	return saga.RefusedPartly(ReasonRiskReview), nil
}

// authorizeMore sets aside all that the order is to cost, unless one of its payments is enough. A bank that
// asks for the customer is told no: the order is as good as it was.
func (w *Workflow) authorizeMore(ctx context.Context, c saga.Call) (saga.Result, error) {
	o, amendmentID, err := w.amendedBy(ctx, c)
	if err != nil {
		return saga.Result{}, err
	}
	if result, ok := arranges(o, amendmentID); !ok {
		return result, nil
	}
	wish, err := attemptToAmend(o)
	if err != nil || w.Payments == nil || wish.Amount == 0 {
		return saga.Done(), err
	}
	all, err := w.Payments.OfOrder(ctx, o.ID)
	if err != nil {
		return saga.Result{}, err
	}
	switch {
	case slices.ContainsFunc(all, func(p payment.Payment) bool { return covers(p, wish.Amount) }):
		return saga.Done(), nil
	case wish.Method == "":
		return saga.RefusedPartly(ReasonPaymentMethodRequired), nil
	}
	r, err := w.Payments.Authorize(ctx, wish)
	if err != nil {
		return refusedFor(err)
	}
	switch p := r.Payment; p.State {
	case payment.Authorized, payment.Capturing, payment.Captured:
		return saga.Done(), nil
	case payment.RequiresAction:
		return saga.RefusedPartly(ReasonAuthenticationRequired), nil
	case payment.Failed, payment.Voided, payment.AuthExpired:
		return saga.RefusedPartly(cmp.Or(p.Decline, ReasonPaymentDeclined)), nil
	default:
		return saga.Later(time.Second, p.State.String()), nil
	}
}

// attemptToAmend is the wish to authorize what an amended order costs.
func attemptToAmend(o order.Order) (payments.Authorize, error) {
	total, err := o.Amended().Total()
	a := attempt(o, total)
	a.Key = fmt.Sprintf("%s/authorize/%d", Amend, o.Amendment.ID.Part())
	return a, err
}

// forsakeMore gives back what was set aside for an amendment, and sees to it that a wish that is still on
// its way finds nothing to do.
func (w *Workflow) forsakeMore(ctx context.Context, o order.Order, c saga.Call) error {
	wish, err := attemptToAmend(o)
	if err != nil || w.Payments == nil || wish.Amount == 0 || wish.Method == "" {
		return err
	}
	if err := w.Payments.Forsake(ctx, wish); err != nil {
		return err
	}
	return w.Payments.LetGoOne(ctx, payments.IDOf(wish), occasion(c))
}

// applyAmendment lets the order read like its amendment.
func (w *Workflow) applyAmendment(ctx context.Context, c saga.Call) (saga.Result, error) {
	amendmentID, err := order.ParseAmendmentID(c.Subject)
	if err != nil {
		return saga.Result{}, err
	}
	o, err := w.change(ctx, amendmentID.OrderID(), func(o order.Order) ([]order.Change, error) {
		return o.TakeAmendment(amendmentID), nil
	})
	if err != nil {
		return saga.Result{}, err
	}
	result, _ := arranges(o, amendmentID)
	return result, nil
}

// settleAmendment lets go of what an amended order needs no more.
func (w *Workflow) settleAmendment(ctx context.Context, c saga.Call) error {
	o, amendmentID, err := w.amendedBy(ctx, c)
	if a := o.Amendment; err != nil || a == nil || a.ID != amendmentID || !a.Applied {
		return err
	}
	if err := w.holdExactly(ctx, o, c); err != nil {
		return err
	}
	if err := w.letGoUnneeded(ctx, o, c); err != nil {
		return err
	}
	if _, err := w.Summarize(ctx, o.ID); err != nil {
		return err
	}
	_, err = w.change(ctx, o.ID, func(o order.Order) ([]order.Change, error) { return o.EndAmendment(amendmentID, ""), nil })
	return err
}

// letGoUnneeded keeps one payment that is enough for the order. Without one all stay: staff have to look.
func (w *Workflow) letGoUnneeded(ctx context.Context, o order.Order, c saga.Call) error {
	total, err := o.Total()
	if err != nil || w.Payments == nil {
		return err
	}
	if total == 0 {
		return w.Payments.LetGo(ctx, o.ID, occasion(c), payment.ID{})
	}
	all, err := w.Payments.OfOrder(ctx, o.ID)
	if err != nil {
		return err
	}
	for _, p := range all {
		if covers(p, total) {
			return w.Payments.LetGo(ctx, o.ID, occasion(c), p.ID)
		}
	}
	return nil
}

// refuseAmendment lets the order be as it was.
func (w *Workflow) refuseAmendment(ctx context.Context, c saga.Call) error {
	amendmentID, err := order.ParseAmendmentID(c.Subject)
	if err != nil {
		return err
	}
	reason := c.Cause
	if reason == saga.ReasonDeadline {
		reason = ReasonAmendmentTimedOut
	}
	_, err = w.change(ctx, amendmentID.OrderID(), func(o order.Order) ([]order.Change, error) {
		return o.EndAmendment(amendmentID, reason), nil
	})
	if err != nil {
		return err
	}
	return w.settleAmendment(ctx, c) // when who applied it did not live to say so
}
