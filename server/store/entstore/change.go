package entstore

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/orderprocessing/orderprocessing/ent/db"
	entorder "github.com/orderprocessing/orderprocessing/ent/db/order"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/coalesce"
)

// orderChange is one call of ChangeOrder.
type orderChange struct {
	orderID order.ID
	request store.Request
	decide  store.Decide
	caller
}

// ChangeOrder shares its commit with the other changes of orders that come just now.
func (s *Store) ChangeOrder(
	ctx context.Context, orderID order.ID, r store.Request, decide store.Decide,
) (order.Order, error) {
	return s.changes.Do(ctx, orderChange{orderID, r, decide, callerOf(ctx)})
}

func (s *Store) flushChanges(ctx context.Context, batch []orderChange) []coalesce.Result[order.Order] {
	return together(ctx, batch, func(ctx context.Context, batch []orderChange) ([]coalesce.Result[order.Order], error) {
		if s.takesPipe(batch) {
			if results, done, err := s.changeAtOnce(ctx, batch); done || err != nil {
				return results, err
			}
		}
		return s.changeAll(ctx, batch)
	})
}

// changeAll lets each change decide on what stands after those before it.
func (s *Store) changeAll(
	ctx context.Context, batch []orderChange,
) (results []coalesce.Result[order.Order], err error) {
	err = s.inTxWaking(ctx, func(tx *db.Tx, w *wakes) error {
		orders, err := s.lockOrders(ctx, tx, batch)
		if err != nil {
			return err
		}
		// After the orders: the same request that is answered meanwhile must not be decided anew.
		answered, err := s.answers(ctx, tx, keysOf(batch, func(c orderChange) store.Request { return c.request }))
		if err != nil {
			return err
		}
		b := changing{orders: orders, answered: answered, rows: rows{wakes: w}, now: s.now().UTC().Truncate(time.Microsecond)}
		results = b.changeAll(batch)
		return s.write(ctx, tx, &b.rows)
	})
	return results, err
}

// lockOrders reads the orders that the changes are about. Until the transaction ends nobody else
// changes them.
func (s *Store) lockOrders(ctx context.Context, tx *db.Tx, batch []orderChange) (map[order.ID]order.Order, error) {
	keys := make([]uuid.UUID, len(batch))
	for i, c := range batch {
		keys[i] = uuid.UUID(c.orderID.UUID)
	}
	found, err := locked(s, tx.Order.Query().Where(among(s, unique(keys))).Order(entorder.ByID())).All(ctx)
	if err != nil {
		return nil, err
	}
	orders := make(map[order.ID]order.Order, len(found))
	for _, row := range found {
		o := orderFromRow(row)
		orders[o.ID] = o
	}
	return orders, nil
}

// changing is a batch of changes in its transaction.
type changing struct {
	orders   map[order.ID]order.Order
	answered map[[16]byte]answer
	rows     rows
	now      time.Time
}

func (b *changing) changeAll(batch []orderChange) []coalesce.Result[order.Order] {
	results := make([]coalesce.Result[order.Order], len(batch))
	for i, c := range batch {
		b.rows.wakes.of(c.caller)
		results[i] = b.change(c)
	}
	return results
}

func (b *changing) change(c orderChange) (result coalesce.Result[order.Order]) {
	current, ok := b.orders[c.orderID]
	if !ok {
		return coalesce.Result[order.Order]{Err: orderNotFound()}
	}
	remembered := c.request != store.Request{}
	if first, ok := b.answered[c.request.Key]; ok && remembered {
		return first.to(c.request)
	}
	changes, err := ask(c.decide, current)
	if err != nil {
		return coalesce.Result[order.Order]{Err: err}
	}
	result.Value, result.Err = b.rows.advance(current, b.now, c.request, changes)
	if result.Err == nil && len(changes) > 0 {
		b.orders[c.orderID] = result.Value
		if remembered {
			b.answered[c.request.Key] = answer{c.request.Fingerprint, result}
		}
	}
	return result
}

// ask calls decide and makes an error of its panic, which is its caller's alone.
func ask(decide store.Decide, o order.Order) (changes []order.Change, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = coalesce.Caught(value)
		}
	}()
	return decide(o)
}

// replay gives an order as it was when the request was answered: the fold of its events till then.
func replay(ctx context.Context, c *db.Client, row *db.Request) (order.Order, error) {
	if row.OrderID == nil {
		return order.Order{}, store.ErrRequestReused()
	}
	orderID := order.ID{UUID: id.UUID(*row.OrderID)}
	last := int(row.Version)
	events, err := readEvents(ctx, c, orderID, 1, last, last)
	if err != nil {
		return order.Order{}, err
	}
	o, err := order.Fold(events)
	if err == nil && o.Version != row.Version {
		err = fmt.Errorf("%s has %d events, its request remembers %d", orderID, o.Version, row.Version)
	}
	return o, err
}
