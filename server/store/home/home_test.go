package home_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/home"
	"github.com/orderprocessing/orderprocessing/server/store/shard"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSQLiteHome(t *testing.T)   { testHome(t, storetest.SQLite(1)) }
func TestPostgresHome(t *testing.T) { testHome(t, storetest.Postgres(1)) }

func testHome(t *testing.T, databases func(testing.TB) []string) {
	t.Run("the first map gives every shard its share and stays", func(t *testing.T) {
		h := open(t, databases(t)[0])
		for range 2 {
			m, err := h.ShardMap(t.Context(), 4)
			require.NoError(t, err)
			require.Equal(t, shard.Even(4), m)
		}
	})
	t.Run("a shard that is added owns nothing until slots move", func(t *testing.T) {
		h := open(t, databases(t)[0])
		_, err := h.ShardMap(t.Context(), 2)
		require.NoError(t, err)
		m, err := h.ShardMap(t.Context(), 3)
		require.NoError(t, err)
		require.Equal(t, shard.Even(2), m)
	})
	t.Run("a map that names a missing shard is refused", func(t *testing.T) {
		h := open(t, databases(t)[0])
		_, err := h.ShardMap(t.Context(), 4)
		require.NoError(t, err)
		_, err = h.ShardMap(t.Context(), 3)
		require.ErrorContains(t, err, "shard 3")
	})
	t.Run("a map with a hole is refused", func(t *testing.T) {
		url := databases(t)[0]
		h := open(t, url)
		_, err := h.ShardMap(t.Context(), 4)
		require.NoError(t, err)
		run(t, url, "DELETE FROM shard_ranges WHERE first_slot = 1024")
		_, err = h.ShardMap(t.Context(), 4)
		require.ErrorContains(t, err, "slot 1024")
	})
	t.Run("a key is 32 bytes, stays, and is another one under another name", func(t *testing.T) {
		h := open(t, databases(t)[0])
		first, err := h.Key(t.Context(), "page tokens")
		require.NoError(t, err)
		require.Len(t, first, 32)
		again, err := h.Key(t.Context(), "page tokens")
		require.NoError(t, err)
		require.Equal(t, first, again)
		other, err := h.Key(t.Context(), "something else")
		require.NoError(t, err)
		require.NotEqual(t, first, other)
	})
	t.Run("twenty replicas that start together agree on one map and one key", func(t *testing.T) {
		url := databases(t)[0]
		const replicas = 20
		var started sync.WaitGroup
		maps, keys, errs := make([]shard.Map, replicas), make([][]byte, replicas), make([]error, replicas)
		homes := make([]*home.Store, replicas)
		for i := range homes {
			homes[i] = open(t, url)
		}
		for i, h := range homes {
			started.Go(func() {
				var err1, err2 error
				maps[i], err1 = h.ShardMap(t.Context(), 4)
				keys[i], err2 = h.Key(t.Context(), "page tokens")
				errs[i] = errors.Join(err1, err2)
			})
		}
		started.Wait()
		require.NoError(t, errors.Join(errs...))
		for i := range replicas {
			require.Equal(t, shard.Even(4), maps[i])
			require.Equal(t, keys[0], keys[i])
		}
	})
	t.Run("a caller that has gone gets the end of its context", func(t *testing.T) {
		h := open(t, databases(t)[0])
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := h.ShardMap(gone, 4)
		require.ErrorIs(t, err, context.Canceled)
		_, err = h.Key(gone, "page tokens")
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, h.Ping(t.Context()))
	})
}

func open(t *testing.T, url string) *home.Store {
	t.Helper()
	d, err := database.Open(t.Context(), url, database.Options{MaxConnections: 2})
	require.NoError(t, err)
	h := home.New(d)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	return h
}

func run(t *testing.T, url, statement string) {
	t.Helper()
	d, err := database.Open(t.Context(), url, database.Options{})
	require.NoError(t, err)
	_, err = d.Write.ExecContext(t.Context(), statement)
	require.NoError(t, err)
	require.NoError(t, d.Close())
}
