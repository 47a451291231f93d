package payments

import (
	"context"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// Standing tells how the payments of an order stand. It asks no gateway.
type Standing struct{ Payments store.Payments }

// OrderOf gives the order that a payment is for.
func (s Standing) OrderOf(ctx context.Context, paymentID payment.ID) (order.ID, error) {
	p, err := s.Payments.Payment(ctx, paymentID)
	return p.OrderID, err
}

// OfOrder gives all payments of an order.
func (s Standing) OfOrder(ctx context.Context, orderID order.ID) ([]payment.Payment, error) {
	return s.Payments.Payments(ctx, store.PaymentQuery{OrderID: orderID, Limit: maxOfOrder})
}

// maxOfOrder is more payments than an order has.
const maxOfOrder = 1000

// Status sums up the payments of an order that owes what its total says.
func (s Standing) Status(ctx context.Context, o order.Order) (order.PaymentStatus, error) {
	total, err := o.Total()
	if err != nil {
		return 0, err
	}
	all, err := s.OfOrder(ctx, o.ID)
	return payment.Summarize(total, all...), err
}

// Refundable tells how much of what an order has paid can still be given back.
func (s Standing) Refundable(ctx context.Context, orderID order.ID) (left money.Minor, err error) {
	all, err := s.OfOrder(ctx, orderID)
	for _, p := range all {
		left += p.Refundable()
	}
	return left, err
}
