package interceptors

import (
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/ratelimit/gate"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// crowded gives a handler that has no place for any call, with its log and metrics.
func crowded(t testing.TB) (http.Handler, *Chain, *logBuffer, *prometheus.Registry) {
	t.Helper()
	logs, registry := &logBuffer{}, prometheus.NewRegistry()
	chain := newChain(t, registry, logs, func(o *Options) {
		o.Limits = &Limits{Gate: gate.New(gate.Options{Most: 1, Least: 1, Target: time.Minute})}
	})
	leave, err := chain.limiter.limits.Load().Gate.Enter(t.Context(), "somebody")
	require.NoError(t, err)
	t.Cleanup(leave)
	return chain.Edge(http.NotFoundHandler(), Procedure{Path: getOrder}), chain, logs, registry
}

func knock(t testing.TB, handler http.Handler, method, contentType string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, getOrder, nil)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func TestTurnAway(t *testing.T) {
	handler, chain, logs, registry := crowded(t)
	ready := chain.limiter.turnedAway.ready
	require.Len(t, ready, 5)
	calls := 0
	for _, contentType := range append(slices.Collect(maps.Keys(ready)), "application/json; charset=utf-8", "application/grpc-web", "text/plain") {
		t.Run("as every other refusal, to "+contentType, func(t *testing.T) {
			want := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, getOrder, nil)
			r.Header.Set("Content-Type", contentType)
			require.NoError(t, connect.NewErrorWriter().Write(want, r, chain.limiter.turnedAway.refused))
			want.Header().Del("Trailer") // names, in any order
			for range 2 {
				got := knock(t, handler, http.MethodPost, contentType)
				calls++
				require.Equal(t, want.Code, got.Code)
				require.Equal(t, want.Body.String(), got.Body.String())
				for name, values := range want.Header() {
					require.Equal(t, values, got.Header()[name], name)
				}
			}
		})
	}
	t.Run("every client understands it", func(t *testing.T) {
		full := gate.New(gate.Options{Most: 1, Least: 1, Target: time.Minute})
		e := serve(t, &orders{}, func(o *Options) { o.Limits = &Limits{Gate: full} })
		leave, err := full.Enter(t.Context(), "somebody")
		require.NoError(t, err)
		defer leave()
		for name, client := range e.clients() {
			_, err := client.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: orderID})
			requireRefused(t, err, connect.CodeResourceExhausted, fault.ReasonOverloaded)
			_, _, retry := details(t, err)
			require.Equal(t, shedRetryAfter, retry.GetRetryDelay().AsDuration(), name)
		}
	})
	t.Run("nobody keeps it", func(t *testing.T) {
		got := knock(t, handler, http.MethodGet, "")
		calls++
		require.Equal(t, http.StatusTooManyRequests, got.Code)
		require.Equal(t, "no-store", got.Header().Get("Cache-Control"))
	})
	t.Run("each is counted, and has no line of its own", func(t *testing.T) {
		counted := map[string]float64{}
		families, err := registry.Gather()
		require.NoError(t, err)
		for _, family := range families {
			for _, one := range family.GetMetric() {
				counted[family.GetName()] += one.GetCounter().GetValue()
			}
		}
		require.InDelta(t, calls, counted[telemetry.MetricShedCalls], 0)
		require.InDelta(t, calls, counted[telemetry.MetricRPCRequests], 0)
		require.NotContains(t, logs.String(), telemetry.LogProcedure)
	})
	t.Run("the log tells of the first, and then once a second how many there were", func(t *testing.T) {
		logs, now := &logBuffer{}, time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
		away, logger := newTurnedAway(connect.NewErrorWriter()), slog.New(slog.NewJSONHandler(logs, nil))
		for _, after := range []time.Duration{0, time.Millisecond, time.Second - 1, time.Second, time.Second + 1} {
			away.log(logger, now.Add(after))
		}
		lines := strings.Split(strings.TrimSpace(logs.String()), "\n")
		require.Len(t, lines, 2)
		require.Contains(t, lines[0], `"calls":1`)
		require.Contains(t, lines[1], `"calls":3`)
	})
}
