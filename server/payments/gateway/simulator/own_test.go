package simulator_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway/simulator"
)

func paying(n int, method string, amount money.Minor) gateway.AuthorizeRequest {
	return gateway.AuthorizeRequest{
		Key: gateway.Key(fmt.Sprintf("ord_%d/place/authorize", n)), Payment: fmt.Sprintf("pay_%d", n), Amount: amount, Currency: "GBP",
		Method: method,
	}
}

func TestSimulator_Faults(t *testing.T) {
	b := start(t)
	g := b.Gateway
	t.Run("an amount stands for a fault", func(t *testing.T) {
		got, err := g.Authorize(t.Context(), paying(1, "customer_card", 90_000_002))
		require.NoError(t, err)
		require.Equal(t, gateway.DeclineInsufficientFunds, got.Decline)
		got, err = g.Authorize(t.Context(), paying(2, "customer_card", 90_000_000))
		require.NoError(t, err)
		require.Equal(t, gateway.OutcomeDone, got.Outcome)
	})
	t.Run("a misspelt fault is refused", func(t *testing.T) {
		_, err := g.Authorize(t.Context(), paying(3, "tok_declind", 1))
		require.Equal(t, fault.ReasonPaymentMethodInvalid, fault.ReasonOf(err))
	})
	t.Run("what may still arrive is in progress, not never", func(t *testing.T) {
		_, err := g.Authorize(t.Context(), paying(4, "tok_timeout_before", 1))
		require.True(t, gateway.IsUnknown(err))
		inquiry, err := g.Inquire(t.Context(), gateway.InquireRequest{
			Key: "ord_4/place/authorize", Operation: gateway.OperationAuthorize, SentAt: b.Now(),
		})
		require.NoError(t, err)
		require.Equal(t, gateway.FateInProgress, inquiry.Fate)
	})
	t.Run("no answer in time is unknown, over a network and without", func(t *testing.T) {
		s, err := simulator.New(t.Context(), simulator.Options{Database: "sqlite:" + filepath.Join(t.TempDir(), "gateway.db")})
		require.NoError(t, err)
		server := httptest.NewServer(s.Handler())
		impatient := simulator.ClientOptions{Timeout: 100 * time.Millisecond}
		network := simulator.NewGateway(server.URL, impatient)
		for n, g := range []gateway.Gateway{network, s.Gateway(impatient)} {
			_, err := g.Authorize(t.Context(), paying(n, "tok_timeout_before", 1))
			require.True(t, gateway.IsUnknown(err), "%v", err)
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		network.Close()
		server.Close()
		require.NoError(t, s.Close(context.Background()))
	})
	t.Run("a wrong key of the API is our mistake, and nothing happened", func(t *testing.T) {
		other := simulator.NewGateway(b.url, simulator.ClientOptions{APIKey: "wrong"})
		defer other.Close()
		_, err := other.Authorize(t.Context(), paying(5, "tok_ok", 1))
		require.Equal(t, fault.ReasonGatewayMisconfigured, fault.ReasonOf(err))
		require.True(t, gateway.IsTemporary(err))
	})
	t.Run("a caller who is gone before it is sent did nothing", func(t *testing.T) {
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := g.Authorize(gone, paying(6, "tok_ok", 1))
		require.True(t, gateway.IsTemporary(err))
	})
	t.Run("rates strike by chance until they are set back", func(t *testing.T) {
		put := func(body string) int {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, b.url+"/control/faults", bytes.NewBufferString(body))
			require.NoError(t, err)
			r.Header.Set("Authorization", "Bearer key")
			response, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			http.DefaultClient.CloseIdleConnections()
			return response.StatusCode
		}
		require.Equal(t, http.StatusBadRequest, put(`{"refused":0.6,"slow":0.6}`))
		require.Equal(t, http.StatusBadRequest, put(`{"refused":-1}`))
		require.Equal(t, http.StatusOK, put(`{"refused":1}`))
		for range 3 {
			_, err := g.Authorize(t.Context(), paying(7, "tok_ok", 1))
			require.True(t, gateway.IsTemporary(err), "%v", err)
		}
		require.Equal(t, http.StatusOK, put(`{}`))
		_, err := g.Authorize(t.Context(), paying(7, "tok_ok", 1))
		require.NoError(t, err)
	})
	t.Run("expired authorizations are released by themselves, and told once", func(t *testing.T) {
		got, err := g.Authorize(t.Context(), paying(8, "tok_expires_soon", 1000))
		require.NoError(t, err)
		b.Advance(2 * time.Second)
		require.NoError(t, b.simulator.Expire(t.Context()))
		require.NoError(t, b.simulator.Expire(t.Context()))
		lines := 0
		for m, err := range gateway.Movements(t.Context(), g, time.Time{}) {
			require.NoError(t, err)
			if m.Payment == "pay_8" && m.Kind == gateway.MovementReleased {
				lines++
				require.Equal(t, got.Authorization, m.Authorization)
				require.Empty(t, m.Key)
			}
		}
		require.Equal(t, 1, lines)
		require.Len(t, b.Webhooks(t, "pay_8", 2), 2)
	})
}

func TestSimulator_Webhooks(t *testing.T) {
	t.Run("a webhook that nobody took is sent again, after a restart too", func(t *testing.T) {
		var taking atomic.Bool
		refused, taken := make(chan struct{}, 100), make(chan struct{}, 100)
		hooks := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if !taking.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
				refused <- struct{}{}
				return
			}
			taken <- struct{}{}
		}))
		defer hooks.Close()
		options := simulator.Options{
			Database: "sqlite:" + filepath.Join(t.TempDir(), "gateway.db"), WebhookURL: hooks.URL, WebhookSecret: secret,
		}
		s, err := simulator.New(t.Context(), options)
		require.NoError(t, err)
		_, err = s.Gateway(simulator.ClientOptions{}).Authorize(t.Context(), paying(1, "tok_ok", 1))
		require.NoError(t, err)
		<-refused
		<-refused
		require.NoError(t, s.Close(context.Background()))
		taking.Store(true)
		s, err = simulator.New(t.Context(), options)
		require.NoError(t, err)
		<-taken
		require.NoError(t, s.Close(context.Background()))
		require.Empty(t, taken)
	})
}

// BenchmarkAuthorize measures authorizations over HTTP on loopback, client and bank in one process.
func BenchmarkAuthorize(b *testing.B) {
	for _, kind := range []string{"http", "in process"} {
		b.Run(kind, func(b *testing.B) {
			s, err := simulator.New(b.Context(), simulator.Options{Database: "sqlite:" + filepath.Join(b.TempDir(), "gateway.db")})
			require.NoError(b, err)
			server := httptest.NewServer(s.Handler())
			g := s.Gateway(simulator.ClientOptions{})
			if kind == "http" {
				g = simulator.NewGateway(server.URL, simulator.ClientOptions{})
			}
			defer func() {
				g.Close()
				server.Close()
				require.NoError(b, s.Close(context.Background()))
			}()
			var n atomic.Int64
			b.SetParallelism(64)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					got, err := g.Authorize(b.Context(), paying(int(n.Add(1)), "tok_ok", 1000))
					if err != nil || got.Outcome != gateway.OutcomeDone {
						b.Errorf("%v %v", got, err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "authorizations/s")
		})
	}
}
