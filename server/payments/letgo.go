package payments

import (
	"context"
	"errors"
	"fmt"
	"slices"

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

// Occasion is why money is let go or given back. Its name stands in the keys: asking again with it moves
// nothing twice.
type Occasion struct {
	Name string
	// Afresh asks the bank again for what it has refused for good, under a new key. Otherwise its answer
	// stands, until somebody has settled it in another way.
	Afresh bool
}

// LetGo gives the customer of an order all back, but for one payment if one is named: what is set aside
// is let go, what was taken is refunded. It fails as Void and Refund do, after it has tried each payment.
func (s *Service) LetGo(ctx context.Context, orderID order.ID, on Occasion, but payment.ID) error {
	return s.each(ctx, orderID, func(p payment.Payment) error {
		if p.ID == but {
			return nil
		}
		return s.letGo(ctx, p, on)
	})
}

// LetGoOne is LetGo for one payment.
func (s *Service) LetGoOne(ctx context.Context, paymentID payment.ID, on Occasion) error {
	p, err := s.Store.Payment(ctx, paymentID)
	if err != nil {
		return err
	}
	return s.letGo(ctx, p, on)
}

// Release lets go of what is still set aside for an order of which nothing more will be taken. What was
// taken stays.
func (s *Service) Release(ctx context.Context, orderID order.ID, on Occasion) error {
	return s.each(ctx, orderID, func(p payment.Payment) error {
		if p.Left() == 0 && p.OpenCaptures > 0 { // all of it is being taken
			return nil
		}
		_, err := s.release(ctx, p, on)
		return err
	})
}

// each does something about each payment of an order, whatever becomes of the others.
func (s *Service) each(ctx context.Context, orderID order.ID, do func(payment.Payment) error) error {
	all, err := s.OfOrder(ctx, orderID)
	if err != nil {
		return err
	}
	failed := make([]error, len(all))
	for i, p := range all {
		failed[i] = do(p)
	}
	return errors.Join(failed...)
}

func (s *Service) letGo(ctx context.Context, p payment.Payment, on Occasion) error {
	p, err := s.release(ctx, p, on)
	if err != nil {
		return err
	}
	// The same amount again is the same wish: what is pending or done counts as wished.
	if rest := p.Captured - p.Refunded; rest > 0 {
		return s.refund(ctx, p, rest, "", on)
	}
	return nil
}

// release lets go of what a payment has set aside. Something that is under way is settled first.
func (s *Service) release(ctx context.Context, p payment.Payment, on Occasion) (_ payment.Payment, err error) {
	if p.UnderWay() && p.State != payment.RequiresAction {
		if p, err = s.Settle(ctx, p.ID); err != nil {
			return p, err
		}
	}
	switch {
	case p.Captured == 0 && !p.Open() && p.State != payment.Created, p.Captured > 0 && p.Left() <= 0:
		return p, nil
	case p.Captured == 0:
		key, err := s.keyFor(ctx, p, "void", on)
		if err != nil {
			return p, err
		}
		r, err := s.Void(ctx, Change{PaymentID: p.ID, Key: key})
		return r.Payment, err
	}
	key, err := s.keyFor(ctx, p, "release", on)
	if err != nil {
		return p, err
	}
	r, err := s.Capture(ctx, Change{PaymentID: p.ID, Final: true, Key: key})
	return r.Payment, err
}

func (s *Service) refund(ctx context.Context, p payment.Payment, amount money.Minor, note string, on Occasion) error {
	key, err := s.keyFor(ctx, p, fmt.Sprintf("refund/%d", amount), on)
	if err != nil {
		return err
	}
	_, err = s.Refund(ctx, Change{PaymentID: p.ID, Amount: amount, Note: note, Key: key})
	return err
}

// keyFor names a wish about a payment. Each time that the bank is asked afresh has a name of its own.
func (s *Service) keyFor(ctx context.Context, p payment.Payment, what string, on Occasion) (string, error) {
	operations, err := s.Store.PaymentOperations(ctx, p.ID)
	if err != nil {
		return "", err
	}
	base := on.Name + "/" + p.ID.String() + "/" + what
	key := base
	for n := 1; ; n++ {
		refused := slices.ContainsFunc(operations, func(o payment.Operation) bool {
			return o.State == payment.OpFailed && o.Key == payment.KeyOf(p.OrderID, key)
		})
		next := fmt.Sprintf("%s/%d", base, n)
		if !refused || !on.Afresh && !known(operations, payment.KeyOf(p.OrderID, next)) {
			return key, nil
		}
		key = next
	}
}

func known(operations []payment.Operation, key payment.Key) bool {
	return slices.ContainsFunc(operations, func(o payment.Operation) bool { return o.Key == key })
}

// RefundOrder gives so much back of what was taken for an order, from its payments one after the other, and
// tells how much that is: less when less was left. note says what for, and is what counts as given for it,
// by whom ever and however often it is asked. It fails as Refund does.
func (s *Service) RefundOrder(ctx context.Context, orderID order.ID, amount money.Minor, note string, on Occasion) (given money.Minor, err error) {
	all, err := s.OfOrder(ctx, orderID)
	if err != nil {
		return 0, err
	}
	for _, p := range all {
		operations, err := s.Store.PaymentOperations(ctx, p.ID)
		if err != nil {
			return given, err
		}
		for _, o := range operations {
			if o.Kind != payment.KindRefund || o.Note != note || o.State == payment.OpFailed {
				continue
			}
			if o.State != payment.Succeeded { // it may not have got there
				if _, err := s.Refund(ctx, Change{PaymentID: p.ID, Amount: o.Amount, Note: note, Key: string(o.Key)}); err != nil {
					return given, err
				}
			}
			given += o.Amount
		}
	}
	for _, p := range all {
		more := min(amount-given, p.Refundable())
		if more <= 0 {
			continue
		}
		if err := s.refund(ctx, p, more, note, on); err != nil {
			return given, err
		}
		given += more
	}
	return given, nil
}
