package entstore

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/orderprocessing/orderprocessing/ent/db"
	entorder "github.com/orderprocessing/orderprocessing/ent/db/order"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/coalesce"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// On Postgres a batch of orders is read, and most batches of changes are made, without ent's scanning
// and in fewer round trips, as those of payments are: every order is read once and changed once on its
// way to be confirmed.

// findOrdersAtOnce is FindOrders on Postgres.
func (s *Store) findOrdersAtOnce(ctx context.Context, orderIDs []order.ID) (orders []order.Order, err error) {
	err = onConnection(ctx, s.database, func(conn *pgx.Conn) error {
		trip := &pgx.Batch{}
		queueOrders(trip, keysOfOrders(orderIDs), "", func(o order.Order) { orders = append(orders, o) })
		return conn.SendBatch(ctx, trip).Close()
	})
	return orders, fromDriver(err)
}

// takesPipe tells whether changeAtOnce can make the changes: on Postgres, and when no request is to be
// remembered, whose first answer would have to be looked for.
func (s *Store) takesPipe(batch []orderChange) bool {
	if s.database.Dialect() != database.Postgres {
		return false
	}
	for _, c := range batch {
		if c.request != (store.Request{}) {
			return false
		}
	}
	return true
}

// changeAtOnce is changeAll for most batches of the sagas. Where sagas follow from a batch it leaves it
// to changeAll, which can start them, and done is false.
func (s *Store) changeAtOnce(ctx context.Context, batch []orderChange) (results []coalesce.Result[order.Order], done bool, err error) {
	orderIDs := make([]order.ID, len(batch))
	for i, c := range batch {
		orderIDs[i] = c.orderID
	}
	err = again(ctx, func() error {
		w, written := wakes{follow: s.follow}, false
		done = true
		err := pipelined(ctx, s.database, func(conn *pgx.Conn) error {
			b := changing{orders: map[order.ID]order.Order{}, rows: rows{wakes: &w}, now: s.now().UTC().Truncate(time.Microsecond)}
			trip := &pgx.Batch{}
			trip.Queue("BEGIN")
			queueOrders(trip, keysOfOrders(orderIDs), " FOR UPDATE", func(o order.Order) { b.orders[o.ID] = o })
			if err := conn.SendBatch(ctx, trip).Close(); err != nil {
				return err
			}
			results = b.changeAll(batch)
			if len(w.Starts)+len(w.Signals) > 0 {
				return errSagasFollow
			}
			err := pipe(ctx, conn, b.rows.tables())
			written = err == nil
			return err
		})
		if written {
			s.ended(&w, err)
		}
		if errors.Is(err, errSagasFollow) {
			done, err = false, nil
		}
		return err
	})
	return results, done, err
}

// errSagasFollow gives a transaction up from which sagas follow.
var errSagasFollow = errors.New("sagas follow from it")

// queueOrders queues a read of orders; lock is what is added to the statement.
func queueOrders(trip *pgx.Batch, keys []uuid.UUID, lock string, take func(order.Order)) {
	var r db.Order
	columns, targets := orderFields(&r)
	queueRead(trip, selectByID(entorder.Table, columns)+lock, keys, targets, func() {
		take(orderFromRow(&r))
		r = db.Order{} // documents are read into what is there
	})
}

func keysOfOrders(orderIDs []order.ID) []uuid.UUID {
	keys := make([]uuid.UUID, len(orderIDs))
	for i, orderID := range orderIDs {
		keys[i] = uuid.UUID(orderID.UUID)
	}
	return unique(keys)
}

func orderFields(r *db.Order) (columns []string, targets []any) {
	return []string{
			entorder.FieldID, entorder.FieldCreateTime, entorder.FieldUpdateTime, entorder.FieldCustomerID,
			entorder.FieldSource, entorder.FieldNumber, entorder.FieldLifecycle, entorder.FieldPaymentStatus,
			entorder.FieldFulfillmentStatus, entorder.FieldCurrency, entorder.FieldLines, entorder.FieldShippingMinor,
			entorder.FieldShipTo, entorder.FieldNote, entorder.FieldCancelReason, entorder.FieldPaymentMethod,
			entorder.FieldPlacements, entorder.FieldConfirmTime, entorder.FieldProgress, entorder.FieldVersion,
		}, []any{
			&r.ID, &r.CreateTime, &r.UpdateTime, &r.CustomerID,
			&r.Source, &r.Number, &r.Lifecycle, &r.PaymentStatus,
			&r.FulfillmentStatus, &r.Currency, &r.Lines, &r.ShippingMinor,
			&r.ShipTo, &r.Note, &r.CancelReason, &r.PaymentMethod,
			&r.Placements, &r.ConfirmTime, &r.Progress, &r.Version,
		}
}
