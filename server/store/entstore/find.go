package entstore

import (
	"context"
	"maps"
	"slices"

	"github.com/google/uuid"

	enthold "github.com/orderprocessing/orderprocessing/ent/db/hold"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// FindOrders reads by key.
func (s *Store) FindOrders(ctx context.Context, orderIDs []order.ID) ([]order.Order, error) {
	if s.database.Dialect() == database.Postgres {
		return s.findOrdersAtOnce(ctx, orderIDs)
	}
	var orders []order.Order
	for chunk := range slices.Chunk(orderIDs, atOnce) {
		ids := make([]uuid.UUID, len(chunk))
		for i, orderID := range chunk {
			ids[i] = uuid.UUID(orderID.UUID)
		}
		rows, err := s.read.Order.Query().Where(among(s, ids)).All(ctx)
		if err != nil {
			return nil, fromDriver(err)
		}
		for _, row := range rows {
			orders = append(orders, orderFromRow(row))
		}
	}
	return orders, nil
}

// FindHolds reads by key.
func (s *Store) FindHolds(ctx context.Context, keys []store.HoldKey) ([]stock.Hold, error) {
	lines := make([]stockLine, len(keys))
	for i, key := range keys {
		lines[i] = newLine(key.OrderID, key.SKU, 0)
	}
	stored, err := readHolds(ctx, s.read.Hold, lines)
	return slices.Collect(maps.Values(stored)), fromDriver(err)
}

// AuditHolds walks the keys.
func (s *Store) AuditHolds(ctx context.Context, after id.UUID, limit int) ([]store.AuditedHold, error) {
	rows, err := s.read.Hold.Query().Where(enthold.IDGT(uuid.UUID(after))).Order(enthold.ByID()).Limit(limit).All(ctx)
	if err != nil {
		return nil, fromDriver(err)
	}
	holds := make([]store.AuditedHold, len(rows))
	for i, row := range rows {
		holds[i] = store.AuditedHold{Key: id.UUID(row.ID), Hold: holdFromRow(row)}
	}
	return holds, nil
}
