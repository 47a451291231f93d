package storetest

import (
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/migrate"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
)

// SQLite makes n migrated SQLite databases, each a file that goes with the test.
func SQLite(n int) func(testing.TB) []string {
	return func(tb testing.TB) []string {
		tb.Helper()
		file := migratedFile(tb)
		folder := tb.TempDir()
		urls := make([]string, n)
		for i := range urls {
			path := filepath.Join(folder, strconv.Itoa(i)+".db")
			require.NoError(tb, os.WriteFile(path, file, 0o600))
			urls[i] = sqliteURL(path)
		}
		return urls
	}
}

// Postgres makes n migrated Postgres databases that go with the test.
func Postgres(n int) func(testing.TB) []string {
	return func(tb testing.TB) []string {
		tb.Helper()
		urls := make([]string, n)
		for i := range urls {
			urls[i] = pgtest.URL(tb)
		}
		return urls
	}
}

// template is a migrated SQLite file, made once: tests start from a copy.
var template struct {
	sync.Mutex
	file []byte
}

func migratedFile(tb testing.TB) []byte {
	tb.Helper()
	template.Lock()
	defer template.Unlock()
	if template.file != nil {
		return template.file
	}
	path := filepath.Join(tb.TempDir(), "template.db")
	d := open(tb, sqliteURL(path))
	_, err := migrate.Up(tb.Context(), d)
	require.NoError(tb, err)
	require.NoError(tb, d.Close())
	template.file, err = os.ReadFile(path) //nolint:gosec // our own file
	require.NoError(tb, err)
	return template.file
}

func sqliteURL(path string) string {
	u := url.URL{Scheme: "sqlite", Path: path}
	return u.String()
}

func open(tb testing.TB, location string) *database.Database {
	tb.Helper()
	d, err := database.Open(tb.Context(), location, database.Options{})
	require.NoError(tb, err)
	return d
}
