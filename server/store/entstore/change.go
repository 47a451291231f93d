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
)

// ChangeOrder reads, lets decide decide and writes under the version it read.
func (s *Store) ChangeOrder(
	ctx context.Context, orderID order.ID, r store.Request, decide store.Decide,
) (changed order.Order, err error) {
	err = s.inTx(ctx, func(tx *db.Tx) error {
		row, err := locked(s, tx.Order.Query().Where(entorder.ID(uuid.UUID(orderID.UUID)))).Only(ctx)
		if db.IsNotFound(err) {
			return orderNotFound()
		}
		if err != nil {
			return err
		}
		// After the order: the same request that is answered meanwhile must not be decided anew.
		first, ok, err := answerOf(ctx, tx, r)
		if ok || err != nil {
			changed = first
			return err
		}
		current := orderFromRow(row)
		changes, err := decide(current)
		if err != nil {
			return err
		}
		changed, err = advance(ctx, tx, current, s.now().UTC().Truncate(time.Microsecond), r, changes)
		return err
	})
	return changed, err
}

// answerOf gives the first answer to a request about an order, if there was one.
func answerOf(ctx context.Context, tx *db.Tx, r store.Request) (order.Order, bool, error) {
	row, err := tx.Request.Get(ctx, r.Key)
	if db.IsNotFound(err) {
		return order.Order{}, false, nil
	}
	if err != nil {
		return order.Order{}, false, err
	}
	if [32]byte(row.Fingerprint) != r.Fingerprint {
		return order.Order{}, false, store.ErrRequestReused()
	}
	o, err := replay(ctx, tx.Client(), row)
	return o, true, err
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

// advance stores changes of an order that happened at a time, with their events and the request. It
// fails with errLostRace when the order is not at the version it had.
func advance(
	ctx context.Context, tx *db.Tx, current order.Order, at time.Time, r store.Request, changes []order.Change,
) (order.Order, error) {
	if len(changes) == 0 {
		return current, nil
	}
	next, events, err := current.Advance(current.ID, at, changes...)
	if err != nil {
		return next, err
	}
	update, err := changeOrderRow(tx.Order.Update(), next)
	if err != nil {
		return next, err
	}
	n, err := update.Where(entorder.ID(uuid.UUID(current.ID.UUID)), entorder.Version(current.Version)).Save(ctx)
	if err != nil {
		return next, err
	}
	if n == 0 {
		return next, errLostRace
	}
	rows := newRows(tx)
	if err := rows.addEvents(events); err != nil {
		return next, err
	}
	rows.addRequest(r, next)
	return next, rows.insert(ctx)
}
