package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"
)

// released is a copy of the migrations as they are.
func released(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.CopyFS(folder, os.DirFS("../migrations")))
	return folder
}

func edit(t *testing.T, folder, dialect string, change func(string) string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, dialect, "*.sql"))
	require.NoError(t, err)
	content, err := os.ReadFile(paths[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(paths[0], []byte(change(string(content))), 0o600))
}

func TestRun(t *testing.T) {
	t.Run("the migrations make what the schema says", func(t *testing.T) {
		require.NoError(t, run(t.Context(), "../migrations", []string{"check"}))
	})
	t.Run("new finds no change", func(t *testing.T) {
		folder := released(t)
		require.NoError(t, run(t.Context(), folder, []string{"new", "nothing"}))
		paths, err := filepath.Glob(filepath.Join(folder, "*", "*_nothing.sql"))
		require.NoError(t, err)
		require.Empty(t, paths)
	})
	t.Run("initial writes what is there", func(t *testing.T) {
		folder := released(t)
		require.NoError(t, run(t.Context(), folder, []string{"initial"}))
		paths, err := filepath.Glob(filepath.Join(folder, "postgres", "*_initial.sql"))
		require.NoError(t, err)
		require.Len(t, paths, 1)
		content, err := os.ReadFile(paths[0])
		require.NoError(t, err)
		require.Contains(t, string(content), `"sku" text NOT NULL COLLATE "C"`)
	})
	t.Run("an edited migration is refused until it is summed up", func(t *testing.T) {
		folder := released(t)
		edit(t, folder, "sqlite", func(s string) string { return s + "-- hello\n" })
		require.ErrorContains(t, run(t.Context(), folder, []string{"check"}), "atlas.sum")
		require.NoError(t, run(t.Context(), folder, []string{"hash"}))
		require.NoError(t, run(t.Context(), folder, []string{"check"}))
	})
	t.Run("what no migration makes is told, and new writes it", func(t *testing.T) {
		folder := released(t)
		for _, name := range []string{"sqlite", "postgres"} {
			edit(t, folder, name, func(s string) string { return strings.ReplaceAll(s, "cancel_reason", "cancel_grounds") })
		}
		require.NoError(t, run(t.Context(), folder, []string{"hash"}))
		err := run(t.Context(), folder, []string{"check"})
		require.ErrorContains(t, err, "cancel_reason")
		require.ErrorContains(t, err, "make migrate-new")
		err = run(t.Context(), folder, []string{"new", "reason"})
		require.ErrorContains(t, err, "DROP", "what it wrote is not safe, and that is said")
		paths, globErr := filepath.Glob(filepath.Join(folder, "*", "*_reason.sql"))
		require.NoError(t, globErr)
		require.Len(t, paths, 2)
	})
	t.Run("other words get the usage", func(t *testing.T) {
		for _, args := range [][]string{nil, {"new"}, {"up"}, {"check", "x"}} {
			require.ErrorContains(t, run(t.Context(), "../migrations", args), "usage")
		}
		require.ErrorContains(t, run(t.Context(), "../migrations", []string{"new", "../x"}), "no name")
	})
}

func TestLintFile(t *testing.T) {
	for _, test := range []struct{ dialect, sql, want string }{
		{dialect.Postgres, `ALTER TABLE "orders" DROP COLUMN "note";`, "previous release"},
		{dialect.SQLite, "DROP TABLE `orders`;", "previous release"},
		{dialect.Postgres, `ALTER TABLE "orders" RENAME COLUMN "note" TO "notes";`, "old name"},
		{dialect.Postgres, `ALTER TABLE "orders" ADD COLUMN "x" bigint NOT NULL;`, "DEFAULT"},
		{dialect.SQLite, "ALTER TABLE `orders` ADD COLUMN `x` integer NOT NULL;", "DEFAULT"},
		{dialect.Postgres, `ALTER TABLE "orders" ADD COLUMN "a" text NOT NULL DEFAULT '', ADD COLUMN "x" bigint NOT NULL;`, "DEFAULT"},
		{dialect.Postgres, `ALTER TABLE "orders" ADD COLUMN "x" bigint NOT NULL DEFAULT 0;`, ""},
		{dialect.Postgres, `ALTER TABLE "orders" ADD COLUMN "x" bigint NULL;`, ""},
		{dialect.Postgres, `ALTER TABLE "orders" ALTER COLUMN "note" TYPE text;`, "rewritten"},
		{dialect.Postgres, `ALTER TABLE "orders" ALTER COLUMN "note" SET NOT NULL;`, "NOT VALID"},
		{dialect.Postgres, `ALTER TABLE "orders" ADD CONSTRAINT "x" CHECK (slot > 0);`, "NOT VALID"},
		{dialect.Postgres, `ALTER TABLE "orders" ADD CONSTRAINT "x" CHECK (slot > 0) NOT VALID;`, ""},
		{dialect.Postgres, `CREATE INDEX "x" ON "orders" ("note");`, "CONCURRENTLY"},
		{dialect.SQLite, "CREATE INDEX `x` ON `orders` (`note`);", ""},
		{dialect.Postgres, `CREATE TABLE "n" ("id" bigint); CREATE INDEX "x" ON "n" ("id"); ALTER TABLE "n" ADD CONSTRAINT "c" CHECK (id > 0);`, ""},
		{dialect.Postgres, `CREATE INDEX CONCURRENTLY IF NOT EXISTS "x" ON "orders" ("note");`, "txmode none"},
		{dialect.Postgres, "-- atlas:txmode none\n\nCREATE INDEX CONCURRENTLY IF NOT EXISTS \"x\" ON \"orders\" (\"note\");", ""},
		{dialect.Postgres, "-- atlas:txmode none\n\nCREATE INDEX CONCURRENTLY \"x\" ON \"orders\" (\"note\");", "IF NOT EXISTS"},
		{dialect.Postgres, "-- Drop it\n-- safe: no release ever read it\nALTER TABLE \"orders\" DROP COLUMN \"note\";", ""},
		{dialect.Postgres, "-- safe:\nALTER TABLE \"orders\" DROP COLUMN \"note\";", "previous release"},
		{dialect.Postgres, "DELETE FROM \"orders\";", "everything"},
		{dialect.Postgres, "UPDATE \"orders\" SET note = 'DROP TABLE x' WHERE note = '';", ""},
	} {
		t.Run(test.sql, func(t *testing.T) {
			err := lintFile(test.dialect, "20260101000000_x.sql", []byte(test.sql))
			if test.want == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, test.want)
			}
		})
	}
}
