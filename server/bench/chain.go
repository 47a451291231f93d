package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/protobuf/proto"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	policyv1 "github.com/orderprocessing/orderprocessing/gen/policy/v1"
	"github.com/orderprocessing/orderprocessing/interceptors"
	"github.com/orderprocessing/orderprocessing/server"
	"github.com/orderprocessing/orderprocessing/server/audit"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/identity"
	"github.com/orderprocessing/orderprocessing/server/ratelimit"
	"github.com/orderprocessing/orderprocessing/server/ratelimit/gate"
	"github.com/orderprocessing/orderprocessing/server/ratelimit/memory"
	"github.com/orderprocessing/orderprocessing/server/store/principals"
)

// measureChain measures what surrounds a call: a CreateOrder of three lines through everything but the
// network, beside connect's bare handler of the same.
func (b *bench) measureChain(ctx context.Context) (err error) {
	cfg := config.Default()
	cfg.Data.Dir = filepath.Join(b.dir, "chain")
	home, err := server.OpenHome(ctx, cfg)
	if err != nil {
		return err
	}
	defer home.Close()
	log := audit.New(home, time.Now)
	defer log.Close(ctx)
	cases := identity.New(identity.Options{Store: principals.New(home), Audit: log, HashKey: []byte(rand.Text()), Now: time.Now})
	_, secret, err := cases.CreateKey(ctx, identity.NewKey{Name: "bench", Roles: []auth.Role{auth.Staff}, RequestID: "bench"})
	if err != nil {
		return err
	}
	limit, buckets := ratelimit.Limit{PerMinute: 60_000_000, Burst: 60_000_000}, memory.New(1000, time.Now)
	options := interceptors.Options{
		Logger: slog.New(slog.NewJSONHandler(io.Discard, nil)), MaxRequestBytes: cfg.Server.MaxRequestBytes,
		Authenticator: identity.NewAuthenticator(cases, nil),
		Limits: &interceptors.Limits{
			Address: ratelimit.NewBudget("address", limit, buckets),
			Callers: map[policyv1.RateClass]*ratelimit.Budget{policyv1.RateClass_RATE_CLASS_WRITE: ratelimit.NewBudget("write", limit, buckets)},
			Gate:    gate.New(gate.Options{Most: 1024, Least: 64, Target: time.Second, Patience: time.Second}),
		},
	}
	_, bare := ordersv1connect.NewOrderServiceHandler(emptyOrders{})
	plain, err := chained(options)
	if err != nil {
		return err
	}
	options.Tracer = sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.TraceIDRatioBased(cfg.Telemetry.SampleRatio)))
	traced, err := chained(options)
	if err != nil {
		return err
	}
	var costs [3]cost
	for range 5 { // in turns
		for i, handler := range []http.Handler{bare, plain, traced} {
			if err := costs[i].call(ctx, handler, secret, b.seconds/5); err != nil {
				return err
			}
		}
	}
	b.report.add(
		row{Row: "a unary call: CPU of connect alone", Value: costs[0].micros(), Unit: "µs"},
		row{Row: "  the whole chain adds, without traces", Value: costs[1].micros() - costs[0].micros(), Unit: "µs"},
		row{Row: "  the whole chain adds, with traces", Value: costs[2].micros() - costs[0].micros(), Unit: "µs"}.atMost(25),
		row{Row: "  allocated by connect alone", Value: costs[0].objects(), Unit: "objects"},
		row{Row: "  the whole chain adds, without traces", Value: costs[1].objects() - costs[0].objects(), Unit: "objects"},
		row{Row: "  the whole chain adds, with traces", Value: costs[2].objects() - costs[0].objects(), Unit: "objects"}.atMost(60),
	)
	b.report.note("The chain: authenticate (API key, proof remembered), authorize, limits in memory, validate, log, metrics; "+
		"traces are sampled at %v. In one process, without a network, in turns with connect's bare handler.", cfg.Telemetry.SampleRatio)
	return nil
}

func chained(o interceptors.Options) (http.Handler, error) {
	o.Registry = prometheus.NewRegistry()
	chain, err := interceptors.New(o)
	if err != nil {
		return nil, err
	}
	_, handler := ordersv1connect.NewOrderServiceHandler(emptyOrders{}, chain.HandlerOptions()...)
	return chain.Edge(handler, interceptors.Procedure{Path: ordersv1connect.OrderServiceCreateOrderProcedure}), nil
}

// emptyOrders answers CreateOrder with what was asked.
type emptyOrders struct {
	ordersv1connect.UnimplementedOrderServiceHandler
}

// CreateOrder does nothing.
func (emptyOrders) CreateOrder(_ context.Context, req *ordersv1.CreateOrderRequest) (*ordersv1.CreateOrderResponse, error) {
	return &ordersv1.CreateOrderResponse{Order: req.GetOrder()}, nil
}

// recorder takes deadlines, as connections do.
type recorder struct{ *httptest.ResponseRecorder }

// SetReadDeadline does nothing.
func (recorder) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (recorder) SetWriteDeadline(time.Time) error { return nil }

// cost is what calls took.
type cost struct {
	calls   int
	cpu     time.Duration
	mallocs uint64
}

func (c cost) micros() float64  { return float64(c.cpu.Nanoseconds()) / 1e3 / float64(c.calls) }
func (c cost) objects() float64 { return float64(c.mallocs) / float64(c.calls) }

// call calls a handler again and again.
func (c *cost) call(ctx context.Context, handler http.Handler, token string, seconds float64) error {
	line := &ordersv1.Line{Sku: "85123A", Description: "WHITE HANGING HEART", Quantity: 6, UnitPriceMinor: 255}
	body, err := proto.Marshal(&ordersv1.CreateOrderRequest{RequestId: "bench", Order: &ordersv1.Order{
		CustomerId: "cus_1", CurrencyCode: "GBP", Lines: []*ordersv1.Line{line, line, line},
	}})
	if err != nil {
		return err
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begun := processCPU()
	for end := time.Now().Add(time.Duration(seconds * float64(time.Second))); time.Now().Before(end); c.calls++ {
		req := httptest.NewRequestWithContext(ctx, http.MethodPost, ordersv1connect.OrderServiceCreateOrderProcedure, bytes.NewReader(body))
		req.Header.Set("Content-Type", "application/proto")
		req.Header.Set("Authorization", "Bearer "+token)
		w := recorder{httptest.NewRecorder()}
		handler.ServeHTTP(w, req)
		if w.Code != http.StatusOK {
			return fmt.Errorf("the call was answered %d %s", w.Code, w.Body)
		}
	}
	c.cpu += processCPU() - begun
	runtime.ReadMemStats(&after)
	c.mallocs += after.Mallocs - before.Mallocs
	return nil
}

// processCPU is what this process has taken so far, garbage collection included.
func processCPU() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // fails for wrong arguments only
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
