// Package entstore keeps one shard in one database, Postgres or SQLite, through ent. Which shard a
// row belongs to is decided above it.
package entstore

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/coalesce"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// Options tune a store.
type Options struct {
	// Now is the clock.
	Now func() time.Time
	// ObserveBatch is told how many new orders shared a commit.
	ObserveBatch func(size int)
}

// The bounds of the writer that gathers new orders.
const (
	maxBatch = 128
	maxQueue = 4096
)

// Store is one shard. Make it with New.
type Store struct {
	database *database.Database
	write    *db.Client
	read     *db.Client
	now      func() time.Time
	creates  *coalesce.Writer[store.NewOrder, order.Order]
	stock    *coalesce.Writer[stockOp, []stock.Hold]
	payments *coalesce.Writer[store.PaymentChange, payment.Record]
}

var _ store.Store = (*Store)(nil)

// New makes a store over a migrated database. Closing the store closes the database.
func New(d *database.Database, options Options) *Store {
	client := func(pool *sql.DB) *db.Client {
		return db.NewClient(db.Driver(entsql.OpenDB(d.Dialect(), pool)))
	}
	s := &Store{database: d, write: client(d.Write), read: client(d.Read), now: options.Now}
	observe := options.ObserveBatch
	if observe == nil {
		observe = func(int) {}
	}
	s.creates = coalesce.New(s.flushCreates, maxBatch, maxQueue, observe)
	s.stock = coalesce.New(s.flushStock, maxBatch, maxQueue, func(int) {})
	s.payments = coalesce.New(s.flushPayments, maxBatch, maxQueue, func(int) {})
	return s
}

// Ping asks the database for a sign of life.
func (s *Store) Ping(ctx context.Context) error { return fromDriver(s.database.Read.PingContext(ctx)) }

// Close writes what was taken and closes the database.
func (s *Store) Close(ctx context.Context) error {
	s.creates.Close(ctx)
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
	return again(ctx, func() error { return s.try(ctx, fn) })
}

// again runs a transaction until nobody gets in its way.
func again(ctx context.Context, transaction func() error) error {
	for attempt := 1; ; attempt++ {
		err := transaction()
		if err == nil || attempt == maxAttempts || !getsInTheWay(err) {
			return fromDriver(err)
		}
		if err := pause(ctx, time.Duration(rand.Int64N(int64(attempt)*int64(5*time.Millisecond)))); err != nil { //nolint:gosec // jitter
			return err
		}
	}
}

func (s *Store) try(ctx context.Context, fn func(tx *db.Tx) error) (err error) {
	tx, err := s.write.Tx(ctx)
	if err != nil {
		return err
	}
	committed := false
	defer func() {
		if !committed { // also when fn panics
			_ = tx.Rollback()
		}
	}()
	if err := fn(tx); err != nil {
		return err
	}
	committed = true
	return tx.Commit()
}

// locked makes a query keep others from changing its rows until the transaction ends. SQLite has
// one writer as it is, and no words for it.
func locked[Q interface{ ForUpdate(...entsql.LockOption) Q }](s *Store, query Q) Q {
	if s.database.Dialect() == dialect.Postgres {
		return query.ForUpdate()
	}
	return query
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
