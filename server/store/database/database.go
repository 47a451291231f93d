// Package database opens the databases behind the store, SQLite files and Postgres, with the
// settings that the promises rest on, and tells their errors apart. It knows no tables.
package database

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"time"

	"entgo.io/ent/dialect"
	"github.com/jackc/pgx/v5"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

// The dialects, by the names that ent has for them.
const (
	SQLite   = dialect.SQLite
	Postgres = dialect.Postgres
)

// Options bound a database's connections. The zero value is ready to use.
type Options struct {
	MaxConnections   int           // Postgres: the pool; SQLite: its readers, beside the one writer. 0 means 16 or 4
	ConnectTimeout   time.Duration // of one attempt; 0 means 5 s
	StatementTimeout time.Duration // Postgres; also of a transaction left idle; 0 means 30 s
	LockTimeout      time.Duration // how long a statement waits for others; 0 means 5 s
	ApplicationName  string        // Postgres shows it in pg_stat_activity; empty means orderprocessing
	Login            Login         // Postgres; nil for who the URL says
	Unasked          bool          // Open does not make sure that the database answers: it may be away
}

// Database is an open database. Write and Read are one pool on Postgres. On SQLite Write has the
// only connection that may write, and Read cannot write: a reader never waits for a writer.
type Database struct {
	Write *sql.DB
	Read  *sql.DB
	// Notices are told among those who share this.
	Notices Notices
	// Turns is room for so many who write batches at once; see coalesce.Turns.
	Turns chan struct{}

	dialect  string
	name     string
	postgres *pgx.ConnConfig // nil on SQLite; holds the password
	login    Login           // nil for who postgres says
}

// Open connects to a database by its URL, such as sqlite:data/home.db, sqlite:///var/lib/home.db
// or postgres://user:password@host:5432/orders, and makes sure that it answers.
func Open(ctx context.Context, location string, opts Options) (*Database, error) {
	u, err := url.Parse(location)
	if err != nil {
		return nil, invalidURL() // the cause would quote the password
	}
	opts = opts.withDefaults()
	var db *Database
	switch u.Scheme {
	case "sqlite":
		db, err = openSQLite(u, opts)
	case "postgres", "postgresql":
		db, err = openPostgres(u, opts)
	default:
		err = invalidURL()
	}
	if err != nil {
		return nil, err
	}
	db.name = Redact(location)
	if opts.Unasked {
		return db, nil
	}
	if err := db.Ping(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// Dialect is SQLite or Postgres.
func (db *Database) Dialect() string { return db.dialect }

// String is the database's URL without secrets.
func (db *Database) String() string { return db.name }

// Ping makes sure that the database answers, on both pools.
func (db *Database) Ping(ctx context.Context) error {
	err := db.Write.PingContext(ctx) // first: it makes a new SQLite file what it has to be
	if err == nil && db.Read != db.Write {
		err = db.Read.PingContext(ctx)
	}
	if err != nil {
		return fault.New(fault.KindUnavailable, fault.ReasonDatabaseDown,
			"the database %s does not answer: %s", db.name, hint(err)).Because(err)
	}
	return nil
}

// Close ends all connections, waiting for statements that run.
func (db *Database) Close() error {
	if db.Read == db.Write {
		return db.Write.Close()
	}
	return errors.Join(db.Read.Close(), db.Write.Close()) // the writer last: it folds the log into the file
}

func (o Options) withDefaults() Options {
	o.ConnectTimeout = orElse(o.ConnectTimeout, 5*time.Second)
	o.StatementTimeout = orElse(o.StatementTimeout, 30*time.Second)
	o.LockTimeout = orElse(o.LockTimeout, 5*time.Second)
	o.ApplicationName = orElse(o.ApplicationName, "orderprocessing")
	return o
}

func orElse[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}
