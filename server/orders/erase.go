package orders

import (
	"context"

	"github.com/orderprocessing/orderprocessing/server/store"
)

// Erased tells how much was erased.
type Erased struct {
	store.Erased
	Users, Keys int
}

// Erase takes out what is personal in everything that is kept of a customer. What was ordered while the
// customer's users could still log in is erased after they cannot.
func (s *Service) Erase(ctx context.Context, customerID string) (e Erased, err error) {
	if e.Erased, err = s.Store.EraseCustomer(ctx, customerID); err != nil {
		return e, err
	}
	if e.Users, e.Keys, err = s.People.EraseCustomer(ctx, customerID); err != nil {
		return e, err
	}
	late, err := s.Store.EraseCustomer(ctx, customerID)
	e.Orders += late.Orders
	e.Payments += late.Payments
	e.Returns += late.Returns
	return e, err
}
