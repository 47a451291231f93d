package entstore

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// Postgres takes a batch of new orders as one statement, which is its own transaction when nothing
// follows: one round trip where ent needs six, and one plan for any number of orders beside that for one. Through the
// whole server, both in turns in one run, that takes 1.8 times the orders of ent's way at 64 connections
// and 1.4 times at 256: Postgres works 0.32 and 0.57 times as long for an order.

// insertAll stores orders whose requests are new. It fails when one of these is there already, which it finds
// out first.
const insertAll = `
WITH ordered AS (
  INSERT INTO orders (%[3]s) SELECT * FROM %[4]s AS o
), began AS (
  INSERT INTO order_events (%[5]s) SELECT * FROM %[6]s AS e
)
INSERT INTO requests (%[1]s) SELECT * FROM %[2]s AS r`

// insertNew stores the orders whose request is new, and gives the other requests. A request that
// another server is storing just now is waited for. Events come in the order of their orders.
const insertNew = `
WITH new AS (
  INSERT INTO requests (%[1]s) SELECT * FROM %[2]s AS r
  ON CONFLICT (id) DO NOTHING
  RETURNING id, order_id
), added AS (
  INSERT INTO orders (%[3]s) SELECT * FROM %[4]s AS o (%[3]s)
  WHERE id IN (SELECT order_id FROM new)
), began AS (
  INSERT INTO order_events (%[5]s)
  SELECT %[5]s FROM ROWS FROM (%[6]s, unnest($%[7]d::uuid[])) AS e (%[5]s, order_id)
  WHERE order_id IN (SELECT order_id FROM new)
)
SELECT id FROM unnest($1::uuid[]) AS asked (id) WHERE NOT EXISTS (SELECT FROM new WHERE new.id = asked.id)`

// takesArrays tells whether insertAll and insertNew can store the batch: on Postgres, and each order with a request.
func (s *Store) takesArrays(batch []*newOrder) bool {
	return s.database.Dialect() == database.Postgres &&
		!slices.ContainsFunc(batch, func(n *newOrder) bool { return n.Request == store.Request{} })
}

// createAtOnce is createAll by one statement.
func (s *Store) createAtOnce(ctx context.Context, batch []*newOrder) ([]created, error) {
	results := make([]created, len(batch))
	leaders := make(map[[16]byte]int, len(batch)) // who is stored for all who send the same request
	var fresh rows
	fresh.grow(len(batch))
	// By request, so that two servers that were sent the same ones never wait for each other.
	for _, i := range byRequest(batch) {
		if _, ok := leaders[batch[i].Request.Key]; !ok {
			leaders[batch[i].Request.Key] = i
			results[i].Value, results[i].Err = fresh.addNew(batch[i].NewOrder)
		}
	}
	answered, err := s.insert(ctx, &fresh, func(w *wakes, repeated []uuid.UUID) {
		w.grow(len(batch))
		for i, n := range batch {
			if leaders[n.Request.Key] == i && results[i].Err == nil && !slices.Contains(repeated, n.Request.Key) {
				w.of(n.caller)
				w.went(order.Order{}, results[i].Value)
				w.afterOrder(results[i].Value, order.Event{OrderID: n.ID, Sequence: 1, Time: n.Created, Change: n.Change})
			}
		}
	})
	if err != nil {
		return nil, err
	}
	for i, n := range batch {
		leader := leaders[n.Request.Key]
		first, ok := answered[n.Request.Key]
		if !ok {
			first = answer{batch[leader].Request.Fingerprint, results[leader]}
		}
		results[i] = first.to(n.Request)
	}
	return results, nil
}

// insert stores the orders whose request is new, lets follow gather the sagas of the orders that were stored, and gives the
// answers of the requests that had one before.
func (s *Store) insert(
	ctx context.Context, fresh *rows, follow func(w *wakes, repeated []uuid.UUID),
) (answered map[[16]byte]answer, err error) {
	if len(fresh.orders) == 0 {
		return nil, nil
	}
	var repeated []uuid.UUID
	starter, batched := s.starter.(saga.Batched)
	switch {
	case s.follow == nil && s.tell == nil:
		err = again(ctx, func() (err error) {
			repeated, err = runInsertNew(ctx, s.alone, fresh)
			return err
		})
	case batched:
		trips := []func() error{
			func() error { return s.insertInOne(ctx, fresh, follow, starter) },
			func() (err error) {
				repeated, err = s.insertInTwo(ctx, fresh, follow, starter)
				return err
			},
		}
		err = again(ctx, func() error {
			trip := trips[0]
			trips = trips[len(trips)-1:]
			return trip()
		})
	default:
		err = s.inTxWaking(ctx, func(tx *db.Tx, w *wakes) (err error) {
			if repeated, err = runInsertNew(ctx, tx, fresh); err == nil {
				follow(w, repeated)
			}
			return err
		})
	}
	if err != nil || len(repeated) == 0 {
		return nil, err
	}
	err = s.inTx(ctx, func(tx *db.Tx) (err error) {
		answered, err = s.answers(ctx, tx, repeated)
		return err
	})
	if err == nil && len(answered) < len(repeated) { // forgotten just now; nobody may be told of an order that is not stored
		err = fromDriver(errLostRace)
	}
	return answered, err
}

// querier is a transaction, or a client whose every statement is one.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func runInsertNew(ctx context.Context, q querier, fresh *rows) (repeated []uuid.UUID, err error) {
	found, err := q.QueryContext(ctx, insertWhatIsNew, fresh.newArgs(true)...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		var key uuid.UUID
		if err := found.Scan(&key); err != nil {
			return nil, err
		}
		repeated = append(repeated, key)
	}
	return repeated, found.Err()
}

// The statements that store new orders: one, several, and those whose request is new.
var (
	insertOneOrder  = insertion(insertAll, false)
	insertOrders    = insertion(insertAll, true)
	insertWhatIsNew = insertion(insertNew, true)
)

func insertion(words string, arrays bool) string {
	ofOrders := len(requests.columns) + 1
	ofEvents := ofOrders + len(newOrders.columns)
	return fmt.Sprintf(words, requests.names(), requests.rows(arrays, 1), newOrders.names(), newOrders.rows(arrays, ofOrders),
		orderEvents.names(), orderEvents.rows(arrays, ofEvents), ofOrders)
}

// newArgs gives the arguments of these statements.
func (r *rows) newArgs(arrays bool) []any {
	args := make([]any, 0, len(requests.columns)+len(newOrders.columns)+len(orderEvents.columns))
	args = requests.args(r.requests, arrays, args)
	args = newOrders.args(r.orders, arrays, args)
	return orderEvents.args(r.events, arrays, args)
}

// insertInOne stores orders and starts their sagas in one round trip, which is one transaction without BEGIN and
// COMMIT. It fails with a violation of the requests' key when one is repeated: then it cannot know before which
// sagas to start.
func (s *Store) insertInOne(
	ctx context.Context, fresh *rows, follow func(w *wakes, repeated []uuid.UUID), starter saga.Batched,
) error {
	w := wakes{follow: s.follow}
	follow(&w, nil)
	query, arrays := insertOneOrder, len(fresh.orders) > 1
	if arrays {
		query = insertOrders
	}
	args := fresh.newArgs(arrays)
	err := onConnection(ctx, s.database, func(conn *pgx.Conn) error {
		trip := &pgx.Batch{}
		trip.Queue(query, args...)
		if err := start(trip, w.Starts, starter); err != nil {
			return err
		}
		return send(ctx, conn, trip)
	})
	if err == nil || database.Classify(err) != database.Unique { // nothing was written then
		s.ended(&w, err)
	}
	return err
}

// insertInTwo stores the orders whose request is new, and gives the others' requests, in one round trip, and
// starts the sagas in another.
func (s *Store) insertInTwo(
	ctx context.Context, fresh *rows, follow func(w *wakes, repeated []uuid.UUID), starter saga.Batched,
) (repeated []uuid.UUID, err error) {
	w, written := wakes{follow: s.follow}, false
	err = onConnection(ctx, s.database, func(conn *pgx.Conn) error {
		return ending(ctx, conn, func() error {
			trip := &pgx.Batch{}
			trip.Queue("BEGIN")
			trip.Queue(insertWhatIsNew, fresh.newArgs(true)...).Query(func(found pgx.Rows) (err error) {
				repeated, err = pgx.CollectRows(found, pgx.RowTo[uuid.UUID])
				return err
			})
			if err := conn.SendBatch(ctx, trip).Close(); err != nil {
				return err
			}
			follow(&w, repeated)
			written = true
			trip = &pgx.Batch{}
			if err := start(trip, w.Starts, starter); err != nil {
				return err
			}
			trip.Queue("COMMIT")
			return send(ctx, conn, trip)
		})
	})
	if written {
		s.ended(&w, err)
	}
	return repeated, err
}

// start adds what starts sagas to a trip.
func start(trip *pgx.Batch, starts []saga.Start, starter saga.Batched) error {
	if len(starts) == 0 {
		return nil
	}
	return starter.StartBatch(trip, starts)
}

func byRequest(batch []*newOrder) []int {
	sorted := make([]int, len(batch))
	for i := range sorted {
		sorted[i] = i
	}
	slices.SortStableFunc(sorted, func(a, b int) int {
		return bytes.Compare(batch[a].Request.Key[:], batch[b].Request.Key[:])
	})
	return sorted
}
