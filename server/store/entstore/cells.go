package entstore

import (
	"bytes"
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// cell is a column of a row: what is written there, and whether a change may overwrite it.
type cell struct {
	column string
	value  any
	fixed  bool
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

// timeOrNull is NULL for the zero time.
func timeOrNull(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at
}

// upsert inserts rows in one statement. A row that is there is overwritten if it meets the
// condition; without a condition, or when it does not meet it, another writer was first.
func (s *Store) upsert(ctx context.Context, tx *db.Tx, table string, rows [][]cell, condition string) error {
	if len(rows) == 0 {
		return nil
	}
	var query string
	var args []any
	if s.database.Dialect() == dialect.Postgres {
		query, args = insertRows(table, rows)
	} else {
		query, args = insertValues(table, rows)
	}
	query += onConflict(tableRows{table, rows, condition})
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n != int64(len(rows)) {
		return errLostRace
	}
	return err
}

// tableRows is what upsert writes to one table.
type tableRows struct {
	table     string
	rows      [][]cell
	condition string
}

// onConflict gives the words that overwrite rows which meet the condition; none without one.
func onConflict(t tableRows) string {
	if t.condition == "" {
		return ""
	}
	var changes []string
	for _, c := range t.rows[0] {
		if !c.fixed {
			changes = append(changes, fmt.Sprintf(`"%s" = excluded."%s"`, c.column, c.column))
		}
	}
	return ` ON CONFLICT ("id") DO UPDATE SET ` + strings.Join(changes, ", ") + " WHERE " + t.condition
}

// insertValues writes an insert with a parameter a cell.
func insertValues(table string, rows [][]cell) (query string, args []any) {
	var text strings.Builder
	fmt.Fprintf(&text, `INSERT INTO "%s" (%s) VALUES `, table, cellColumns(rows[0]))
	marks := "(?" + strings.Repeat(", ?", len(rows[0])-1) + ")"
	for i, row := range rows {
		if i > 0 {
			text.WriteString(", ")
		}
		text.WriteString(marks)
		for _, c := range row {
			args = append(args, c.value)
		}
	}
	return text.String(), args
}

// insertRows writes an insert whose rows come as database.Rows.
func insertRows(table string, rows [][]cell) (query string, args []any) {
	arrays := len(rows) > 1
	args, kinds := argsOf(rows, arrays, nil)
	return fmt.Sprintf(`INSERT INTO "%s" (%s) SELECT * FROM %s AS r`,
		table, cellColumns(rows[0]), database.Rows(arrays, 1, kinds...)), args
}

// argsOf adds the columns of rows to the arguments of a statement, and names what Postgres calls their types.
func argsOf(rows [][]cell, arrays bool, args []any) (all []any, kinds []string) {
	kinds = make([]string, len(rows[0]))
	for i := range kinds {
		var values any
		values, kinds[i] = argOf(rows, i, arrays)
		args = append(args, values)
	}
	return args, kinds
}

func cellColumns(row []cell) string {
	names := make([]string, len(row))
	for i, c := range row {
		names[i] = `"` + c.column + `"`
	}
	return strings.Join(names, ", ")
}

// argOf gives a column as database.Column does, and what Postgres calls its type. Times and documents may
// be NULL.
func argOf(rows [][]cell, column int, arrays bool) (values any, kind string) {
	switch rows[0][column].value.(type) {
	case uuid.UUID:
		return gather(rows, column, arrays, func(v uuid.UUID) [16]byte { return v }), "uuid"
	case string:
		return gather(rows, column, arrays, func(v string) string { return v }), "text"
	case bool:
		return gather(rows, column, arrays, func(v bool) bool { return v }), "boolean"
	case document:
		return gather(rows, column, arrays, func(v document) []byte { return v }), "jsonb"
	case []byte:
		return gather(rows, column, arrays, func(v []byte) []byte { return v }), "bytea"
	case uint8:
		return gather(rows, column, arrays, func(v uint8) int16 { return int16(v) }), "smallint"
	case int16:
		return gather(rows, column, arrays, func(v int16) int16 { return v }), "smallint"
	case int:
		return gather(rows, column, arrays, func(v int) int64 { return int64(v) }), "bigint"
	case int64:
		return gather(rows, column, arrays, func(v int64) int64 { return v }), "bigint"
	}
	times := make([]pgtype.Timestamptz, len(rows))
	for i, row := range rows {
		times[i].Time, times[i].Valid = row[column].value.(time.Time)
	}
	return database.Column(arrays, times), "timestamptz"
}

func gather[From, To any](rows [][]cell, column int, arrays bool, convert func(From) To) any {
	values := make([]To, len(rows))
	for i, row := range rows {
		value, _ := row[column].value.(From) // a column has one type
		values[i] = convert(value)
	}
	return database.Column(arrays, values)
}

// among finds the rows with these ids, by a statement that is the same for any number of them
// where the database has words for that.
func among(s *Store, keys []uuid.UUID) func(*entsql.Selector) {
	return func(sel *entsql.Selector) {
		if s.database.Dialect() != dialect.Postgres {
			ids := make([]any, len(keys))
			for i, key := range keys {
				ids[i] = key
			}
			sel.Where(entsql.In(sel.C("id"), ids...))
			return
		}
		sel.Where(entsql.P(func(b *entsql.Builder) {
			b.Ident(sel.C("id")).WriteString(" = ANY(").Arg(keys).WriteString(")")
		}))
	}
}

func unique(keys []uuid.UUID) []uuid.UUID {
	slices.SortFunc(keys, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(keys)
}
