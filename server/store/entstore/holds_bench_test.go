package entstore_test

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/migrate"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

// BenchmarkHoldStock holds one unit for one order after the other, for 64 callers: of one SKU that
// everyone wants, and of ten thousand. Every commit is on the disk.
func BenchmarkHoldStock(b *testing.B) {
	for _, skus := range []int{1, 10_000} {
		b.Run("Postgres/callers=64/skus="+strconv.Itoa(skus), func(b *testing.B) {
			cluster, err := pgtest.Start(b.Context(), pgtest.Options{Durable: true})
			require.NoError(b, err)
			b.Cleanup(func() { require.NoError(b, cluster.Close()) })
			url, err := cluster.CreateDatabase(b.Context(), "bench")
			require.NoError(b, err)
			benchmarkHolds(b, url, skus)
		})
		b.Run("SQLite/callers=64/skus="+strconv.Itoa(skus), func(b *testing.B) {
			benchmarkHolds(b, storetest.SQLite(1)(b)[0], skus)
		})
	}
}

func benchmarkHolds(b *testing.B, url string, skus int) {
	b.Helper()
	d, err := database.Open(b.Context(), url, database.Options{})
	require.NoError(b, err)
	_, err = migrate.Up(b.Context(), d)
	require.NoError(b, err)
	s := entstore.New(d, entstore.Options{Now: time.Now})
	defer func() { require.NoError(b, s.Close(context.WithoutCancel(b.Context()))) }()
	stockUp(b, d, skus)
	began := time.Now()
	var failed atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	eachOf(b.N, func(n int) {
		orderID := order.ID{UUID: id.New(began.Add(time.Duration(n)*100*time.Microsecond), 7)}
		demands := []stock.Demand{{SKU: "sku_" + strconv.Itoa(n*7919%skus), Quantity: 1}}
		holds, err := s.HoldStock(b.Context(), orderID, demands, began.Add(time.Hour))
		if err != nil || holds[0].State != stock.Held {
			failed.Add(1)
		}
	})
	b.StopTimer()
	require.Zero(b, failed.Load())
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "holds/s")
}

// stockUp puts plenty of each SKU on the shelf.
func stockUp(b *testing.B, d *database.Database, skus int) {
	b.Helper()
	tx, err := d.Write.BeginTx(b.Context(), nil)
	require.NoError(b, err)
	for i := range skus {
		sku := "sku_" + strconv.Itoa(i)
		_, err := tx.ExecContext(b.Context(), "INSERT INTO stock_levels (sku, slot, on_hand, update_time) VALUES ($1, $2, 1000000000, $3)",
			sku, int(stock.SlotOf(sku)), time.Now().UTC())
		require.NoError(b, err)
	}
	require.NoError(b, tx.Commit())
	_, err = d.Write.ExecContext(b.Context(), "ANALYZE")
	require.NoError(b, err)
}

// eachOf calls do for 0 to n-1, by 64 callers.
func eachOf(n int, do func(int)) {
	var next atomic.Int64
	var callers sync.WaitGroup
	for range 64 {
		callers.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				do(int(i))
			}
		})
	}
	callers.Wait()
}
