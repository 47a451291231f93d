package entstore

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/orderprocessing/orderprocessing/ent/db"
	entorder "github.com/orderprocessing/orderprocessing/ent/db/order"
	"github.com/orderprocessing/orderprocessing/ent/db/orderreturn"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// ChangeReturn holds the order while decide decides, so that two returns of the same goods are
// decided one after the other.
func (s *Store) ChangeReturn(ctx context.Context, c store.ReturnChange) (changed order.Return, err error) {
	err = s.inTxWaking(ctx, func(tx *db.Tx, w *wakes) error {
		sale, current, err := s.lockReturn(ctx, tx, c)
		if err != nil {
			return err
		}
		// After the order: the same request that is answered meanwhile must not be decided anew.
		if ok, err := firstAnswer(ctx, tx, c.Request, &changed); ok || err != nil {
			return err
		}
		next, changes, err := c.Decide(current, sale)
		if err != nil {
			return err
		}
		changed = next
		if next.Equal(current) && len(changes) == 0 {
			return nil
		}
		now := s.now().UTC().Truncate(time.Microsecond)
		booked := rows{wakes: w}
		if _, err := booked.advance(sale, now, store.Request{}, changes); err != nil {
			return err
		}
		if err := s.write(ctx, tx, &booked); err != nil {
			return err
		}
		if !next.Equal(current) {
			if changed, err = writeReturn(ctx, tx, current, next, now); err != nil {
				return err
			}
			w.afterReturn(changed)
		}
		return s.remember(ctx, tx, c.Request, c.ReturnID.Slot(), changed)
	})
	return changed, err
}

// lockReturn reads a return and its order, which nobody else changes until the transaction ends. Either
// is zero where there is none: the return when it is new, the order when it is imported history.
func (s *Store) lockReturn(ctx context.Context, tx *db.Tx, c store.ReturnChange) (o order.Order, r order.Return, err error) {
	orderID := c.OrderID
	if orderID.IsZero() { // the order of a return never changes
		if r, err = findReturn(ctx, tx.OrderReturn.Query(), c.ReturnID); err != nil {
			return o, r, err
		}
		if r.ID.IsZero() {
			return o, r, order.ReturnNotFound()
		}
		orderID = r.OrderID
	}
	if !orderID.IsZero() {
		row, err := locked(s, tx.Order.Query().Where(entorder.ID(uuid.UUID(orderID.UUID)))).Only(ctx)
		if db.IsNotFound(err) {
			return o, r, orderNotFound()
		}
		if err != nil {
			return o, r, err
		}
		o = orderFromRow(row)
	}
	r, err = findReturn(ctx, locked(s, tx.OrderReturn.Query()), c.ReturnID)
	return o, r, err
}

// findReturn gives the return, zero when there is none.
func findReturn(ctx context.Context, returns *db.OrderReturnQuery, returnID order.ReturnID) (order.Return, error) {
	row, err := returns.Where(orderreturn.ID(uuid.UUID(returnID.UUID))).Only(ctx)
	if db.IsNotFound(err) {
		return order.Return{}, nil
	}
	if err != nil {
		return order.Return{}, err
	}
	return returnFromRow(row), nil
}

// writeReturn stores a return that is new or has changed now, and gives it as it is stored.
func writeReturn(ctx context.Context, tx *db.Tx, current, next order.Return, now time.Time) (order.Return, error) {
	if current.ID.IsZero() {
		row, err := newReturnRow(tx.OrderReturn, next)
		if err != nil {
			return next, err
		}
		return next, row.Exec(ctx)
	}
	next.Updated = now
	total, err := next.Total()
	if err != nil {
		return next, err
	}
	return next, tx.OrderReturn.UpdateOneID(uuid.UUID(next.ID.UUID)).
		SetStatus(uint8(next.Status)).SetLines(returnLinesToRow(next.Lines)).SetTotalMinor(int64(total)).
		SetProgress(returnProgressToRow(next)).SetUpdateTime(next.Updated).Exec(ctx)
}
