package entstore

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// rows gathers what a transaction writes of orders, so that each table is written by one statement,
// and the sagas that follow.
type rows struct {
	wakes    *wakes // nil: what follows is gathered elsewhere
	orders   []orderRow
	changed  map[id.UUID]orderRow // orders as they stand in the end
	events   []eventRow
	requests []requestRow
}

// grow makes room for so many new orders.
func (r *rows) grow(orders int) {
	r.orders, r.events, r.requests = slices.Grow(r.orders, orders), slices.Grow(r.events, orders), slices.Grow(r.requests, orders)
}

// addNew adds a new order with its event and its request. It fails and adds nothing when the order
// cannot be.
func (r *rows) addNew(n store.NewOrder) (order.Order, error) {
	o, happened, err := order.Order{}.Advance(n.ID, n.Created, n.Change)
	if err != nil {
		return o, err
	}
	row, err := r.add(o, happened, n.Request)
	if err != nil {
		return o, err
	}
	r.orders = append(r.orders, row)
	r.wakes.went(order.Order{}, o)
	return o, nil
}

// advance adds changes of an order that happen at a time, with their events and the request, and
// gives the order after them. It fails and adds nothing when they cannot follow.
func (r *rows) advance(
	current order.Order, at time.Time, q store.Request, changes []order.Change,
) (order.Order, error) {
	if len(changes) == 0 {
		return current, nil
	}
	next, happened, err := current.Advance(current.ID, at, changes...)
	if err != nil {
		return next, err
	}
	row, err := r.add(next, happened, q)
	if err != nil {
		return next, err
	}
	if r.changed == nil {
		r.changed = map[id.UUID]orderRow{}
	}
	r.changed[next.ID.UUID] = row
	r.wakes.went(current, next)
	return next, nil
}

// add adds what belongs to the row of an order that it gives. The zero request is not remembered.
func (r *rows) add(o order.Order, happened []order.Event, q store.Request) (orderRow, error) {
	row, err := newOrderRow(o)
	if err != nil {
		return row, err
	}
	known := len(r.events)
	for _, e := range happened {
		event, err := newEventRow(e)
		if err != nil {
			r.events = r.events[:known]
			return row, err
		}
		r.events = append(r.events, event)
	}
	if q != (store.Request{}) {
		r.requests = append(r.requests, requestRow{q, o.ID, o.Version, o.Updated})
	}
	r.wakes.afterOrder(o, happened...)
	return row, nil
}

// write stores what was gathered, orders by key, and forgets it. It fails with errLostRace when an
// order has changed meanwhile; the key of its next event is taken then too, whatever its version.
func (s *Store) write(ctx context.Context, tx *db.Tx, r *rows) error {
	if err := s.upsert(ctx, tx, r.tables()...); err != nil {
		return err
	}
	*r = rows{wakes: r.wakes}
	return nil
}

// tables gives what was gathered, table by table.
func (r *rows) tables() []inserts {
	var changed []orderRow
	for _, key := range slices.SortedFunc(maps.Keys(r.changed), id.UUID.Compare) {
		changed = append(changed, r.changed[key])
	}
	return []inserts{
		into[orderRow]{newOrders, r.orders}, into[orderRow]{changedOrders, changed},
		into[eventRow]{orderEvents, r.events}, into[requestRow]{requests, r.requests},
	}
}
