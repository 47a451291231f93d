package entstore

import (
	"context"
	"database/sql"
	"slices"

	"entgo.io/ent/dialect"
	"github.com/google/uuid"

	"github.com/orderprocessing/orderprocessing/ent/db"
	entorder "github.com/orderprocessing/orderprocessing/ent/db/order"
	"github.com/orderprocessing/orderprocessing/ent/db/orderevent"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// maxEvents bounds what is read of events at once; one order has no more of them.
const maxEvents = id.MaxPart + 1

// Audit walks orders and events side by side in one snapshot.
func (s *Store) Audit(ctx context.Context, after id.UUID, limit int) (all []store.Audited, err error) {
	tx, err := s.snapshot(ctx)
	if err != nil {
		return nil, fromDriver(err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	for len(all) < limit {
		some, err := audit(ctx, tx, after, limit-len(all))
		if err != nil {
			return nil, fromDriver(err)
		}
		if len(some) == 0 {
			break
		}
		all = append(all, some...)
		after = some[len(some)-1].Key()
	}
	return all, nil
}

// snapshot begins a transaction that reads one state of the database.
func (s *Store) snapshot(ctx context.Context) (*db.Tx, error) {
	var options *sql.TxOptions // a SQLite reader has a snapshot anyway
	if s.database.Dialect() == dialect.Postgres {
		options = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	return s.read.BeginTx(ctx, options)
}

// audit reads at least one order, and at most limit of them, unless none follows.
func audit(ctx context.Context, tx *db.Tx, after id.UUID, limit int) ([]store.Audited, error) {
	behind := uuid.UUID(after.WithPart(id.MaxPart))
	orders, err := tx.Order.Query().Where(entorder.IDGT(behind)).Order(entorder.ByID()).Limit(limit).All(ctx)
	if err != nil {
		return nil, err
	}
	eventsOf := tx.OrderEvent.Query().Where(orderevent.IDGT(behind)).Order(orderevent.ByID())
	if len(orders) == limit { // more orders follow: their events belong to the next page
		last := id.UUID(orders[limit-1].ID).WithPart(id.MaxPart)
		eventsOf.Where(orderevent.IDLTE(uuid.UUID(last)))
	}
	events, err := eventsOf.Limit(maxEvents + 1).All(ctx)
	if err != nil {
		return nil, err
	}
	all := zip(orders, events)
	if len(events) > maxEvents { // the last of them may be of an order that has more
		last := id.UUID(events[maxEvents].ID).WithPart(0)
		all = slices.DeleteFunc(all, func(a store.Audited) bool { return a.Key().Compare(last) >= 0 })
	}
	return all[:min(limit, len(all))], nil
}

// zip joins orders and events, both sorted by id.
func zip(orders []*db.Order, events []*db.OrderEvent) (all []store.Audited) {
	for len(orders) > 0 || len(events) > 0 {
		var a store.Audited
		var key id.UUID
		if len(orders) > 0 {
			key = id.UUID(orders[0].ID)
		}
		if len(events) > 0 {
			if k := id.UUID(events[0].ID).WithPart(0); len(orders) == 0 || k.Compare(key) < 0 {
				key = k
			}
		}
		if len(orders) > 0 && id.UUID(orders[0].ID) == key {
			a.Order = orderFromRow(orders[0])
			a.Total = orders[0].TotalMinor
			a.OrderSlot = id.Slot(orders[0].Slot) //nolint:gosec // as it was written
			orders = orders[1:]
		}
		for len(events) > 0 && id.UUID(events[0].ID).WithPart(0) == key {
			e, err := eventFromRow(events[0])
			if err != nil {
				a.Err = err
				e.OrderID, e.Sequence = order.ID{UUID: key}, int64(id.UUID(events[0].ID).Part())
			}
			a.Events = append(a.Events, e)
			a.EventSlots = append(a.EventSlots, id.Slot(events[0].Slot)) //nolint:gosec // as it was written
			events = events[1:]
		}
		all = append(all, a)
	}
	return all
}
