package migrate_test

import (
	"context"
	"encoding/json"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/migrate"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
)

const (
	first  = "20260101000000_first.sql"
	second = "20260202000000_second.sql"
	third  = "20260303000000_third.sql"
)

// files makes migrations that are the same for both dialects.
func files(content map[string]string) fstest.MapFS {
	all := fstest.MapFS{}
	for name, sql := range content {
		for _, folder := range []string{"sqlite", "postgres"} {
			all[folder+"/"+name] = &fstest.MapFile{Data: []byte(sql)}
		}
	}
	return all
}

// two are migrations of which the second fails when it runs twice.
func two() map[string]string {
	return map[string]string{
		first:  "CREATE TABLE a (id integer PRIMARY KEY);\nCREATE TABLE b (id integer PRIMARY KEY);\n",
		second: "INSERT INTO a (id) VALUES (1);\nALTER TABLE b ADD COLUMN note text;\n",
	}
}

// with is a copy with one more or another file.
func with(content map[string]string, name, sql string) map[string]string {
	content = maps.Clone(content)
	content[name] = sql
	return content
}

// connector opens the test's database once more, as another replica does.
type connector func(database.Options) *database.Database

// onBoth runs a test on an empty database of either kind.
func onBoth(t *testing.T, test func(t *testing.T, connect connector)) {
	for name, url := range map[string]func(*testing.T) string{
		"SQLite":   func(t *testing.T) string { return "sqlite://" + filepath.Join(t.TempDir(), "test.db") },
		"Postgres": func(t *testing.T) string { return pgtest.EmptyURL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			location := url(t)
			test(t, func(opts database.Options) *database.Database {
				opts.MaxConnections = 4
				db, err := database.Open(t.Context(), location, opts)
				require.NoError(t, err)
				t.Cleanup(func() { require.NoError(t, db.Close()) })
				return db
			})
		})
	}
}

func up(t *testing.T, db *database.Database, content map[string]string) []string {
	t.Helper()
	applied, err := migrate.Migrator{Files: files(content)}.Up(t.Context(), db)
	require.NoError(t, err)
	return applied
}

func count(t *testing.T, db *database.Database, table string) (n int) {
	t.Helper()
	require.NoError(t, db.Read.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n))
	return n
}

func TestUp(t *testing.T) {
	onBoth(t, func(t *testing.T, connect connector) {
		db := connect(database.Options{})
		require.Equal(t, fault.Reason("MIGRATION_PENDING"), fault.ReasonOf(migrate.Verify(t.Context(), db)))
		status, err := migrate.Inspect(t.Context(), db)
		require.NoError(t, err)
		require.Equal(t, migrate.StatePending, status.State)
		require.Empty(t, status.Applied)

		applied, err := migrate.Up(t.Context(), db)
		require.NoError(t, err)
		require.Equal(t, status.Pending, applied, "a fresh database gets everything")
		require.Zero(t, count(t, db, "orders"))
		require.NoError(t, migrate.Verify(t.Context(), db))

		applied, err = migrate.Up(t.Context(), db)
		require.NoError(t, err)
		require.Empty(t, applied, "the second time has nothing to do")
	})
}

func TestUp_steps(t *testing.T) {
	onBoth(t, func(t *testing.T, connect connector) {
		db := connect(database.Options{})
		require.Equal(t, []string{first, second}, up(t, db, two()))
		require.Equal(t, []string{third}, up(t, db, with(two(), third, "INSERT INTO b (id, note) VALUES (1, 'x;y');")))
		require.Equal(t, 1, count(t, db, "a"))
		require.Equal(t, 1, count(t, db, "b"))
	})
}

func TestUp_twentyReplicas(t *testing.T) {
	onBoth(t, func(t *testing.T, connect connector) {
		var group sync.WaitGroup
		var lock sync.Mutex
		var all []string
		var problems []error
		for range 20 {
			db := connect(database.Options{})
			group.Go(func() {
				applied, err := migrate.Migrator{Files: files(two())}.Up(t.Context(), db)
				lock.Lock()
				defer lock.Unlock()
				all = append(all, applied...)
				if err != nil {
					problems = append(problems, err)
				}
			})
		}
		group.Wait()
		require.Empty(t, problems)
		require.ElementsMatch(t, []string{first, second}, all, "each migration was applied by one of them")
		require.Equal(t, 1, count(t, connect(database.Options{}), "a"))
	})
}

func TestUp_refuses(t *testing.T) {
	for name, test := range map[string]struct {
		now    map[string]string
		reason fault.Reason
		file   string
	}{
		"a migration that was changed": {with(two(), first, "CREATE TABLE a (id bigint PRIMARY KEY);"), migrate.ReasonChanged, first},
		"a migration that is missing":  {map[string]string{second: two()[second]}, migrate.ReasonMissing, first},
		"a migration that comes late":  {with(two(), "20260115000000_late.sql", "SELECT 1;"), migrate.ReasonLate, "20260115000000_late.sql"},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, connect connector) {
				db := connect(database.Options{})
				up(t, db, two())
				m := migrate.Migrator{Files: files(with(test.now, third, "CREATE TABLE c (id integer);"))}

				applied, err := m.Up(t.Context(), db)

				require.Empty(t, applied)
				require.Equal(t, test.reason, fault.ReasonOf(err))
				require.Equal(t, fault.KindPrecondition, fault.KindOf(err))
				require.Contains(t, err.Error(), test.file)
				require.Equal(t, test.reason, fault.ReasonOf(m.Verify(t.Context(), db)))
				status, err := m.Status(t.Context(), db)
				require.NoError(t, err)
				require.Equal(t, migrate.StateBroken, status.State)
				require.Contains(t, status.Problem, test.file)
			})
		})
	}
}

func TestUp_failure(t *testing.T) {
	onBoth(t, func(t *testing.T, connect connector) {
		db := connect(database.Options{})
		broken := with(two(), third, "INSERT INTO a (id) VALUES (2);\nINSERT INTO a (id) VALUES (1);\n")

		applied, err := migrate.Migrator{Files: files(broken)}.Up(t.Context(), db)

		require.Equal(t, []string{first, second}, applied, "what came before stays")
		require.Equal(t, migrate.ReasonFailed, fault.ReasonOf(err))
		require.ErrorContains(t, err, third)
		require.ErrorContains(t, err, "statement 2 of 2")
		require.Equal(t, database.Unique, database.Classify(err))
		require.Equal(t, 1, count(t, db, "a"), "the failed one left nothing behind")
		require.Equal(t, []string{third}, up(t, db, with(two(), third, "INSERT INTO a (id) VALUES (2);")))
	})
}

func TestUp_halfApplied(t *testing.T) {
	onBoth(t, func(t *testing.T, connect connector) {
		db := connect(database.Options{})
		alone := with(two(), third, "-- atlas:txmode none\n\nINSERT INTO a (id) VALUES (2);\nINSERT INTO a (id) VALUES (3);\nINSERT INTO a (id) VALUES (4);\n")
		up(t, db, two())
		_, err := db.Write.ExecContext(t.Context(), "INSERT INTO a (id) VALUES (3)")
		require.NoError(t, err)
		m := migrate.Migrator{Files: files(alone)}

		_, err = m.Up(t.Context(), db)
		require.Equal(t, migrate.ReasonFailed, fault.ReasonOf(err))
		require.Equal(t, 3, count(t, db, "a"), "its first statement stays")

		for range 2 {
			applied, err := m.Up(t.Context(), db)
			require.Empty(t, applied)
			require.Equal(t, migrate.ReasonIncomplete, fault.ReasonOf(err))
			require.ErrorContains(t, err, third)
			require.ErrorContains(t, err, "1 of 3")
			require.ErrorContains(t, err, "--resume")
		}
		require.Equal(t, migrate.ReasonIncomplete, fault.ReasonOf(m.Verify(t.Context(), db)))

		_, err = db.Write.ExecContext(t.Context(), "DELETE FROM a WHERE id = 3")
		require.NoError(t, err)
		m.Resume = true
		applied, err := m.Up(t.Context(), db)
		require.NoError(t, err)
		require.Equal(t, []string{third}, applied)
		require.Equal(t, 4, count(t, db, "a"))
		require.NoError(t, m.Verify(t.Context(), db))
	})
}

func TestStatus_ahead(t *testing.T) {
	onBoth(t, func(t *testing.T, connect connector) {
		db := connect(database.Options{})
		up(t, db, with(two(), third, "CREATE TABLE c (id integer);"))
		older := migrate.Migrator{Files: files(two())}

		require.NoError(t, older.Verify(t.Context(), db), "a release may serve on the next one's tables")
		require.Empty(t, up(t, db, two()))
		status, err := older.Status(t.Context(), db)
		require.NoError(t, err)
		require.Equal(t, migrate.StateAhead, status.State)
		require.Equal(t, []string{third}, status.Unknown)
		text, err := json.Marshal(status)
		require.NoError(t, err)
		require.Contains(t, string(text), `"start_time":"20`)
		require.Contains(t, string(text), `"pending":[]`)
		if strings.HasPrefix(db.String(), "postgres") {
			require.Contains(t, string(text), "xxxxx@", "the password is not shown")
		}
		require.WithinDuration(t, time.Now(), *status.Applied[2].EndTime, time.Minute)
	})
}

func TestUp_waitsForTheLock(t *testing.T) {
	onBoth(t, func(t *testing.T, connect connector) {
		db, other := connect(database.Options{LockTimeout: 50 * time.Millisecond}), connect(database.Options{})
		conn, err := other.Write.Conn(t.Context())
		require.NoError(t, err)
		defer conn.Close()
		if db.Dialect() == database.Postgres {
			_, err = conn.ExecContext(t.Context(), "SELECT pg_advisory_lock($1)", migrate.LockKey)
		} else {
			_, err = conn.ExecContext(t.Context(), "BEGIN IMMEDIATE")
		}
		require.NoError(t, err)
		m := migrate.Migrator{Files: files(two()), LockWait: 50 * time.Millisecond}

		_, err = m.Up(t.Context(), db)
		require.Equal(t, migrate.ReasonLocked, fault.ReasonOf(err))
		require.Equal(t, fault.KindUnavailable, fault.KindOf(err))

		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = m.Up(canceled, db)
		require.ErrorIs(t, err, context.Canceled)
	})
}
