package entstore

import (
	"context"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// scanPage is how many rows a scan reads at once.
const scanPage = 200

// ScanOrders reads page after page, so that no snapshot is held while they are taken.
func (s *Store) ScanOrders(ctx context.Context, q store.OrderQuery, take func([]order.Order) error) error {
	return store.Scan(scanPage, func(after id.UUID) ([]order.Order, error) {
		q.After, q.Limit = after, scanPage
		return s.Orders(ctx, q)
	}, func(o order.Order) id.UUID { return o.ID.UUID }, take)
}

// ScanReturns is ScanOrders for returns.
func (s *Store) ScanReturns(ctx context.Context, q store.ReturnQuery, take func([]order.Return) error) error {
	return store.Scan(scanPage, func(after id.UUID) ([]order.Return, error) {
		q.After, q.Limit = after, scanPage
		return s.Returns(ctx, q)
	}, func(r order.Return) id.UUID { return r.ID.UUID }, take)
}
