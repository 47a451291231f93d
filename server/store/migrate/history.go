package migrate

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// table remembers what was applied.
const table = `CREATE TABLE IF NOT EXISTS schema_revisions (
	name text NOT NULL PRIMARY KEY,
	checksum text NOT NULL,
	statements integer NOT NULL,
	done integer NOT NULL,
	error text NOT NULL,
	start_time timestamptz NOT NULL,
	end_time timestamptz
)`

// history is what a database has, held against what this program knows.
type history struct {
	applied []Revision
	pending []file
	unknown []string
	problem error
	half    *Revision // the problem, where it is that a migration is half-applied
}

// querier is a pool, a connection or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// readHistory takes no lock and writes nothing.
func readHistory(ctx context.Context, db *database.Database, files []file) (history, error) {
	exists := `SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_revisions'`
	if db.Dialect() == database.Postgres {
		exists = `SELECT 1 WHERE to_regclass('schema_revisions') IS NOT NULL`
	}
	var one int
	err := db.Read.QueryRowContext(ctx, exists).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return compare(db, files, nil), nil
	}
	if err != nil {
		return history{}, failed(db, "read the applied migrations", err)
	}
	revisions, err := readRevisions(ctx, db.Read)
	if err != nil {
		return history{}, failed(db, "read the applied migrations", err)
	}
	return compare(db, files, revisions), nil
}

func readRevisions(ctx context.Context, q querier) ([]Revision, error) {
	rows, err := q.QueryContext(ctx, `SELECT name, checksum, statements, done, error, start_time, end_time FROM schema_revisions`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var revisions []Revision
	for rows.Next() {
		var r Revision
		if err := rows.Scan(&r.Name, &r.Checksum, &r.Statements, &r.Done, &r.Error, &r.StartTime, &r.EndTime); err != nil {
			return nil, err
		}
		revisions = append(revisions, r)
	}
	slices.SortFunc(revisions, func(a, b Revision) int { return strings.Compare(a.Name, b.Name) })
	return revisions, rows.Err()
}

// compare finds what is pending, and the first thing that is wrong.
func compare(db *database.Database, files []file, revisions []Revision) history {
	h := history{applied: append([]Revision{}, revisions...)}
	known := make(map[string]file, len(files))
	last := ""
	for _, f := range files {
		known[f.name], last = f, f.name
	}
	applied := ""
	for i, r := range revisions {
		f, is := known[r.Name]
		switch {
		case h.problem != nil:
		case r.Done < r.Statements:
			h.problem, h.half = half(db, r), &revisions[i]
		case !is && r.Name > last:
			h.unknown = append(h.unknown, r.Name)
		case !is:
			h.problem = missing(db, r.Name)
		case f.checksum != r.Checksum:
			h.problem = changed(db, r.Name)
		}
		applied = r.Name
		delete(known, r.Name)
	}
	for _, f := range files {
		if _, is := known[f.name]; !is {
			continue
		}
		h.pending = append(h.pending, f)
		if h.problem == nil && f.name < applied {
			h.problem = late(db, f.name, applied)
		}
	}
	return h
}

// write stores a revision, new or not.
func (r Revision) write(ctx context.Context, q querier, dialect string) error {
	_, err := q.ExecContext(ctx, translate(dialect, `INSERT INTO schema_revisions
		(name, checksum, statements, done, error, start_time, end_time) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (name) DO UPDATE SET done = excluded.done, error = excluded.error, end_time = excluded.end_time`),
		r.Name, r.Checksum, r.Statements, r.Done, r.Error, r.StartTime, r.EndTime)
	return err
}

// translate turns our own SQL, written for Postgres, into a dialect.
func translate(dialect, query string) string {
	if dialect == database.SQLite {
		return strings.NewReplacer("$", "?", "timestamptz", "datetime").Replace(query)
	}
	return query
}
