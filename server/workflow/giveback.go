package workflow

import (
	"context"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// giveBack does what was decided about goods that came back.
func (w *Workflow) giveBack() *saga.Saga {
	return forward(
		Return,
		saga.Step{Name: "refund", Do: done(w.refund), Deadline: w.PaymentTimeout},
		saga.Step{Name: "restock", Do: done(w.restock)},
		saga.Step{Name: "close", Do: done(w.closeReturn)},
	)
}

func (w *Workflow) returnOf(ctx context.Context, c saga.Call) (order.Return, error) {
	returnID, err := order.ParseReturnID(c.Subject)
	if err != nil {
		return order.Return{}, err
	}
	return w.Orders.Return(ctx, returnID)
}

// refund gives the customer back what was decided, from whatever payments it was taken with, or what is left
// of it when others were faster. A bank that takes its time settles it later. What staff give back by hand
// counts when its note is the return's id.
func (w *Workflow) refund(ctx context.Context, c saga.Call) error {
	r, err := w.returnOf(ctx, c)
	if err != nil || r.Refund == 0 || w.Payments == nil {
		return err
	}
	all, err := w.Payments.OfOrder(ctx, r.OrderID)
	if err != nil || taken(all) == 0 { // paid in another way
		return err
	}
	on := occasion(c)
	on.Name += "/" + r.ID.String()
	given, err := w.Payments.RefundOrder(ctx, r.OrderID, r.Refund, r.ID.String(), on)
	if err != nil || given == r.Refund {
		return err
	}
	return w.settleFor(ctx, r.ID, given)
}

// settleFor notes how much was given back for a return.
func (w *Workflow) settleFor(ctx context.Context, returnID order.ReturnID, given money.Minor) error {
	_, err := w.Orders.ChangeReturn(ctx, store.ReturnChange{
		ReturnID: returnID,
		Decide: func(r order.Return, _ order.Order) (order.Return, []order.Change, error) {
			r.Refund = given
			return r, nil, nil
		},
	})
	return err
}

func (w *Workflow) restock(ctx context.Context, c saga.Call) error {
	r, err := w.returnOf(ctx, c)
	if err != nil || len(r.Restock) == 0 {
		return err
	}
	o, err := w.Orders.Order(ctx, r.OrderID)
	if err != nil {
		return err
	}
	demands := make([]stock.Demand, len(r.Restock))
	for i, l := range r.Restock {
		demands[i] = stock.Demand{SKU: o.Lines[l.Position-1].SKU, Quantity: l.Quantity}
	}
	for _, d := range stock.Sum(demands) {
		adjustment := stock.Adjustment{SKU: d.SKU, Delta: d.Quantity, Reason: stock.ReasonReturned}
		if _, err := w.Stock.Adjust(ctx, adjustment, c.Key); err != nil {
			return err
		}
	}
	return nil
}

func (w *Workflow) closeReturn(ctx context.Context, c saga.Call) error {
	r, err := w.returnOf(ctx, c)
	if err != nil {
		return err
	}
	_, err = w.Orders.ChangeReturn(ctx, store.ReturnChange{
		ReturnID: r.ID,
		Decide: func(r order.Return, _ order.Order) (order.Return, []order.Change, error) {
			r, err := r.Finish()
			return r, nil, err
		},
	})
	if err != nil {
		return err
	}
	_, err = w.Summarize(ctx, r.OrderID)
	return err
}
