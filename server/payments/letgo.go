package payments

import (
	"context"
	"errors"
	"fmt"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// Forsake makes sure that a wish to authorize that was never recorded is not carried out later either.
func (s *Service) Forsake(ctx context.Context, a Authorize) error {
	n := s.newOf(a)
	operationID := payment.OperationIDOf(a.OrderID, n.Wish.Key)
	_, err := s.Store.ChangePayment(ctx, store.PaymentChange{
		PaymentID: payment.ID(operationID), Operation: operationID,
		Decide: func(r payment.Record) (*payment.Decision, error) { return payment.Forsake(r, n, s.clock()), nil },
	})
	return err
}

// LetGo gives the customer of an order all back, but for one payment if one is named: what is set aside
// is let go, what was taken is refunded. name stands for the occasion in the keys: asking again with it
// moves nothing twice. It fails as Void and Refund do, after it has tried each payment.
func (s *Service) LetGo(ctx context.Context, orderID order.ID, name string, but payment.ID) error {
	all, err := s.OfOrder(ctx, orderID)
	if err != nil {
		return err
	}
	var failed []error
	for _, p := range all {
		if p.ID != but {
			failed = append(failed, s.letGo(ctx, p, name))
		}
	}
	return errors.Join(failed...)
}

// letGo lets go of one payment. Something that is under way is settled first.
func (s *Service) letGo(ctx context.Context, p payment.Payment, name string) (err error) {
	if p.UnderWay() && p.State != payment.RequiresAction {
		if p, err = s.Settle(ctx, p.ID); err != nil {
			return err
		}
	}
	key := name + "/" + p.ID.String()
	if p.Captured == 0 {
		if !p.Open() && p.State != payment.Created {
			return nil
		}
		_, err := s.Void(ctx, Change{PaymentID: p.ID, Key: key + "/void"})
		return err
	}
	if p.Left() > 0 {
		if _, err := s.Capture(ctx, Change{PaymentID: p.ID, Final: true, Key: key + "/release"}); err != nil {
			return err
		}
	}
	// The same amount again is the same wish: what is pending or done counts as wished.
	if rest := p.Captured - p.Refunded; rest > 0 {
		_, err := s.Refund(ctx, Change{PaymentID: p.ID, Amount: rest, Key: fmt.Sprintf("%s/refund/%d", key, rest)})
		return err
	}
	return nil
}

// Refundable tells how much of what an order has paid can still be given back.
func (s *Service) Refundable(ctx context.Context, orderID order.ID) (left money.Minor, err error) {
	all, err := s.OfOrder(ctx, orderID)
	for _, p := range all {
		left += p.Refundable()
	}
	return left, err
}
