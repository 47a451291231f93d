package payments_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/payments"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/migrate"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

// instant is a gateway that says yes at once.
type instant struct{ gateway.Gateway }

func (instant) Authorize(_ context.Context, r gateway.AuthorizeRequest) (gateway.Result, error) {
	return gateway.Result{Outcome: gateway.OutcomeDone, Authorization: "auth", Amount: r.Amount}, nil
}

func (instant) ParseWebhook(http.Header, []byte) (gateway.Event, error) { return gateway.Event{}, nil }

// BenchmarkAuthorize records intent and outcome of authorizations for 128 callers. Every commit is
// on the disk; the gateway answers at once.
func BenchmarkAuthorize(b *testing.B) {
	b.Run("SQLite/callers=128", func(b *testing.B) { benchmarkAuthorize(b, storetest.SQLite(1)(b)[0]) })
	b.Run("Postgres/callers=128", func(b *testing.B) {
		cluster, err := pgtest.Start(b.Context(), pgtest.Options{Durable: true})
		require.NoError(b, err)
		b.Cleanup(func() { require.NoError(b, cluster.Close()) })
		url, err := cluster.CreateDatabase(b.Context(), "bench")
		require.NoError(b, err)
		benchmarkAuthorize(b, url)
	})
}

func benchmarkAuthorize(b *testing.B, url string) {
	b.Helper()
	d, err := database.Open(b.Context(), url, database.Options{})
	require.NoError(b, err)
	_, err = migrate.Up(b.Context(), d)
	require.NoError(b, err)
	kept := entstore.New(d, entstore.Options{Now: time.Now})
	defer func() { require.NoError(b, kept.Close(context.WithoutCancel(b.Context()))) }()
	s := payments.New(payments.Options{
		Store: kept, Gateways: map[string]gateway.Gateway{"test": instant{}}, Current: "test", Now: time.Now,
	})
	var next, failed atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	var all sync.WaitGroup
	for range 128 {
		all.Go(func() {
			for next.Add(1) <= int64(b.N) {
				w := wish(order.NewID(time.Now(), "cus_1", ""), "tok_ok")
				if _, err := s.Authorize(b.Context(), w); err != nil {
					failed.Add(1)
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	require.Zero(b, failed.Load())
	require.NoError(b, s.Close(b.Context()))
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "authorizations/s")
}
