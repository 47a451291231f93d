package database_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
)

func run(t *testing.T, q interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		_, err := q.ExecContext(t.Context(), statement)
		require.NoError(t, err, statement)
	}
}

// class runs a statement that fails.
func class(t *testing.T, q interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, statement string) string {
	t.Helper()
	_, err := q.ExecContext(t.Context(), statement)
	require.Error(t, err, statement)
	return database.Classify(fmt.Errorf("wrapped: %w", err)).String()
}

func TestClassify_constraints(t *testing.T) {
	for name, url := range map[string]string{"SQLite": sqliteURL(t), "Postgres": pgtest.EmptyURL(t)} {
		t.Run(name, func(t *testing.T) {
			db := open(t, url, database.Options{LockTimeout: 50 * time.Millisecond})
			run(t, db.Write,
				"CREATE TABLE a (id integer PRIMARY KEY, u integer UNIQUE, n integer NOT NULL DEFAULT 1, c integer CHECK (c > 0))",
				"CREATE TABLE b (a integer NOT NULL REFERENCES a (id))",
				"INSERT INTO a (id, u) VALUES (1, 1), (2, 2)", "INSERT INTO b (a) VALUES (1)")
			require.Equal(t, "unique", class(t, db.Write, "INSERT INTO a (id) VALUES (1)"))
			require.Equal(t, "unique", class(t, db.Write, "INSERT INTO a (id, u) VALUES (3, 1)"))
			require.Equal(t, "foreign key", class(t, db.Write, "INSERT INTO b (a) VALUES (9)"))
			require.Equal(t, "foreign key", class(t, db.Write, "DELETE FROM a WHERE id = 1"))
			require.Equal(t, "check", class(t, db.Write, "INSERT INTO a (id, c) VALUES (3, 0)"))
			require.Equal(t, "check", class(t, db.Write, "INSERT INTO a (id, n) VALUES (3, NULL)"))
			require.Equal(t, "other", class(t, db.Write, "INSERT INTO nowhere (id) VALUES (3)"))

			canceled, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := db.Write.ExecContext(canceled, "SELECT 1")
			require.Equal(t, database.Canceled, database.Classify(err))

			t.Run("a lock that another holds is busy", func(t *testing.T) {
				other := open(t, url, database.Options{})
				tx, err := other.Write.BeginTx(t.Context(), nil)
				require.NoError(t, err)
				defer func() { require.NoError(t, tx.Rollback()) }()
				run(t, tx, "UPDATE a SET n = 2 WHERE id = 1")
				require.Equal(t, "busy", class(t, db.Write, "UPDATE a SET n = 3 WHERE id = 1"))
			})
		})
	}
}

func TestClassify_sqlite(t *testing.T) {
	t.Run("a snapshot too old to write is a conflict", func(t *testing.T) {
		url := sqliteURL(t)
		db, other := open(t, url, database.Options{}), open(t, url, database.Options{})
		run(t, db.Write, "CREATE TABLE a (id integer)")
		conn, err := db.Write.Conn(t.Context())
		require.NoError(t, err)
		defer conn.Close()
		run(t, conn, "BEGIN DEFERRED")
		require.Equal(t, "0", ask(t, conn, "SELECT count(*) FROM a"))
		run(t, other.Write, "INSERT INTO a VALUES (1)")
		require.Equal(t, "conflict", class(t, conn, "INSERT INTO a VALUES (2)"))
		run(t, conn, "ROLLBACK")
	})
	t.Run("a file that may not grow is a full disk", func(t *testing.T) {
		db := open(t, sqliteURL(t), database.Options{})
		run(t, db.Write, "CREATE TABLE a (b blob)", "PRAGMA max_page_count = 10")
		require.Equal(t, "disk full", class(t, db.Write, "INSERT INTO a VALUES (zeroblob(1000000))"))
	})
	t.Run("a statement that runs when its time ends is canceled", func(t *testing.T) {
		db := open(t, sqliteURL(t), database.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := db.Write.ExecContext(ctx, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
		require.Equal(t, database.Canceled, database.Classify(err))
	})
}

func TestClassify_postgres(t *testing.T) {
	url := pgtest.EmptyURL(t)
	db := open(t, url, database.Options{})
	run(t, db.Write, "CREATE TABLE a (id integer PRIMARY KEY, n integer)", "INSERT INTO a VALUES (1, 1), (2, 2)")
	begin := func(t *testing.T, level sql.IsolationLevel) *sql.Tx {
		tx, err := db.Write.BeginTx(t.Context(), &sql.TxOptions{Isolation: level})
		require.NoError(t, err)
		t.Cleanup(func() { _ = tx.Rollback() })
		return tx
	}

	t.Run("a write beside a newer one is a conflict", func(t *testing.T) {
		tx := begin(t, sql.LevelSerializable)
		require.Equal(t, "1", ask(t, tx, "SELECT n FROM a WHERE id = 1"))
		run(t, db.Write, "UPDATE a SET n = n + 1 WHERE id = 1")
		require.Equal(t, "conflict", class(t, tx, "UPDATE a SET n = 9 WHERE id = 1"))
	})
	t.Run("two that wait for each other are a deadlock", func(t *testing.T) {
		one, two := begin(t, sql.LevelDefault), begin(t, sql.LevelDefault)
		run(t, one, "SET LOCAL deadlock_timeout = '1h'", "UPDATE a SET n = 3 WHERE id = 1")
		run(t, two, "SET LOCAL deadlock_timeout = '100ms'", "UPDATE a SET n = 3 WHERE id = 2")
		done := make(chan error, 1)
		go func() {
			_, err := one.ExecContext(t.Context(), "UPDATE a SET n = 3 WHERE id = 2")
			done <- err
		}()
		require.Eventually(t, func() bool {
			return ask(t, db.Read, "SELECT count(*) FROM pg_locks WHERE NOT granted") == "1"
		}, 10*time.Second, time.Millisecond)
		require.Equal(t, "deadlock", class(t, two, "UPDATE a SET n = 3 WHERE id = 1"))
		require.NoError(t, two.Rollback())
		require.NoError(t, <-done)
	})
	t.Run("a statement over its time is canceled", func(t *testing.T) {
		slow := open(t, url, database.Options{StatementTimeout: 50 * time.Millisecond})
		require.Equal(t, "canceled", class(t, slow.Write, "SELECT pg_sleep(10)"))
	})
	t.Run("a connection that was ended is unavailable", func(t *testing.T) {
		conn, err := db.Write.Conn(t.Context())
		require.NoError(t, err)
		defer conn.Close()
		pid := ask(t, conn, "SELECT pg_backend_pid()")
		run(t, db.Write, "SELECT pg_terminate_backend("+pid+", 10000)")
		require.Equal(t, "unavailable", class(t, conn, "SELECT 1"))
	})
	t.Run("a server that only reads is unavailable", func(t *testing.T) {
		standby := open(t, url+"&default_transaction_read_only=on", database.Options{})
		require.Equal(t, "unavailable", class(t, standby.Write, "UPDATE a SET n = 1"))
	})
	t.Run("a database that takes no more connections is unavailable", func(t *testing.T) {
		run(t, db.Write, "CREATE ROLE guest LOGIN PASSWORD 'guest' CONNECTION LIMIT 0")
		t.Cleanup(func() { _, _ = db.Write.ExecContext(context.WithoutCancel(t.Context()), "DROP ROLE guest") })
		_, err := database.Open(t.Context(), replaceUser(t, url, "guest", "guest"), database.Options{})
		require.Equal(t, database.Unavailable, database.Classify(err))
	})
}

func TestClassify_withoutDatabase(t *testing.T) {
	for want, all := range map[database.Class][]error{
		database.Other:       {nil, errors.New("boom"), sql.ErrNoRows, &pgconn.PgError{Code: "42601"}, &pgconn.PgError{}},
		database.Unavailable: {driver.ErrBadConn, io.ErrUnexpectedEOF, &net.OpError{Op: "read", Err: errors.New("reset")}, &pgconn.PgError{Code: "08006"}, &pgconn.PgError{Code: "57P01"}},
		database.Canceled:    {context.Canceled, context.DeadlineExceeded},
		database.DiskFull:    {&pgconn.PgError{Code: "53100"}},
	} {
		for _, err := range all {
			require.Equal(t, want.String(), database.Classify(err).String(), "%v", err)
		}
	}
	require.True(t, database.Conflict.Retryable())
	require.False(t, database.Unique.Retryable())
}
