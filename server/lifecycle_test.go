package server_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	operationsv1 "github.com/orderprocessing/orderprocessing/gen/operations/v1"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/lifecycletest"
	"github.com/orderprocessing/orderprocessing/server/payments"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway/simulator"
	"github.com/orderprocessing/orderprocessing/server/servertest"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
)

// onPostgres keeps home and four shards in databases of the test's own.
func onPostgres(tb testing.TB) func(*config.Config) {
	return func(cfg *config.Config) {
		cfg.Store.Home = config.DatabaseURL(pgtest.URL(tb))
		for range 4 {
			cfg.Store.Shards = append(cfg.Store.Shards, config.DatabaseURL(pgtest.URL(tb)))
		}
	}
}

// stores are where orders may live.
var stores = map[string]func(testing.TB) func(*config.Config){
	"on SQLite":               func(testing.TB) func(*config.Config) { return func(*config.Config) {} },
	"on four Postgres shards": onPostgres,
}

func TestLifecycle(t *testing.T) {
	for name, where := range stores {
		t.Run(name, func(t *testing.T) {
			s := servertest.Start(t, where(t), func(cfg *config.Config) { cfg.Payments.CallTimeout = time.Second })
			t.Run("every way", func(t *testing.T) { lifecycletest.Run(t, s, lifecycletest.Patience) })
			requireSound(t, s)
		})
	}
}

// TestLifecycle_authentication has a bank with a page of its own, which tells the server by webhook
// alone what became of a payment.
func TestLifecycle_authentication(t *testing.T) {
	var shop atomic.Pointer[url.URL]
	webhooks := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := shop.Load()
		if to == nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.Out.URL = to }}).ServeHTTP(w, r)
	}))
	t.Cleanup(webhooks.Close)
	bank, err := simulator.New(t.Context(), simulator.Options{
		Database: "sqlite:" + filepath.Join(t.TempDir(), "bank.db"), WebhookURL: webhooks.URL, WebhookSecret: "secret",
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, bank.Close(context.WithoutCancel(t.Context()))) })
	page := httptest.NewServer(bank.Handler())
	t.Cleanup(page.Close)
	s := servertest.Start(t, func(cfg *config.Config) {
		cfg.Payments.Simulator.URL, cfg.Payments.Simulator.WebhookSecret = page.URL, "secret"
	})
	to, err := url.Parse(s.URL + payments.WebhookPath + config.GatewaySimulator)
	require.NoError(t, err)
	shop.Store(to)
	t.Run("every answer", func(t *testing.T) { lifecycletest.Authentication(t, s) })
	requireSound(t, s)
}

// requireSound holds everything that is stored against what must always hold.
func requireSound(t *testing.T, s *servertest.Server) {
	t.Helper()
	stream, err := s.Operations.VerifyIntegrity(t.Context(), &operationsv1.VerifyIntegrityRequest{})
	require.NoError(t, err)
	for stream.Receive() {
		require.Nil(t, stream.Msg().GetFinding())
	}
	require.NoError(t, stream.Err())
}
