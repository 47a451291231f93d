package entstore_test

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/store/coalesce"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/migrate"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

// BenchmarkCreateOrder stores orders of three lines for 64 callers. Every commit is on the disk.
func BenchmarkCreateOrder(b *testing.B) {
	b.Run("SQLite/callers=64", func(b *testing.B) { benchmarkCreate(b, storetest.SQLite(1)(b)[0]) })
	b.Run("Postgres/callers=64", func(b *testing.B) {
		cluster, err := pgtest.Start(b.Context(), pgtest.Options{Durable: true})
		require.NoError(b, err)
		b.Cleanup(func() { require.NoError(b, cluster.Close()) })
		url, err := cluster.CreateDatabase(b.Context(), "bench")
		require.NoError(b, err)
		benchmarkCreate(b, url)
	})
}

func benchmarkCreate(b *testing.B, url string) {
	b.Helper()
	d, err := database.Open(b.Context(), url, database.Options{})
	require.NoError(b, err)
	_, err = migrate.Up(b.Context(), d)
	require.NoError(b, err)
	var batches atomic.Int64
	s := entstore.New(d, entstore.Options{Now: time.Now, Observe: func(written string) coalesce.Observe {
		if written != "creates" {
			return nil
		}
		return func(int, time.Duration) { batches.Add(1) }
	}})
	defer func() { require.NoError(b, s.Close(context.WithoutCancel(b.Context()))) }()
	const callers = 64
	var next atomic.Int64
	var failed atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				name := strconv.FormatInt(n, 10)
				if _, err := s.CreateOrder(b.Context(), newOrder("cus_"+name, name)); err != nil {
					failed.Add(1)
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	require.Zero(b, failed.Load())
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "orders/s")
	b.ReportMetric(float64(b.N)/float64(batches.Load()), "orders/commit")
}
