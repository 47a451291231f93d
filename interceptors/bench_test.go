package interceptors

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	policyv1 "github.com/orderprocessing/orderprocessing/gen/policy/v1"
	"github.com/orderprocessing/orderprocessing/server/ratelimit"
	"github.com/orderprocessing/orderprocessing/server/ratelimit/gate"
	"github.com/orderprocessing/orderprocessing/server/ratelimit/memory"
)

// BenchmarkChain is one CreateOrder of three lines through everything but the network, beside the
// bare handler of connect.
func BenchmarkChain(b *testing.B) {
	create := validCreate()
	for len(create.Order.Lines) < 3 {
		create.Order.Lines = append(create.Order.Lines, create.Order.Lines[0])
	}
	binary, err := proto.Marshal(create)
	require.NoError(b, err)
	text, err := protojson.Marshal(create)
	require.NoError(b, err)

	const path = ordersv1connect.OrderServiceCreateOrderProcedure
	chain := busyChain(b, roomy)
	_, full := ordersv1connect.NewOrderServiceHandler(&orders{}, chain.HandlerOptions()...)
	_, bare := ordersv1connect.NewOrderServiceHandler(&orders{})
	for _, bm := range []struct {
		name, contentType string
		body              []byte
		handler           http.Handler
	}{
		{"connect alone, binary", "application/proto", binary, bare},
		{"whole chain, binary", "application/proto", binary, chain.Edge(full, Procedure{Path: path})},
		{"connect alone, JSON", "application/json", text, bare},
		{"whole chain, JSON", "application/json", text, chain.Edge(full, Procedure{Path: path})},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				req := httptest.NewRequestWithContext(b.Context(), http.MethodPost, path, bytes.NewReader(bm.body))
				req.Header.Set("Content-Type", bm.contentType)
				w := httptest.NewRecorder()
				bm.handler.ServeHTTP(w, req)
				if w.Code != http.StatusOK {
					b.Fatal(w.Code, w.Body.String())
				}
			}
		})
	}
}

// roomy is a gate that lets everybody in.
var roomy = gate.Options{Most: 1024, Least: 64, Target: time.Second, Patience: time.Second}

// busyChain is the chain as a server under load has it.
func busyChain(tb testing.TB, room gate.Options) *Chain {
	tb.Helper()
	return newChain(tb, prometheus.NewRegistry(), &logBuffer{}, func(o *Options) {
		o.Logger = slog.New(slog.NewJSONHandler(io.Discard, nil))
		limit, buckets := ratelimit.Limit{PerMinute: 60_000_000, Burst: 60_000_000}, memory.New(1000, time.Now)
		o.Limits = &Limits{
			Address: ratelimit.NewBudget("address", limit, buckets),
			Callers: map[policyv1.RateClass]*ratelimit.Budget{
				policyv1.RateClass_RATE_CLASS_WRITE: ratelimit.NewBudget("write", limit, buckets),
				policyv1.RateClass_RATE_CLASS_READ:  ratelimit.NewBudget("read", limit, buckets),
			},
			Gate: gate.New(room),
		}
	})
}

// BenchmarkTurnedAway is one CreateOrder that finds every place taken: a process with too much to do must spend
// little on those whom it cannot serve.
func BenchmarkTurnedAway(b *testing.B) {
	turnAway := fullHouse(b)
	for _, contentType := range []string{"application/proto", "application/json", "application/grpc"} {
		b.Run(contentType, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !turnAway(contentType) {
					b.Fatal("there is a place")
				}
			}
		})
	}
}

// fullHouse gives a call that finds the one place there is taken, and tells whether it was turned away.
func fullHouse(tb testing.TB) func(contentType string) bool {
	tb.Helper()
	chain := busyChain(tb, gate.Options{Most: 1, Least: 1, Target: time.Second})
	leave, err := chain.limiter.limits.Load().Gate.Enter(tb.Context(), "somebody")
	require.NoError(tb, err)
	tb.Cleanup(leave)
	const path = ordersv1connect.OrderServiceCreateOrderProcedure
	body, err := proto.Marshal(validCreate())
	require.NoError(tb, err)
	_, full := ordersv1connect.NewOrderServiceHandler(&orders{}, chain.HandlerOptions()...)
	edge := chain.Edge(full, Procedure{Path: path})
	return func(contentType string) bool {
		req := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, path, bytes.NewReader(body))
		req.Header.Set("Content-Type", contentType)
		w := httptest.NewRecorder()
		edge.ServeHTTP(w, req)
		return w.Code == http.StatusTooManyRequests || w.Header().Get("Grpc-Status") == "8"
	}
}
