package workflow

import (
	"context"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/saga"
)

// cancel undoes a confirmed order of which nothing has left. One that was not confirmed yet is undone
// by the saga that places it.
func (w *Workflow) cancel() *saga.Saga {
	return forward(
		Cancel,
		saga.Step{Name: "release_stock", Do: done(w.releaseStock)},
		saga.Step{Name: "let_go", Do: done(w.giveMoneyBack), Deadline: w.PaymentTimeout},
		saga.Step{Name: "close", Do: done(w.reject)},
	)
}

// done makes a step of what only succeeds or fails.
func done(do func(context.Context, saga.Call) error) func(context.Context, saga.Call) (saga.Result, error) {
	return func(ctx context.Context, c saga.Call) (saga.Result, error) { return saga.Done(), do(ctx, c) }
}

func (w *Workflow) giveMoneyBack(ctx context.Context, c saga.Call) error {
	o, err := w.orderOf(ctx, c)
	if err != nil || w.Payments == nil {
		return err
	}
	if o.Amendment != nil && o.Amendment.Refused == order.AmendmentCanceled {
		if err := w.forsakeMore(ctx, o, c); err != nil { // it may be at work yet
			return err
		}
	}
	return w.Payments.LetGo(ctx, o.ID, occasion(c), payment.ID{})
}

// expire ends drafts that nobody has placed.
func (w *Workflow) expire() *saga.Saga {
	return forward(Expire, saga.Step{Name: "expire", Do: done(func(ctx context.Context, c saga.Call) error {
		orderID, err := order.ParseID(c.Subject)
		if err != nil {
			return err
		}
		_, err = w.change(ctx, orderID, func(o order.Order) ([]order.Change, error) {
			if o.Lifecycle != order.Draft {
				return nil, nil
			}
			return []order.Change{order.TimedOut{Payment: order.PaymentNone}}, nil
		})
		return err
	})})
}
