package database_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
)

func TestDriver(t *testing.T) {
	for name, location := range map[string]string{"sqlite": "sqlite://" + t.TempDir() + "/a.db", "postgres": pgtest.EmptyURL(t)} {
		t.Run(name+": what ent writes ends with the transaction that it was lent", func(t *testing.T) {
			db, err := database.Open(t.Context(), location, database.Options{})
			require.NoError(t, err)
			defer db.Close()
			_, err = db.Write.ExecContext(t.Context(), "CREATE TABLE a (id integer)")
			require.NoError(t, err)
			tx, err := db.Write.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			driver := database.Driver(tx, db.Dialect())
			require.Equal(t, db.Dialect(), driver.Dialect())

			inner, err := driver.Tx(t.Context())
			require.NoError(t, err)
			require.NoError(t, inner.Exec(t.Context(), "INSERT INTO a (id) VALUES (1)", []any{}, nil))
			require.NoError(t, inner.Commit())
			require.NoError(t, driver.Close())

			require.NoError(t, tx.Rollback())
			var n int
			require.NoError(t, db.Read.QueryRowContext(t.Context(), "SELECT count(*) FROM a").Scan(&n))
			require.Zero(t, n)
		})
	}
}

func TestDatabase_Pool(t *testing.T) {
	t.Run("a pool has the database's settings and its password", func(t *testing.T) {
		db, err := database.Open(t.Context(), pgtest.EmptyURL(t), database.Options{ApplicationName: "jobs"})
		require.NoError(t, err)
		defer db.Close()
		pool, err := db.Pool(t.Context(), 2)
		require.NoError(t, err)
		defer pool.Close()
		var name string
		require.NoError(t, pool.QueryRow(t.Context(), "SELECT current_setting('application_name')").Scan(&name))
		require.Equal(t, "jobs", name)
	})
	t.Run("SQLite has none", func(t *testing.T) {
		db, err := database.Open(t.Context(), "sqlite://"+t.TempDir()+"/a.db", database.Options{})
		require.NoError(t, err)
		defer db.Close()
		_, err = db.Pool(t.Context(), 2)
		require.Error(t, err)
	})
}
