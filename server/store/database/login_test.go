package database_test

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
)

func TestLogin(t *testing.T) {
	location := pgtest.EmptyURL(t)
	owner := open(t, location, database.Options{})
	u, err := url.Parse(location)
	require.NoError(t, err)
	prefix := ask(t, owner.Read, "SELECT current_database()")
	user := func(n int32) string { return fmt.Sprintf("%s_user_%d", prefix, n) }
	const users = 4
	for n := range int32(users) {
		_, err := owner.Write.ExecContext(t.Context(), fmt.Sprintf("CREATE ROLE %q WITH LOGIN PASSWORD 'geheim'", user(n)))
		require.NoError(t, err)
		t.Cleanup(func() {
			_, err := owner.Write.ExecContext(context.Background(), fmt.Sprintf("DROP ROLE %q", user(n)))
			require.NoError(t, err)
		})
	}
	u.User = nil
	var now atomic.Int32
	db := open(t, u.String(), database.Options{MaxConnections: 3, Login: func() (string, string) { return user(now.Load()), "geheim" }})

	t.Run("a change of users under load fails nothing, and the next transaction is the new one's", func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var calls sync.WaitGroup
		var failed atomic.Int32
		for range 8 {
			calls.Go(func() {
				for ctx.Err() == nil {
					var who string
					if err := db.Read.QueryRowContext(t.Context(), "SELECT current_user").Scan(&who); err != nil {
						failed.Add(1)
						return
					}
				}
			})
		}
		t.Cleanup(calls.Wait)
		t.Cleanup(stop)
		for n := range int32(users) {
			now.Store(n)
			// One that was just being made may still be of the user before.
			require.Eventually(t, func() bool { return ask(t, db.Read, "SELECT current_user") == user(n) }, time.Minute, time.Millisecond)
		}
		stop()
		calls.Wait()
		require.Zero(t, failed.Load())
		for range 10 {
			require.Equal(t, user(users-1), ask(t, db.Read, "SELECT current_user"))
		}
	})
	t.Run("a transaction that is open goes on as it began", func(t *testing.T) {
		now.Store(0)
		tx, err := db.Write.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		now.Store(1)
		var who string
		require.NoError(t, tx.QueryRowContext(t.Context(), "SELECT current_user").Scan(&who))
		require.Equal(t, user(0), who)
		require.Equal(t, user(1), ask(t, db.Write, "SELECT current_user"), "others have the new user")
		require.NoError(t, tx.Commit())
		require.Equal(t, user(1), ask(t, db.Write, "SELECT current_user"))
	})
	t.Run("the pgx connection beneath is lent", func(t *testing.T) {
		conn, err := db.Write.Conn(t.Context())
		require.NoError(t, err)
		defer conn.Close()
		require.NoError(t, database.Pgx(conn, func(conn *pgx.Conn) error { return conn.Ping(t.Context()) }))
	})
	t.Run("a pool of pgx's own changes too", func(t *testing.T) {
		pool, err := db.Pool(t.Context(), 2)
		require.NoError(t, err)
		defer pool.Close()
		for n := range int32(users) {
			now.Store(n)
			var who string
			require.NoError(t, pool.QueryRow(t.Context(), "SELECT current_user").Scan(&who))
			require.Equal(t, user(n), who)
		}
	})
}

func TestResize(t *testing.T) {
	for name, location := range map[string]string{"Postgres": pgtest.EmptyURL(t), "SQLite": sqliteURL(t)} {
		t.Run(name, func(t *testing.T) {
			db := open(t, location, database.Options{MaxConnections: 3})
			require.Equal(t, 3, db.Read.Stats().MaxOpenConnections)
			db.Resize(7)
			require.Equal(t, 7, db.Read.Stats().MaxOpenConnections)
			if db.Dialect() == database.SQLite {
				require.Equal(t, 1, db.Write.Stats().MaxOpenConnections, "there is one writer")
			}
		})
	}
}
