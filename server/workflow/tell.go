package workflow

import (
	"context"

	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/saga"
)

// tell lets an order know what became of its money, which staff moved or the bank was asked about. It
// starts with that change of the payment.
func (w *Workflow) tell() *saga.Saga {
	return forward(Tell, saga.Step{Name: "summarize", Do: done(func(ctx context.Context, c saga.Call) error {
		moveID, err := payment.ParseMoveID(c.Subject)
		if err != nil || w.Payments == nil {
			return err
		}
		orderID, err := w.Payments.OrderOf(ctx, moveID.PaymentID())
		if err != nil {
			return err
		}
		_, err = w.Summarize(ctx, orderID)
		return err
	})})
}
