// Package orders is the use cases of orders and returns, and the handlers that offer them by
// contract. It loads, lets the domain decide, and stores; it knows no database and no transport
// outside of its handler and convert files.
package orders

import (
	"context"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/pagetoken"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// Storage is what the use cases need of a store.
type Storage interface {
	store.Orders
	store.Returns
}

// Service is the use cases. Make it with New; it is safe for concurrent use.
type Service struct {
	store  Storage
	tokens *pagetoken.Tokens
	now    func() time.Time
}

// New makes the use cases over a store.
func New(s Storage, tokens *pagetoken.Tokens, now func() time.Time) *Service {
	return &Service{store: s, tokens: tokens, now: now}
}

// Get reads one order.
func (s *Service) Get(ctx context.Context, orderID order.ID) (order.Order, error) {
	return s.store.Order(ctx, orderID)
}

// GetReturn reads one return.
func (s *Service) GetReturn(ctx context.Context, returnID order.ReturnID) (order.Return, error) {
	return s.store.Return(ctx, returnID)
}
