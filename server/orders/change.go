package orders

import (
	"context"
	"slices"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// Target names the order that a change is meant for.
type Target struct {
	OrderID order.ID
	Etag    string // the version that the caller knows; empty for any
	Request store.Request
}

// Place places a draft, or goes on with an order that waits for its customer. An empty method is the
// one of before. When expected is given, the total must be exactly that.
func (s *Service) Place(ctx context.Context, t Target, method string, expected *money.Minor) (order.Order, error) {
	return s.change(ctx, t, func(o order.Order) ([]order.Change, error) { return o.Place(method, expected) })
}

// Edit changes what the lifecycle still lets change.
func (s *Service) Edit(ctx context.Context, t Target, e order.Edit) (order.Order, error) {
	return s.change(ctx, t, func(o order.Order) ([]order.Change, error) {
		changes, err := o.Edit(e)
		if err == nil && slices.ContainsFunc(changes, amends) && s.MayAmend != nil && !s.MayAmend(ctx, o.CustomerID) {
			return nil, fault.New(fault.KindPrecondition, fault.ReasonAmendmentsOff,
				"the lines of confirmed orders cannot be changed for now")
		}
		return changes, err
	})
}

func amends(c order.Change) bool {
	_, is := c.(order.AmendmentAsked)
	return is
}

// Cancel stops an order before anything has left.
func (s *Service) Cancel(ctx context.Context, t Target, reason string) (order.Order, error) {
	return s.change(ctx, t, func(o order.Order) ([]order.Change, error) { return o.Cancel(reason) })
}

// Hold keeps an order from going on until it is resumed.
func (s *Service) Hold(ctx context.Context, t Target, reason string) (order.Order, error) {
	return s.change(ctx, t, func(o order.Order) ([]order.Change, error) { return o.Hold(reason) })
}

// Resume lets an order go on that is on hold.
func (s *Service) Resume(ctx context.Context, t Target) (order.Order, error) {
	return s.change(ctx, t, order.Order.Resume)
}

func (s *Service) change(ctx context.Context, t Target, decide store.Decide) (order.Order, error) {
	// Before the store is asked: it answers a request that was made before without deciding.
	if err := s.checkAccess(ctx, store.Consistency{}, t.OrderID); err != nil {
		return order.Order{}, err
	}
	return s.Store.ChangeOrder(ctx, t.OrderID, t.Request, func(o order.Order) ([]order.Change, error) {
		if err := o.CheckEtag(t.Etag); err != nil {
			return nil, err
		}
		return decide(o)
	})
}
