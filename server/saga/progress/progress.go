// Package progress keeps how far the sagas of one shard have come, in the table sagas. Progress of
// many sagas shares commits. A row's ticket names the job that may go on with it: whoever holds
// another one finds that nothing is written, and stops. Who hands out tickets is left to the engines.
package progress

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/orderprocessing/orderprocessing/server/pause"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/store/coalesce"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// Store is the sagas of one shard. Make it with New.
type Store struct {
	db    *database.Database
	sql   statements
	saves *coalesce.Writer[Save, bool]
}

// The bounds of the writer that gathers progress.
const (
	maxBatch = 256
	maxQueue = 1 << 16 // above what an engine works on at once
)

// New makes a store over a migrated database, which it does not close. observe is told of the batches that share a
// commit; nil tells nobody.
func New(db *database.Database, observe coalesce.Observe) *Store {
	s := &Store{db: db, sql: statementsOf(db.Dialect())}
	s.saves = coalesce.New(s.flush, maxBatch, maxQueue, observe).InTurn(db.Turns)
	return s
}

// Close writes what was taken.
func (s *Store) Close(ctx context.Context) { s.saves.Close(ctx) }

// NewTicket makes a ticket that nobody else has.
func NewTicket() int64 { return rand.Int64() | 1 } //nolint:gosec // not a secret; never 0, which is no ticket

// Save is a record to write by the holder of a ticket.
type Save struct {
	Record saga.Record
	Ticket int64
}

// Save writes a record unless the ticket has been taken away, which it tells. A record that rests
// or is finished gives its ticket back. One without a Wake keeps what is stored. The write shares
// its commit with others.
func (s *Store) Save(ctx context.Context, save Save) (held bool, err error) {
	return s.saves.Do(ctx, save)
}

// flushAttempts bounds how often a batch is written that others get in the way of.
const flushAttempts = 5

func (s *Store) flush(ctx context.Context, batch []Save) []coalesce.Result[bool] {
	results := make([]coalesce.Result[bool], len(batch))
	var held map[holding]bool
	err := retry(ctx, func() (err error) {
		held, err = s.sql.save(ctx, s.db, batch)
		return err
	})
	for i, save := range batch {
		results[i] = coalesce.Result[bool]{Value: held[holding{save.Record.Key(), save.Ticket}], Err: err}
	}
	return results
}

// retry runs fn again when others got in the way or the database was gone for a moment. What fn
// writes must be safe to write twice.
func retry(ctx context.Context, fn func() error) error {
	for attempt := 1; ; attempt++ {
		err := fn()
		if err == nil || attempt == flushAttempts || !database.Classify(err).Retryable() {
			return err
		}
		wait := saga.Retry{Base: 50 * time.Millisecond, Max: time.Second}.Pause("flush", attempt)
		if ended := pause.For(ctx, wait); ended != nil {
			return errors.Join(err, ended)
		}
	}
}

// InsertTx stores new records in the caller's transaction, those that do not rest under a ticket.
// A record that is there already stays as it is.
func InsertTx(ctx context.Context, tx *sql.Tx, dialect string, records []saga.Record, ticket int64) error {
	if len(records) == 0 {
		return nil
	}
	query, args := Insertion(dialect, records, ticket)
	_, err := tx.ExecContext(ctx, query, args...)
	return err
}

// Insertion gives the statement of InsertTx, for at least one record.
func Insertion(dialect string, records []saga.Record, ticket int64) (query string, args []any) {
	return statementsOf(dialect).insert(records, ticket)
}

// Held reads the records of a ticket among keys, ready to go on.
func (s *Store) Held(ctx context.Context, keys []string, ticket int64) ([]saga.Record, error) {
	query, args := s.sql.held(keys, ticket)
	records, err := read(ctx, s.db.Read, query, args...)
	for i := range records {
		records[i].Rests = false
	}
	return records, err
}

// Due is what Take took: keys by saga, each in the order in which they were due.
type Due map[string][]string

// Take puts unfinished records of the named sagas that were to be looked at by now under a ticket
// until wake, at most limit of them. Whoever held them loses them. Replicas take different ones.
func (s *Store) Take(
	ctx context.Context, tx *sql.Tx, sagas []string, now time.Time, limit int, ticket int64, wake time.Time,
) (Due, int, error) {
	query, args := s.sql.take(sagas, now, limit, ticket, wake)
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	due, n := Due{}, 0
	for rows.Next() {
		var key, name string
		if err := rows.Scan(&key, &name); err != nil {
			return nil, 0, err
		}
		due[name] = append(due[name], key)
		n++
	}
	return due, n, rows.Err()
}

// WakeTx puts one unfinished record under a ticket until wake, and tells whether there was one.
// With again its attempts count from 0.
func WakeTx(
	ctx context.Context, tx *sql.Tx, dialect, key string, ticket int64, now, wake time.Time, again bool,
) (bool, error) {
	query, args := statementsOf(dialect).wake(key, ticket, now, wake, again)
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// HurryTx makes the records of a ticket among keys due: whoever held it is gone.
func HurryTx(ctx context.Context, tx *sql.Tx, dialect string, keys []string, ticket int64, now time.Time) error {
	query, args := statementsOf(dialect).hurry(keys, ticket, now)
	_, err := tx.ExecContext(ctx, query, args...)
	return err
}

// Settle puts records off that Take took until taken, unless somebody has woken them since: to their
// deadlines, and to check at the soonest.
func (s *Store) Settle(ctx context.Context, keys []string, ticket int64, taken, check time.Time) error {
	query, args := s.sql.settle(keys, ticket, taken, check)
	return retry(ctx, func() error {
		_, err := s.db.Write.ExecContext(ctx, query, args...)
		return err
	})
}

// Find reads one record; nil when there is none.
func (s *Store) Find(ctx context.Context, key string) (*saga.Record, error) {
	records, err := read(ctx, s.db.Read, s.sql.bind(selected+" WHERE saga_key = ?"), key)
	if err != nil || len(records) == 0 {
		return nil, err
	}
	return &records[0], nil
}

// findAtOnce bounds the parameters of one statement.
const findAtOnce = 500

// Unfinished reads those of the records with these keys that have something left to do.
func (s *Store) Unfinished(ctx context.Context, keys []string) (found []saga.Record, err error) {
	for chunk := range slices.Chunk(keys, findAtOnce) {
		args := make([]any, len(chunk))
		for i, key := range chunk {
			args[i] = key
		}
		query := s.sql.bind(selected + " WHERE state < 5 AND saga_key IN " + placeholders(1, len(args)))
		records, err := read(ctx, s.db.Read, query, args...)
		if err != nil {
			return nil, err
		}
		found = append(found, records...)
	}
	return found, nil
}

// List reads a page of records, by key.
func (s *Store) List(ctx context.Context, page saga.Page) ([]saga.Record, error) {
	where := "state < 5"
	switch {
	case page.State.Finished():
		where = fmt.Sprintf("state = %d", page.State)
	case page.State > 0:
		where += fmt.Sprintf(" AND state = %d", page.State)
	}
	return read(ctx, s.db.Read, s.sql.bind(selected+" WHERE "+where+" AND saga_key > ? ORDER BY saga_key LIMIT ?"), page.After, page.Limit)
}

// NextWake tells when the next record is to be looked at; zero when none is.
func (s *Store) NextWake(ctx context.Context) (time.Time, error) {
	records, err := read(ctx, s.db.Read, selected+" WHERE state < 5 ORDER BY wake_time LIMIT 1")
	if err != nil || len(records) == 0 {
		return time.Time{}, err
	}
	return records[0].Wake, nil
}

// Count is how many records of a saga are in a state, and when the oldest was made.
type Count struct {
	Saga   string
	State  saga.State
	Count  int
	Oldest time.Time
}

// Counts counts the unfinished records.
func (s *Store) Counts(ctx context.Context) ([]Count, error) {
	rows, err := s.db.Read.QueryContext(ctx,
		"SELECT saga, state, count(*), "+s.sql.epoch("min(create_time)")+" FROM sagas WHERE state < 5 GROUP BY saga, state") //nolint:gosec // the dialect's own words
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var counts []Count
	for rows.Next() {
		var c Count
		var seconds float64
		if err := rows.Scan(&c.Saga, &c.State, &c.Count, &seconds); err != nil {
			return nil, err
		}
		c.Oldest = time.UnixMilli(int64(seconds * 1000)).UTC()
		counts = append(counts, c)
	}
	return counts, rows.Err()
}

const selected = `SELECT slot, subject, saga, state, undoing, step, attempts, reason, cause, ticket, wake_time, deadline, create_time, update_time, trace FROM sagas`

func read(ctx context.Context, pool *sql.DB, query string, args ...any) ([]saga.Record, error) {
	rows, err := pool.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var records []saga.Record
	for rows.Next() {
		var r saga.Record
		var ticket int64
		if err := rows.Scan(&r.Slot, &r.Subject, &r.Saga, &r.State, &r.Undoing, &r.Step, &r.Attempts, &r.Reason,
			&r.Cause, &ticket, &r.Wake, &r.Deadline, &r.Created, &r.Updated, &r.Trace); err != nil {
			return nil, err
		}
		r.Rests = ticket == 0 && !r.State.Finished()
		r.Wake, r.Deadline, r.Created, r.Updated = r.Wake.UTC(), r.Deadline.UTC(), r.Created.UTC(), r.Updated.UTC()
		records = append(records, r)
	}
	return records, rows.Err()
}

// wakeOf gives when a record is to be looked at; nil when that stays as it is.
func wakeOf(r *saga.Record) *time.Time {
	if r.Wake.IsZero() {
		return nil
	}
	return &r.Wake
}

// leaves gives the ticket that a record has after it is written.
func leaves(r saga.Record, ticket int64) int64 {
	if r.Rests || r.State.Finished() {
		return 0
	}
	return ticket
}

// holding is a record under a ticket.
type holding struct {
	key    string
	ticket int64
}

// placeholders gives n groups of m question marks.
func placeholders(n, m int) string {
	group := "(" + strings.TrimSuffix(strings.Repeat("?,", m), ",") + "),"
	return strings.TrimSuffix(strings.Repeat(group, n), ",")
}
