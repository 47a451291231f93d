package entstore

import (
	"context"

	"github.com/google/uuid"

	"github.com/orderprocessing/orderprocessing/ent/db"
	entorder "github.com/orderprocessing/orderprocessing/ent/db/order"
	"github.com/orderprocessing/orderprocessing/ent/db/orderevent"
	"github.com/orderprocessing/orderprocessing/ent/db/predicate"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
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
	orders, err := readOrders(ctx, s.read.Order.Query().Limit(q.Limit), q)
	return orders, fromDriver(err)
}

func readOrders(ctx context.Context, query *db.OrderQuery, q store.OrderQuery) ([]order.Order, error) {
	w, rest := orderWalk(q)
	rows, err := query.Where(w.between).Where(rest...).Order(w.order).All(ctx)
	if err != nil {
		return nil, err
	}
	orders := make([]order.Order, len(rows))
	for i, row := range rows {
		orders[i] = orderFromRow(row)
	}
	return orders, nil
}

// orderWalk gives the index to walk and what is left to filter on the way. The first filter that
// is set chooses the index: those that let fewer through come first.
func orderWalk(q store.OrderQuery) (w walk, rest []predicate.Order) {
	w = newWalk(q.From, q.Before, q.After, q.Ascending)
	if q.Number != "" {
		w.along([]string{entorder.FieldNumber}, q.Number)
		rest = append(rest, numbered)
	}
	if q.CustomerID != "" && !w.along(customerColumns, int16(id.SlotOf(q.CustomerID)), q.CustomerID) { //nolint:gosec // below 4096
		rest = append(rest, onTheWay("%s || ''", entorder.FieldCustomerID, q.CustomerID))
	}
	for _, status := range []struct {
		column string
		value  uint8
	}{
		{entorder.FieldLifecycle, uint8(q.Lifecycle)},
		{entorder.FieldFulfillmentStatus, uint8(q.Fulfillment)},
		{entorder.FieldPaymentStatus, uint8(q.Payment)},
	} {
		if status.value != 0 && !w.along([]string{status.column}, status.value) {
			rest = append(rest, onTheWay("+%s", status.column, status.value))
		}
	}
	return w, rest
}

// OrderEvents reads a run of the order's keys.
func (s *Store) OrderEvents(ctx context.Context, orderID order.ID, after int64, limit int) ([]order.Event, error) {
	var events []order.Event
	if after < id.MaxPart {
		var err error
		if events, err = readEvents(ctx, s.read, orderID, int(after)+1, id.MaxPart, limit); err != nil {
			return nil, fromDriver(err)
		}
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

func orderNotFound() error { return order.NotFound() }
