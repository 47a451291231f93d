package orders

import (
	"context"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// NewReturn asks to send goods of an order back.
type NewReturn struct {
	OrderID order.ID
	Lines   []order.LineQuantity
	Reason  string
	Request store.Request
}

// ReturnTarget names the return that a change is meant for.
type ReturnTarget struct {
	ReturnID order.ReturnID
	Request  store.Request
}

// RequestReturn asks to send back goods that have left.
func (s *Service) RequestReturn(ctx context.Context, n NewReturn) (order.Return, error) {
	if err := s.checkAccess(ctx, store.Consistency{}, n.OrderID); err != nil {
		return order.Return{}, err
	}
	now := s.Now().UTC().Truncate(time.Microsecond)
	returnID := order.NewReturnID(now, n.OrderID)
	return s.Store.ChangeReturn(ctx, store.ReturnChange{
		ReturnID: returnID, OrderID: n.OrderID, Request: n.Request,
		Decide: func(_ order.Return, o order.Order) (order.Return, []order.Change, error) {
			requested, err := order.RequestReturn(o, returnID, n.Lines, n.Reason, now)
			return requested, nil, err
		},
	})
}

// ApproveReturn lets the goods be sent back.
func (s *Service) ApproveReturn(ctx context.Context, t ReturnTarget) (order.Return, error) {
	return s.changeReturn(ctx, t, order.Return.Approve)
}

// RejectReturn refuses a return that has not arrived.
func (s *Service) RejectReturn(ctx context.Context, t ReturnTarget, reason string) (order.Return, error) {
	return s.changeReturn(ctx, t, func(r order.Return) (order.Return, error) { return r.Reject(reason) })
}

// ReceiveReturn notes that the goods have arrived, and books them on their order.
func (s *Service) ReceiveReturn(ctx context.Context, t ReturnTarget) (order.Return, error) {
	return s.Store.ChangeReturn(ctx, store.ReturnChange{ReturnID: t.ReturnID, Request: t.Request, Decide: order.Return.Receive})
}

// CloseReturn decides what the customer gets back, at most what is left of what was taken, and what
// goes back on the shelf. No refund means what the returned goods are worth, as far as that is left.
func (s *Service) CloseReturn(
	ctx context.Context, t ReturnTarget, refund *money.Minor, restock []order.LineQuantity,
) (order.Return, error) {
	left, err := s.refundable(ctx, t.ReturnID)
	if err != nil {
		return order.Return{}, err
	}
	return s.changeReturn(ctx, t, func(r order.Return) (order.Return, error) {
		closed, err := r.Close(refund, restock)
		if err != nil || closed.Status == r.Status || closed.Refund <= left {
			return closed, err
		}
		if refund != nil {
			return r, fault.New(fault.KindPrecondition, fault.ReasonRefundTooLarge,
				"%d minor units are left to give back for the order, not %d", left, *refund)
		}
		closed.Refund = left
		return closed, nil
	})
}

// refundable is how much can be given back for the order of a return.
func (s *Service) refundable(ctx context.Context, returnID order.ReturnID) (money.Minor, error) {
	r, err := s.Store.Return(ctx, returnID)
	if err != nil || s.Payments == nil || r.OrderID.IsZero() {
		return 0, err
	}
	return s.Payments.Refundable(ctx, r.OrderID)
}

// changeReturn changes a return alone.
func (s *Service) changeReturn(
	ctx context.Context, t ReturnTarget, decide func(order.Return) (order.Return, error),
) (order.Return, error) {
	return s.Store.ChangeReturn(ctx, store.ReturnChange{
		ReturnID: t.ReturnID, Request: t.Request,
		Decide: func(r order.Return, _ order.Order) (order.Return, []order.Change, error) {
			changed, err := decide(r)
			return changed, nil, err
		},
	})
}
