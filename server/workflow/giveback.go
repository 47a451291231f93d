package workflow

import (
	"context"
	"fmt"
	"slices"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments"
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

// refund gives the customer back what was decided, or what is left of it when others were faster: that
// is noted before it is given, so that asking again asks for the same. A bank that takes its time settles
// it later.
func (w *Workflow) refund(ctx context.Context, c saga.Call) error {
	r, err := w.returnOf(ctx, c)
	if err != nil || r.Refund == 0 || w.Payments == nil {
		return err
	}
	all, err := w.Payments.OfOrder(ctx, r.OrderID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(p payment.Payment) bool { return p.Captured > 0 })
	if i < 0 { // paid in another way
		return nil
	}
	p := all[i]
	_, err = w.Payments.Refund(ctx, payments.Change{
		PaymentID: p.ID, Amount: r.Refund, Note: r.ID.String(), Key: fmt.Sprintf("%s/%d", c.Key, r.Refund),
	})
	if left := p.Refundable(); fault.ReasonOf(err) == fault.ReasonRefundTooLarge && left < r.Refund {
		if err := w.settleFor(ctx, r.ID, left); err != nil {
			return err
		}
		return w.refund(ctx, c)
	}
	return err
}

// settleFor notes that no more than this can be given back for a return.
func (w *Workflow) settleFor(ctx context.Context, returnID order.ReturnID, most money.Minor) error {
	_, err := w.Orders.ChangeReturn(ctx, store.ReturnChange{
		ReturnID: returnID,
		Decide: func(r order.Return, _ order.Order) (order.Return, []order.Change, error) {
			r.Refund = min(r.Refund, most)
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
		request := store.NewRequest("sku "+d.SKU, c.Key, []byte(c.Key))
		adjustment := stock.Adjustment{SKU: d.SKU, Delta: d.Quantity, Reason: stock.ReasonReturned, Time: w.Now()}
		if _, err := w.Stock.AdjustStock(ctx, adjustment, request); err != nil {
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
