package shard_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/shard"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func backend(n int, databases func(int) func(testing.TB) []string) storetest.Backend {
	m := shard.Even(n)
	return storetest.Backend{
		Databases: databases(n),
		Open: func(tb testing.TB, databases []*database.Database) store.Store {
			tb.Helper()
			shards := make([]store.Store, n)
			for i, d := range databases {
				shards[i] = entstore.New(d, entstore.Options{Now: time.Now})
			}
			s, err := shard.New(m, shards)
			require.NoError(tb, err)
			return s
		},
		Owner: func(slot id.Slot) int { return int(slot) * n / id.Slots },
	}
}

func TestOneSQLiteShard(t *testing.T)     { storetest.Run(t, backend(1, storetest.SQLite)) }
func TestFourSQLiteShards(t *testing.T)   { storetest.Run(t, backend(4, storetest.SQLite)) }
func TestFourPostgresShards(t *testing.T) { storetest.Run(t, backend(4, storetest.Postgres)) }
