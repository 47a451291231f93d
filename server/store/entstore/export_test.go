package entstore

import (
	"context"
	"database/sql"

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
	client := func(pool *sql.DB) *db.Client {
		return db.NewClient(db.Driver(recorded{entsql.OpenDB(d.Dialect(), pool), record}))
	}
	s.write, s.read = client(d.Write), client(d.Read)
	return s
}

// CreateTogether stores these orders as one batch.
func (s *Store) CreateTogether(ctx context.Context, batch []store.NewOrder) ([]order.Order, []error) {
	orders, errs := make([]order.Order, len(batch)), make([]error, len(batch))
	for i, r := range s.flushCreates(ctx, batch) {
		orders[i], errs[i] = r.Value, r.Err
	}
	return orders, errs
}

type recorded struct {
	*entsql.Driver
	record Recorder
}

func (r recorded) Query(ctx context.Context, query string, args, v any) error {
	r.record(query, args.([]any))
	return r.Driver.Query(ctx, query, args, v)
}

func (r recorded) Exec(ctx context.Context, query string, args, v any) error {
	r.record(query, args.([]any))
	return r.Driver.Exec(ctx, query, args, v)
}

func (r recorded) Tx(ctx context.Context) (dialect.Tx, error) { return r.BeginTx(ctx, nil) }

func (r recorded) BeginTx(ctx context.Context, options *sql.TxOptions) (dialect.Tx, error) {
	tx, err := r.Driver.BeginTx(ctx, options)
	return recordedTx{tx, r.record}, err
}

type recordedTx struct {
	dialect.Tx
	record Recorder
}

func (r recordedTx) Query(ctx context.Context, query string, args, v any) error {
	r.record(query, args.([]any))
	return r.Tx.Query(ctx, query, args, v)
}

func (r recordedTx) Exec(ctx context.Context, query string, args, v any) error {
	r.record(query, args.([]any))
	return r.Tx.Exec(ctx, query, args, v)
}
