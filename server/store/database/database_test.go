package database_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
)

func open(t *testing.T, url string, opts database.Options) *database.Database {
	t.Helper()
	db, err := database.Open(t.Context(), url, opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func sqliteURL(t *testing.T) string { return "sqlite://" + filepath.Join(t.TempDir(), "test.db") }

// ask reads one text.
func ask(t *testing.T, q interface {
	QueryRowContext(context.Context, string, ...any) *row
}, query string, args ...any) (answer string) {
	t.Helper()
	require.NoError(t, q.QueryRowContext(t.Context(), query, args...).Scan(&answer))
	return answer
}

func TestOpen_sqlite(t *testing.T) {
	t.Run("every connection has the settings", func(t *testing.T) {
		db := open(t, sqliteURL(t), database.Options{LockTimeout: time.Second})
		require.Equal(t, database.SQLite, db.Dialect())
		require.Equal(t, "wal", ask(t, db.Write, "PRAGMA journal_mode"))
		require.Equal(t, "2", ask(t, db.Write, "PRAGMA synchronous"), "FULL")
		for _, pool := range []*pool{db.Write, db.Read} {
			require.Equal(t, "1", ask(t, pool, "PRAGMA foreign_keys"))
			require.Equal(t, "1000", ask(t, pool, "PRAGMA busy_timeout"))
		}
		require.Equal(t, "1", ask(t, db.Read, "PRAGMA query_only"))
	})
	t.Run("a folder and a file are made for us alone, whatever their names hold", func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "a b?c%20#d")
		path := filepath.Join(folder, "x.db")
		open(t, "sqlite://"+filepath.Dir(folder)+"/a%20b%3Fc%2520%23d/x.db", database.Options{})
		for _, name := range []string{path, path + "-wal"} {
			info, err := os.Stat(name)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode())
		}
	})
	t.Run("a relative file is found from where the program started", func(t *testing.T) {
		t.Chdir(t.TempDir())
		open(t, "sqlite:data/home.db", database.Options{})
		require.FileExists(t, filepath.Join("data", "home.db"))
	})
	t.Run("readers do not wait for the writer and do not see what is not committed", func(t *testing.T) {
		db := open(t, sqliteURL(t), database.Options{})
		_, err := db.Write.ExecContext(t.Context(), "CREATE TABLE a (id integer)")
		require.NoError(t, err)
		tx, err := db.Write.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = tx.ExecContext(t.Context(), "INSERT INTO a VALUES (1)")
		require.NoError(t, err)
		require.Equal(t, "0", ask(t, db.Read, "SELECT count(*) FROM a"))
		require.NoError(t, tx.Commit())
		require.Equal(t, "1", ask(t, db.Read, "SELECT count(*) FROM a"))
		_, err = db.Read.ExecContext(t.Context(), "INSERT INTO a VALUES (2)")
		require.Error(t, err, "readers cannot write")
	})
	t.Run("a folder in the way is a clear fault", func(t *testing.T) {
		_, err := database.Open(t.Context(), "sqlite://"+t.TempDir(), database.Options{})
		require.Equal(t, fault.ReasonDatabaseDown, fault.ReasonOf(err))
	})
}

func TestOpen_postgres(t *testing.T) {
	url := pgtest.EmptyURL(t)
	t.Run("every connection has the limits and settings", func(t *testing.T) {
		db := open(t, url, database.Options{LockTimeout: 3 * time.Second, StatementTimeout: 20 * time.Second})
		require.Equal(t, database.Postgres, db.Dialect())
		require.Same(t, db.Write, db.Read)
		require.Equal(t, "3s", ask(t, db.Read, "SHOW lock_timeout"))
		require.Equal(t, "20s", ask(t, db.Read, "SHOW statement_timeout"))
		require.Equal(t, "20s", ask(t, db.Read, "SHOW idle_in_transaction_session_timeout"))
		require.Equal(t, "orderprocessing", ask(t, db.Read, "SHOW application_name"))
		require.Equal(t, "off", ask(t, db.Read, "SHOW jit"), "statements that sort are not compiled")
	})
	t.Run("what the URL sets stays", func(t *testing.T) {
		db := open(t, url+"&lock_timeout=7s&application_name=mine", database.Options{})
		require.Equal(t, "7s", ask(t, db.Read, "SHOW lock_timeout"))
		require.Equal(t, "mine", ask(t, db.Read, "SHOW application_name"))
	})
	t.Run("a connection keeps as many statements as the URL says, and else 128", func(t *testing.T) {
		for parameter, want := range map[string]int{"": 128, "&statement_cache_capacity=16": 16} {
			conn, err := open(t, url+parameter, database.Options{}).Read.Conn(t.Context())
			require.NoError(t, err)
			defer conn.Close()
			require.NoError(t, database.Pgx(conn, func(conn *pgx.Conn) error {
				require.Equal(t, want, conn.Config().StatementCacheCapacity, parameter)
				return nil
			}))
		}
	})
	t.Run("descriptions are kept where the URL's mode needs them, and nowhere else", func(t *testing.T) {
		for mode, want := range map[string]int{"cache_statement": 0, "cache_describe": 512} {
			conn, err := open(t, url+"&default_query_exec_mode="+mode, database.Options{}).Read.Conn(t.Context())
			require.NoError(t, err)
			defer conn.Close()
			require.Equal(t, "a", ask(t, conn, "SELECT 'a'"), mode)
			require.NoError(t, database.Pgx(conn, func(conn *pgx.Conn) error {
				require.Equal(t, want, conn.Config().DescriptionCacheCapacity, mode)
				return nil
			}))
		}
	})
	t.Run("times come back in UTC", func(t *testing.T) {
		db := open(t, url, database.Options{})
		var at time.Time
		require.NoError(t, db.Read.QueryRowContext(t.Context(), "SELECT '2026-01-02 03:04:05.678901+05'::timestamptz").Scan(&at))
		require.Equal(t, time.Date(2026, 1, 1, 22, 4, 5, 678901000, time.UTC), at)
	})
	t.Run("a UUID is sent as its bytes", func(t *testing.T) {
		want := uuid.MustParse("0190c5a0-0000-7000-8000-00000000002a")
		for _, mode := range []string{"cache_describe", "exec", "simple_protocol"} {
			q := open(t, url+"&default_query_exec_mode="+mode, database.Options{}).Read
			require.Equal(t, want.String(), ask(t, q, "SELECT $1::uuid::text", want), mode)
			require.Equal(t, want.String(), ask(t, q, "SELECT ($1::uuid[])[2]::text", []uuid.UUID{{}, want}), mode)
		}
		conn, err := open(t, url, database.Options{}).Read.Conn(t.Context())
		require.NoError(t, err)
		defer conn.Close()
		require.NoError(t, database.Pgx(conn, func(conn *pgx.Conn) error {
			for oid, value := range map[uint32]any{pgtype.UUIDOID: want, pgtype.UUIDArrayOID: []uuid.UUID{want}} {
				encoded, err := conn.TypeMap().Encode(oid, pgtype.BinaryFormatCode, value, nil)
				require.NoError(t, err)
				require.Equal(t, want[:], encoded[len(encoded)-len(want):])
				require.LessOrEqual(t, testing.AllocsPerRun(100, func() {
					_, _ = conn.TypeMap().Encode(oid, pgtype.BinaryFormatCode, value, encoded[:0])
				}), 8.0, "by way of text it takes more than twenty")
			}
			return nil
		}))
	})
	t.Run("the pgx connection beneath is lent", func(t *testing.T) {
		db := open(t, url, database.Options{})
		conn, err := db.Write.Conn(t.Context())
		require.NoError(t, err)
		defer conn.Close()
		require.NoError(t, database.Pgx(conn, func(conn *pgx.Conn) error { return conn.Ping(t.Context()) }))
	})
	t.Run("a SQLite connection has none", func(t *testing.T) {
		conn, err := open(t, sqliteURL(t), database.Options{}).Write.Conn(t.Context())
		require.NoError(t, err)
		defer conn.Close()
		require.Error(t, database.Pgx(conn, func(*pgx.Conn) error { return nil }))
	})
}

func TestOpen_refuses(t *testing.T) {
	for _, url := range []string{
		"", "data/home.db", "mysql://u:geheim@h/d", "sqlite:", "sqlite://data/home.db", "sqlite::memory:",
		"sqlite:a.db?mode=ro", "postgres://u:geheim@h:port/d", "postgres://u:gehe/im@h/d",
		"postgres://u:geheim@h/d?sslmode=geheim2", "postgres://h/d?password=geheim&sslmode=nonsense", "sqlite:%zz",
	} {
		t.Run(url, func(t *testing.T) {
			t.Chdir(t.TempDir())
			_, err := database.Open(t.Context(), url, database.Options{})
			require.Equal(t, database.ReasonURL, fault.ReasonOf(err))
			require.Equal(t, fault.KindInvalid, fault.KindOf(err))
			for ; err != nil; err = unwrap(err) {
				require.NotContains(t, err.Error(), "geheim@")
				require.NotContains(t, err.Error(), "geheim&")
			}
		})
	}
}

func TestOpen_unavailable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nobody := listener.Addr().String()
	require.NoError(t, listener.Close())
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	require.NoError(t, err)
	defer silent.Close()
	wrong := pgtest.EmptyURL(t)

	for name, url := range map[string]string{
		"nobody listens":     "postgres://orders:geheim@" + nobody + "/d",
		"the server hangs":   "postgres://orders:geheim@" + silent.Addr().String() + "/d?sslmode=disable",
		"the login is wrong": replaceUser(t, wrong, "orders", "geheim"),
		"a second password":  "postgres://orders@" + nobody + "/d?password=geheim",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := database.Open(t.Context(), url, database.Options{ConnectTimeout: 100 * time.Millisecond})
			require.Equal(t, fault.ReasonDatabaseDown, fault.ReasonOf(err))
			require.Equal(t, fault.KindUnavailable, fault.KindOf(err))
			require.ErrorContains(t, err, "127.0.0.1")
			for ; err != nil; err = unwrap(err) {
				require.NotContains(t, err.Error(), "geheim")
			}
		})
	}
}
