// Package entstore keeps one shard in one database, Postgres or SQLite, through ent. Which shard a
// row belongs to is decided above it.
package entstore

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/pause"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/coalesce"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// Options tune a store.
type Options struct {
	// Now is the clock.
	Now func() time.Time
	// Observe gives who is told of the batches of a writer, by what it writes. Nil: nobody is.
	Observe func(written string) coalesce.Observe
	// Follow says which sagas follow from a change, and Starter starts them. Both nil: none do.
	Follow  Follow
	Starter saga.Starter
	// Moved is told where orders went, once that is stored; nil for nobody. It must not block.
	Moved func([]Moved)
	// Committed is told of orders as they stand after a commit, before those who changed them are; nil
	// for nobody. When a commit failed, it is not certain that they stand like that. It must not block.
	Committed func(orders []order.Order, certain bool)
}

// The bounds of the writers that gather what shares a commit.
const (
	maxBatch = 128
	maxQueue = 4096
)

// Store is one shard. Make it with New.
type Store struct {
	database *database.Database
	client   func(dialect.Driver) *db.Client
	alone    *db.Client // writes each statement as a transaction of its own
	read     *db.Client
	now      func() time.Time
	follow   Follow
	starter  saga.Starter
	moved    func([]Moved)
	tell     func(orders []order.Order, certain bool) // nil for nobody
	creates  *coalesce.Writer[*newOrder, order.Order]
	changes  *coalesce.Writer[orderChange, order.Order]
	stock    *coalesce.Writer[stockOp, []stock.Hold]
	payments *coalesce.Writer[paymentChange, payment.Record]
}

var _ store.Store = (*Store)(nil)

// New makes a store over a migrated database. Closing the store closes the database.
func New(d *database.Database, options Options) *Store {
	s := &Store{
		database: d, now: options.Now, follow: options.Follow, starter: options.Starter,
		moved: options.Moved, tell: options.Committed,
	}
	s.connect(func(driver dialect.Driver) *db.Client { return db.NewClient(db.Driver(driver)) })
	observe := options.Observe
	if observe == nil {
		observe = func(string) coalesce.Observe { return nil }
	}
	s.creates = coalesce.New(traced("commit orders", s.flushCreates), maxBatch, maxQueue, observe("creates")).InTurn(d.Turns)
	s.changes = coalesce.New(traced("commit changes", s.flushChanges), maxBatch, maxQueue, observe("changes")).InTurn(d.Turns)
	s.stock = coalesce.New(traced("commit holds", s.flushStock), maxBatch, maxQueue, observe("holds")).InTurn(d.Turns)
	s.payments = coalesce.New(traced("commit payments", s.flushPayments), maxBatch, maxQueue, observe("payments")).InTurn(d.Turns)
	return s
}

// connect makes the clients of the database by client, which also makes that of each transaction.
func (s *Store) connect(client func(dialect.Driver) *db.Client) {
	s.client = client
	s.alone = client(entsql.OpenDB(s.database.Dialect(), s.database.Write))
	s.read = client(entsql.OpenDB(s.database.Dialect(), s.database.Read))
}

// Ping asks the database for a sign of life.
func (s *Store) Ping(ctx context.Context) error { return fromDriver(s.database.Read.PingContext(ctx)) }

// Close writes what was taken and closes the database.
func (s *Store) Close(ctx context.Context) error {
	s.creates.Close(ctx)
	s.changes.Close(ctx)
	s.stock.Close(ctx)
	s.payments.Close(ctx)
	return s.database.Close()
}

// errLostRace says that another writer was first; the transaction runs again and sees its work.
var errLostRace = errors.New("another writer was first")

// maxAttempts bounds how often a transaction runs that others keep getting in the way of.
const maxAttempts = 8

// inTx runs fn in one transaction that is committed when fn succeeds. fn runs again when others
// got in the way.
func (s *Store) inTx(ctx context.Context, fn func(tx *db.Tx) error) error {
	return s.inTxWaking(ctx, func(tx *db.Tx, _ *wakes) error { return fn(tx) })
}

// inTxWaking is inTx for changes that sagas may follow from: those that fn gathers are started and
// signaled in the same transaction.
func (s *Store) inTxWaking(ctx context.Context, fn func(tx *db.Tx, w *wakes) error) error {
	return again(ctx, func() error { return s.try(ctx, fn) })
}

// again runs a transaction until nobody gets in its way.
func again(ctx context.Context, transaction func() error) error {
	for attempt := 1; ; attempt++ {
		err := transaction()
		if err == nil || attempt == maxAttempts || !getsInTheWay(err) {
			return fromDriver(err)
		}
		if err := pause.For(ctx, time.Duration(rand.Int64N(int64(attempt)*int64(5*time.Millisecond)))); err != nil { //nolint:gosec // jitter
			return err
		}
	}
}

func (s *Store) try(ctx context.Context, fn func(tx *db.Tx, w *wakes) error) error {
	both, err := s.database.Write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = both.Rollback() }() // also when fn panics; nothing once it is committed
	tx, err := s.client(database.Driver(both, s.database.Dialect())).Tx(ctx)
	if err != nil {
		return err
	}
	w := wakes{follow: s.follow}
	w.of(callerOf(ctx))
	if err := fn(tx, &w); err != nil {
		return err
	}
	if err := w.send(ctx, both, s.starter); err != nil {
		return err
	}
	err = both.Commit()
	s.ended(&w, err)
	return err
}

// ended tells what a transaction changed, with what became of its commit.
func (s *Store) ended(w *wakes, err error) {
	if s.tell != nil && len(w.orders) > 0 {
		s.tell(w.orders, err == nil)
	}
	if s.moved != nil && len(w.moved) > 0 && err == nil {
		s.moved(w.moved)
	}
}

// locked makes a query keep others from changing its rows until the transaction ends. SQLite has
// one writer as it is, and no words for it.
func locked[Q interface{ ForUpdate(...entsql.LockOption) Q }](s *Store, query Q) Q {
	if s.database.Dialect() == dialect.Postgres {
		return query.ForUpdate()
	}
	return query
}
