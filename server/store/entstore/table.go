package entstore

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// table is how a T is written: into which columns, and what of it goes there.
type table[T any] struct {
	name      string
	columns   []column[T]
	condition string // of the rows that are there: which may be overwritten; none without one

	insertOne, insertMany, conflict string // for Postgres; that of many is the same for any number
}

// column is a column of a table.
type column[T any] struct {
	name  string
	kind  string // what Postgres calls its type
	fixed bool   // a change leaves it as it is

	value  func(row *T) any                // as database/sql takes it
	values func(rows []T, arrays bool) any // as database.Column gives it
}

func newTable[T any](name, condition string, columns ...column[T]) *table[T] {
	t := &table[T]{name: name, columns: columns, condition: condition}
	if condition != "" {
		t.conflict = t.onConflict()
	}
	t.insertOne, t.insertMany = t.insertRows(false), t.insertRows(true)
	return t
}

// onConflict gives the words that overwrite rows which meet the condition.
func (t *table[T]) onConflict() string {
	var changes []string
	for _, c := range t.columns {
		if !c.fixed {
			changes = append(changes, fmt.Sprintf(`"%s" = excluded."%s"`, c.name, c.name))
		}
	}
	return ` ON CONFLICT ("id") DO UPDATE SET ` + strings.Join(changes, ", ") + " WHERE " + t.condition
}

// insertRows writes an insert whose rows come as database.Rows.
func (t *table[T]) insertRows(arrays bool) string {
	return fmt.Sprintf(`INSERT INTO "%s" (%s) SELECT * FROM %s AS r`, t.name, t.names(), t.rows(arrays, 1)) + t.conflict
}

// names lists the columns.
func (t *table[T]) names() string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = `"` + c.name + `"`
	}
	return strings.Join(names, ", ")
}

// rows gives the words for rows that are parameters from first on.
func (t *table[T]) rows(arrays bool, first int) string {
	kinds := make([]string, len(t.columns))
	for i, c := range t.columns {
		kinds[i] = c.kind
	}
	return database.Rows(arrays, first, kinds...)
}

// args adds rows to the arguments of a statement of Postgres, column by column.
func (t *table[T]) args(rows []T, arrays bool, args []any) []any {
	for _, c := range t.columns {
		args = append(args, c.values(rows, arrays))
	}
	return args
}

// fixed is a column that a change leaves as it is.
func fixed[T any, V value](name string, get func(*T) V) column[T] {
	c := open(name, get)
	c.fixed = true
	return c
}

// value is what a column may hold.
type value interface {
	uuid.UUID | string | bool | document | []byte | uint8 | int16 | int | int64 | time.Time | sometime
}

// open is a column that a change overwrites.
func open[T any, V value](name string, get func(*T) V) column[T] {
	c := column[T]{name: name, value: func(row *T) any { return get(row) }}
	switch get := any(get).(type) {
	case func(*T) uuid.UUID:
		c.kind, c.values = "uuid", gather(get, func(v uuid.UUID) [16]byte { return v })
	case func(*T) string:
		c.kind, c.values = "text", gather(get, func(v string) string { return v })
	case func(*T) bool:
		c.kind, c.values = "boolean", gather(get, func(v bool) bool { return v })
	case func(*T) document:
		c.kind, c.values = "jsonb", gather(get, func(v document) []byte { return v })
	case func(*T) []byte:
		c.kind, c.values = "bytea", gather(get, func(v []byte) []byte { return v })
	case func(*T) uint8:
		c.kind, c.values = "smallint", gather(get, func(v uint8) int16 { return int16(v) })
	case func(*T) int16:
		c.kind, c.values = "smallint", gather(get, func(v int16) int16 { return v })
	case func(*T) int:
		c.kind, c.values = "bigint", gather(get, func(v int) int64 { return int64(v) })
	case func(*T) int64:
		c.kind, c.values = "bigint", gather(get, func(v int64) int64 { return v })
	case func(*T) time.Time:
		c.kind, c.values = "timestamptz", gather(get, func(v time.Time) pgtype.Timestamptz { return pgtype.Timestamptz{Time: v, Valid: true} })
	case func(*T) sometime:
		c.kind, c.values = "timestamptz", gather(get, func(v sometime) pgtype.Timestamptz {
			return pgtype.Timestamptz{Time: v.Time, Valid: !v.IsZero()}
		})
	}
	return c
}

func gather[T, From, To any](get func(*T) From, convert func(From) To) func(rows []T, arrays bool) any {
	return func(rows []T, arrays bool) any {
		if !arrays {
			return convert(get(&rows[0]))
		}
		values := make([]To, len(rows))
		for i := range rows {
			values[i] = convert(get(&rows[i]))
		}
		return database.Column(arrays, values)
	}
}

// document is JSON; nil is NULL.
type document []byte

func newDocument(v any) (document, error) { return json.Marshal(v) }

// Value gives what database/sql writes.
func (d document) Value() (driver.Value, error) {
	if d == nil {
		return nil, nil
	}
	return []byte(d), nil
}

// sometime is a time; the zero one is NULL.
type sometime struct{ time.Time }

// Value gives what database/sql writes.
func (s sometime) Value() (driver.Value, error) {
	if s.IsZero() {
		return nil, nil
	}
	return s.Time, nil
}

// inserts are rows on their way into a table, of any kind.
type inserts interface {
	count() int
	statement(postgres bool) (query string, args []any)
}

// into are the rows of one table.
type into[T any] struct {
	table *table[T]
	rows  []T
}

func (i into[T]) count() int { return len(i.rows) }

// statement writes all rows.
func (i into[T]) statement(postgres bool) (query string, args []any) {
	switch arrays := len(i.rows) > 1; {
	case !postgres:
		return i.marked()
	case arrays:
		return i.table.insertMany, i.table.args(i.rows, arrays, nil)
	default:
		return i.table.insertOne, i.table.args(i.rows, arrays, nil)
	}
}

// marked writes an insert with a parameter a cell.
func (i into[T]) marked() (query string, args []any) {
	t := i.table
	marks := "(?" + strings.Repeat(", ?", len(t.columns)-1) + ")"
	query = fmt.Sprintf(`INSERT INTO "%s" (%s) VALUES %s`, t.name, t.names(), marks) + strings.Repeat(", "+marks, len(i.rows)-1) + t.conflict
	for n := range i.rows {
		for _, c := range t.columns {
			args = append(args, c.value(&i.rows[n]))
		}
	}
	return query, args
}

// upsert writes rows in a statement for each table. A row that is there is overwritten if it meets the table's condition; without a
// condition, or when it does not meet it, another writer was first.
func (s *Store) upsert(ctx context.Context, tx *db.Tx, all ...inserts) error {
	for _, some := range all {
		if some.count() == 0 {
			continue
		}
		query, args := some.statement(s.database.Dialect() == dialect.Postgres)
		result, err := tx.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return err
		}
		if n != int64(some.count()) {
			return errLostRace
		}
	}
	return nil
}
