package entstore

import (
	"context"
	"database/sql"
	"database/sql/driver"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// Recorder is told every statement that a store runs. Calls come one at a time.
type Recorder func(query string, args []any)

// NewRecorded is New with a recorder between ent and the database.
func NewRecorded(d *database.Database, options Options, record Recorder) *Store {
	s := New(d, options)
	s.connect(func(driver dialect.Driver) *db.Client {
		return db.NewClient(db.Driver(recorded{driver, record}))
	})
	return s
}

// CreateTogether stores these orders as one batch.
func (s *Store) CreateTogether(ctx context.Context, batch []store.NewOrder) ([]order.Order, []error) {
	orders, errs := make([]order.Order, len(batch)), make([]error, len(batch))
	calls := make([]*newOrder, len(batch))
	for i, n := range batch {
		calls[i] = &newOrder{n, callerOf(ctx)}
	}
	for i, r := range s.flushCreates(ctx, calls) {
		orders[i], errs[i] = r.Value, r.Err
	}
	return orders, errs
}

// ChangeTogether makes these changes as one batch.
func (s *Store) ChangeTogether(ctx context.Context, ids []order.ID, requests []store.Request, decide []store.Decide) ([]order.Order, []error) {
	batch := make([]orderChange, len(ids))
	for i := range batch {
		batch[i] = orderChange{ids[i], requests[i], decide[i], callerOf(ctx)}
	}
	orders, errs := make([]order.Order, len(batch)), make([]error, len(batch))
	for i, r := range s.flushChanges(ctx, batch) {
		orders[i], errs[i] = r.Value, r.Err
	}
	return orders, errs
}

// recorded is a driver whose every statement is told.
type recorded struct {
	dialect.Driver
	record Recorder
}

func (r recorded) Tx(ctx context.Context) (dialect.Tx, error) { return r.BeginTx(ctx, nil) }

func (r recorded) BeginTx(ctx context.Context, options *sql.TxOptions) (dialect.Tx, error) {
	tx, err := r.Driver.(interface {
		BeginTx(context.Context, *sql.TxOptions) (dialect.Tx, error)
	}).BeginTx(ctx, options)
	return recordedTx{recordedConn{tx, r.record}, tx}, err
}

func (r recorded) Query(ctx context.Context, query string, args, v any) error {
	return recordedConn{r.Driver, r.record}.Query(ctx, query, args, v)
}

func (r recorded) Exec(ctx context.Context, query string, args, v any) error {
	return recordedConn{r.Driver, r.record}.Exec(ctx, query, args, v)
}

func (r recorded) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return recordedConn{r.Driver, r.record}.QueryContext(ctx, query, args...)
}

type recordedTx struct {
	recordedConn
	driver.Tx
}

type recordedConn struct {
	conn   dialect.ExecQuerier
	record Recorder
}

func (r recordedConn) Query(ctx context.Context, query string, args, v any) error {
	r.record(query, args.([]any))
	return r.conn.Query(ctx, query, args, v)
}

func (r recordedConn) Exec(ctx context.Context, query string, args, v any) error {
	r.record(query, args.([]any))
	return r.conn.Exec(ctx, query, args, v)
}

func (r recordedConn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	r.record(query, args)
	return r.conn.(querier).QueryContext(ctx, query, args...)
}

func (r recordedConn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	r.record(query, args)
	return r.conn.(entsql.ExecQuerier).ExecContext(ctx, query, args...)
}
