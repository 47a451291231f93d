package migrate_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/migrate"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
)

func open(t *testing.T, url string) *database.Database {
	t.Helper()
	db, err := database.Open(t.Context(), url, database.Options{MaxConnections: 4})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestUp_concurrentIndex(t *testing.T) {
	url := pgtest.EmptyURL(t)
	up(t, open(t, url), two())
	m := migrate.Migrator{Files: files(with(two(), third,
		"-- atlas:txmode none\n\nCREATE INDEX CONCURRENTLY IF NOT EXISTS b_note ON b (note);"))}
	var group sync.WaitGroup
	problems := make(chan error, 5)
	for range cap(problems) {
		db := open(t, url)
		group.Go(func() {
			_, err := m.Up(t.Context(), db)
			problems <- err
		})
	}
	group.Wait()
	for range cap(problems) {
		require.NoError(t, <-problems, "replicas that wait do not hold up the one that works")
	}
	require.Equal(t, 1, count(t, open(t, url), "pg_index WHERE indexrelid = 'b_note'::regclass AND indisvalid"))
}

func TestUp_tableInUse(t *testing.T) {
	url := pgtest.EmptyURL(t)
	db, other := open(t, url), open(t, url)
	up(t, db, map[string]string{first: two()[first]})
	m := migrate.Migrator{Files: files(two()), LockWait: time.Millisecond}
	reader, err := other.Read.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = reader.ExecContext(t.Context(), "SELECT * FROM b")
	require.NoError(t, err)

	_, err = m.Up(t.Context(), db)
	require.Equal(t, migrate.ReasonFailed, fault.ReasonOf(err), "it gives way rather than hold up all others")
	require.Equal(t, fault.KindUnavailable, fault.KindOf(err))
	require.Zero(t, count(t, db, "a"), "nothing is left behind")

	require.NoError(t, reader.Rollback())
	applied, err := m.Up(t.Context(), db)
	require.NoError(t, err)
	require.Equal(t, []string{second}, applied)
}
