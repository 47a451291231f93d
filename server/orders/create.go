package orders

import (
	"context"
	"time"

	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// Create asks for a new order.
type Create struct {
	Details       order.Details
	Draft         bool
	PaymentMethod string       // a token of the gateway; empty for none
	Expected      *money.Minor // the total it must have; nil for any
	Request       store.Request
}

// Create places an order, or drafts one: of a customer who calls, their own. It is durable when the
// call returns.
func (s *Service) Create(ctx context.Context, c Create) (_ order.Order, err error) {
	if c.Details.CustomerID, err = auth.CallerFrom(ctx).Narrow(c.Details.CustomerID); err != nil {
		return order.Order{}, err
	}
	change, err := order.Begin(c.Details, c.Draft, c.PaymentMethod, c.Expected)
	if err != nil {
		return order.Order{}, err
	}
	now := s.Now().UTC().Truncate(time.Millisecond)
	return s.Store.CreateOrder(ctx, store.NewOrder{
		ID:      order.NewID(now, c.Details.CustomerID, c.Request.String()),
		Created: now,
		Change:  change,
		Request: c.Request,
	})
}
