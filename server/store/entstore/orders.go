package entstore

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/orderprocessing/orderprocessing/ent/db"
	entorder "github.com/orderprocessing/orderprocessing/ent/db/order"
	"github.com/orderprocessing/orderprocessing/ent/db/orderevent"
	"github.com/orderprocessing/orderprocessing/ent/db/predicate"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// Order reads one order by its key.
func (s *Store) Order(ctx context.Context, orderID order.ID) (order.Order, error) {
	row, err := s.read.Order.Get(ctx, uuid.UUID(orderID.UUID))
	if db.IsNotFound(err) {
		return order.Order{}, orderNotFound()
	}
	if err != nil {
		return order.Order{}, fromDriver(err)
	}
	return orderFromRow(row), nil
}

// Orders walks the one index that fits the filter, from where the page before ended.
func (s *Store) Orders(ctx context.Context, q store.OrderQuery) ([]order.Order, error) {
	query := s.read.Order.Query().Where(orderFilter(q)...).Limit(q.Limit)
	if q.Ascending {
		query.Order(entorder.ByID())
	} else {
		query.Order(db.Desc(entorder.FieldID))
	}
	rows, err := query.All(ctx)
	if err != nil {
		return nil, fromDriver(err)
	}
	orders := make([]order.Order, len(rows))
	for i, row := range rows {
		orders[i] = orderFromRow(row)
	}
	return orders, nil
}

func orderFilter(q store.OrderQuery) (where []predicate.Order) {
	add := func(p predicate.Order) { where = append(where, p) }
	if q.CustomerID != "" {
		add(entorder.Slot(int16(id.SlotOf(q.CustomerID)))) //nolint:gosec // below 4096
		add(entorder.CustomerID(q.CustomerID))
	}
	if q.Lifecycle != 0 {
		add(entorder.Lifecycle(uint8(q.Lifecycle)))
	}
	if q.Payment != 0 {
		add(entorder.PaymentStatus(uint8(q.Payment)))
	}
	if q.Fulfillment != 0 {
		add(entorder.FulfillmentStatus(uint8(q.Fulfillment)))
	}
	if q.Number != "" {
		add(entorder.Number(q.Number))
		add(entorder.NumberNEQ("")) // so that the partial index fits
	}
	from, before := bounds(q.From, q.Before, q.After, q.Ascending)
	if !from.IsZero() {
		add(entorder.IDGTE(uuid.UUID(from)))
	}
	if !before.IsZero() {
		add(entorder.IDLT(uuid.UUID(before)))
	}
	return where
}

// bounds gives the half-open range of ids of a page: ids sort by creation, so a time is an id too.
func bounds(from, before time.Time, after id.UUID, ascending bool) (low, high id.UUID) {
	if !from.IsZero() {
		low = id.First(ceilMilli(from))
	}
	if !before.IsZero() {
		high = id.First(ceilMilli(before))
	}
	switch {
	case after.IsZero():
	case ascending:
		if next := after.WithPart(id.MaxPart); next.Compare(low) > 0 {
			low = next
		}
	case high.IsZero() || after.Compare(high) < 0:
		high = after
	}
	return low, high
}

// ceilMilli rounds up to the precision of an id, so that a bound between two milliseconds leaves
// out what came before it.
func ceilMilli(t time.Time) time.Time { return t.Add(time.Millisecond - 1).Truncate(time.Millisecond) }

// OrderEvents reads a run of the order's keys.
func (s *Store) OrderEvents(ctx context.Context, orderID order.ID, after int64, limit int) ([]order.Event, error) {
	first := int(min(after+1, id.MaxPart))
	events, err := readEvents(ctx, s.read, orderID, first, id.MaxPart, limit)
	if err != nil {
		return nil, fromDriver(err)
	}
	if len(events) == 0 {
		if _, err := s.Order(ctx, orderID); err != nil {
			return nil, err
		}
	}
	return events, nil
}

// readEvents reads the events of an order from sequence first to last, at most limit of them.
func readEvents(ctx context.Context, c *db.Client, orderID order.ID, first, last, limit int) ([]order.Event, error) {
	rows, err := c.OrderEvent.Query().
		Where(orderevent.IDGTE(uuid.UUID(orderID.WithPart(first))), orderevent.IDLTE(uuid.UUID(orderID.WithPart(last)))).
		Order(orderevent.ByID()).
		Limit(limit).
		All(ctx)
	if err != nil {
		return nil, err
	}
	events := make([]order.Event, len(rows))
	for i, row := range rows {
		if events[i], err = eventFromRow(row); err != nil {
			return nil, err
		}
	}
	return events, nil
}

func orderNotFound() error {
	return fault.New(fault.KindNotFound, fault.ReasonOrderNotFound, "there is no such order")
}
