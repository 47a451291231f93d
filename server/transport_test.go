package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpcreflect"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/interceptors"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/config"
)

const testOrderID = "ord_01jd0000000000000000000000"

// slowOrders is a service that tells when it was reached, and answers when it is let.
type slowOrders struct {
	ordersv1connect.UnimplementedOrderServiceHandler
	reached chan struct{}
	release chan struct{}
}

func newSlowOrders() *slowOrders {
	return &slowOrders{reached: make(chan struct{}, 100), release: make(chan struct{})}
}

func (s *slowOrders) GetOrder(ctx context.Context, req *ordersv1.GetOrderRequest) (*ordersv1.GetOrderResponse, error) {
	s.reached <- struct{}{}
	select {
	case <-s.release:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return &ordersv1.GetOrderResponse{Order: &ordersv1.Order{Id: req.GetOrderId()}}, nil
}

func (s *slowOrders) ExportOrders(ctx context.Context, _ *ordersv1.ExportOrdersRequest, stream *connect.ServerStream[ordersv1.ExportOrdersResponse]) error {
	if err := stream.Send(&ordersv1.ExportOrdersResponse{}); err != nil {
		return err
	}
	s.reached <- struct{}{}
	select {
	case <-s.release:
	case <-ctx.Done():
		return ctx.Err()
	}
	return stream.Send(&ordersv1.ExportOrdersResponse{})
}

// running is a process that serves, and what it takes to stop it.
type running struct {
	url, opsURL  string
	health       *Health
	stop         context.CancelFunc
	stopped      chan error
	http1, http2 *http.Client
}

func start(t *testing.T, orders ordersv1connect.OrderServiceHandler, change func(*Process)) *running {
	t.Helper()
	registry := prometheus.NewRegistry()
	p := Process{Config: config.Default(), Logger: slog.New(slog.DiscardHandler), Health: NewHealth(slog.New(slog.DiscardHandler))}
	p.Config.Server.Port, p.Config.Ops.Port = 0, 0
	if change != nil {
		change(&p)
	}
	cfg := p.Config.Server
	chain, err := interceptors.New(interceptors.Options{
		Logger: p.Logger, Registry: registry, MaxRequestBytes: cfg.MaxRequestBytes,
		ReadTimeout: cfg.ReadTimeout, WriteTimeout: cfg.WriteTimeout, StreamIdleTimeout: cfg.StreamIdleTimeout,
		Authenticator: auth.Services{TrustDomain: "shop.test", Tokens: anyone{}, Now: time.Now},
	})
	require.NoError(t, err)
	path, handler := ordersv1connect.NewOrderServiceHandler(orders, chain.HandlerOptions()...)
	p.API, err = NewAPI(cfg, chain, p.Health, Service{
		Path: path, Handler: handler, Descriptor: ordersv1.File_orders_v1_order_service_proto.Services().ByName("OrderService"),
	})
	require.NoError(t, err)
	p.Ops = NewOps(p.Health, registry)

	scheme := "http://"
	if cfg.TLS.Enabled() {
		scheme = "https://"
	}
	ctx, stop := context.WithCancel(t.Context())
	r := &running{health: p.Health, stop: stop, stopped: make(chan error, 1)}
	opened := make(chan struct{})
	p.Opened = func(api, ops net.Addr) {
		r.url, r.opsURL = scheme+api.String(), "http://"+ops.String()
		close(opened)
	}
	go func() { r.stopped <- Run(ctx, p) }()
	select {
	case <-opened:
	case err := <-r.stopped:
		require.NoError(t, err)
	}
	onlyHTTP2 := new(http.Protocols)
	onlyHTTP2.SetUnencryptedHTTP2(true)
	r.http1 = &http.Client{Transport: &http.Transport{}}
	r.http2 = &http.Client{Transport: &http.Transport{Protocols: onlyHTTP2}}
	t.Cleanup(func() {
		stop()
		r.http1.CloseIdleConnections()
		r.http2.CloseIdleConnections()
	})
	return r
}

// status is what the operations port answers.
func (r *running) status(t *testing.T, path string) (int, string) {
	t.Helper()
	res, err := http.Get(r.opsURL + path) //nolint:noctx // a probe
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(body)
}

func TestRun_Drain(t *testing.T) {
	for name, options := range map[string][]connect.ClientOption{
		"gRPC": {connect.WithGRPC()}, "gRPC-Web": {connect.WithGRPCWeb()}, "Connect": nil,
	} {
		for version, http1 := range map[string]bool{"HTTP/1.1": true, "HTTP/2 without TLS": false} {
			if http1 && name == "gRPC" {
				continue // gRPC is HTTP/2
			}
			t.Run("calls in flight finish over "+name+", "+version, func(t *testing.T) {
				orders := newSlowOrders()
				r := start(t, orders, nil)
				httpClient := r.http2
				if http1 {
					httpClient = r.http1
				}
				client := ordersv1connect.NewOrderServiceClient(httpClient, r.url, options...)
				const calls = 8
				failures := make(chan error, 2*calls)
				var callers sync.WaitGroup
				for range calls {
					callers.Go(func() {
						_, err := client.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: testOrderID})
						failures <- err
					})
					callers.Go(func() { failures <- readTwo(t.Context(), client) })
				}
				for range 2 * calls {
					<-orders.reached
				}
				r.stop()
				refuses(t, r.url)
				status, body := r.status(t, "/readyz")
				require.Equal(t, http.StatusServiceUnavailable, status)
				require.Contains(t, body, `"draining":true`)
				close(orders.release)
				callers.Wait()
				close(failures)
				for err := range failures {
					require.NoError(t, err)
				}
				require.NoError(t, <-r.stopped)
			})
		}
	}
	t.Run("an idle HTTP/2 connection is told to go, and does not hold up the stop", func(t *testing.T) {
		orders := newSlowOrders()
		close(orders.release)
		r := start(t, orders, func(p *Process) { p.Config.Server.DrainTimeout = time.Minute })
		_, err := ordersv1connect.NewOrderServiceClient(r.http2, r.url, connect.WithGRPC()).GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: testOrderID})
		require.NoError(t, err)
		began := time.Now()
		r.stop()
		require.NoError(t, <-r.stopped)
		require.Less(t, time.Since(began), 20*time.Second)
	})
	t.Run("an HTTP/2 connection that begins while the server drains is told to go", func(t *testing.T) {
		orders := newSlowOrders()
		r := start(t, orders, func(p *Process) { p.Config.Server.DrainTimeout = time.Minute })
		late, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(r.url, "http://"))
		require.NoError(t, err)
		defer late.Close()
		failure := make(chan error, 1)
		go func() { // keeps the drain going
			_, err := ordersv1connect.NewOrderServiceClient(r.http1, r.url).GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: testOrderID})
			failure <- err
		}()
		<-orders.reached
		r.stop()
		refuses(t, r.url)
		_, err = io.WriteString(late, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00") // preface, SETTINGS
		require.NoError(t, err)
		require.NoError(t, late.SetReadDeadline(time.Now().Add(10*time.Second)))
		for kind := byte(0); kind != 7; { // GOAWAY
			header := make([]byte, 9)
			_, err := io.ReadFull(late, header)
			require.NoError(t, err, "no GOAWAY")
			kind = header[3]
			_, err = io.CopyN(io.Discard, late, int64(header[0])<<16|int64(header[1])<<8|int64(header[2]))
			require.NoError(t, err)
		}
		close(orders.release)
		require.NoError(t, <-failure)
		require.NoError(t, <-r.stopped)
	})
	t.Run("calls that come while load balancers still notice are served", func(t *testing.T) {
		orders := newSlowOrders()
		close(orders.release)
		r := start(t, orders, func(p *Process) { p.Config.Server.DrainDelay = 300 * time.Millisecond })
		r.stop()
		require.Eventually(t, func() bool { return !r.health.Ready(t.Context()) }, time.Second, time.Millisecond)
		_, err := ordersv1connect.NewOrderServiceClient(r.http1, r.url).GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: testOrderID})
		require.NoError(t, err)
		require.NoError(t, <-r.stopped)
	})
	t.Run("a call that outlasts the drain is told that the server stops", func(t *testing.T) {
		orders := newSlowOrders()
		r := start(t, orders, func(p *Process) { p.Config.Server.DrainTimeout = 50 * time.Millisecond })
		failure := make(chan error, 1)
		go func() {
			_, err := ordersv1connect.NewOrderServiceClient(r.http2, r.url, connect.WithGRPC()).GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: testOrderID})
			failure <- err
		}()
		<-orders.reached
		r.stop()
		err := <-failure
		require.Equal(t, connect.CodeUnavailable, connect.CodeOf(err), "%v", err)
		require.ErrorContains(t, err, "shutting down")
		require.ErrorIs(t, <-r.stopped, errDrained)
	})
}

// readTwo reads a stream of two messages to its end.
func readTwo(ctx context.Context, client ordersv1connect.OrderServiceClient) error {
	stream, err := client.ExportOrders(ctx, &ordersv1.ExportOrdersRequest{})
	if err != nil {
		return err
	}
	n := 0
	for stream.Receive() {
		n++
	}
	if stream.Err() == nil && n != 2 {
		return errors.New("the stream ended early")
	}
	return errors.Join(stream.Err(), stream.Close())
}

// refuses waits until the port takes no new connections.
func refuses(t *testing.T, url string) {
	t.Helper()
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://")) //nolint:noctx // loopback
		if err == nil {
			conn.Close()
		}
		return err != nil
	}, 10*time.Second, 5*time.Millisecond)
}

func TestRun_Parts(t *testing.T) {
	var order []string
	part := func(name string, startErr, stopErr error) Part {
		return Part{
			Name:  name,
			Start: func(context.Context) error { order = append(order, "start "+name); return startErr },
			Stop: func(ctx context.Context) error {
				order = append(order, "stop "+name)
				return errors.Join(stopErr, ctx.Err())
			},
		}
	}
	t.Run("parts stop in reverse, after the ports, and all of them although one fails", func(t *testing.T) {
		order = nil
		broken := errors.New("broken")
		r := start(t, newSlowOrders(), func(p *Process) { p.Parts = []Part{part("a", nil, nil), part("b", nil, broken), {Name: "nothing"}} })
		r.stop()
		require.ErrorIs(t, <-r.stopped, broken)
		require.Equal(t, []string{"start a", "start b", "stop b", "stop a"}, order)
	})
	t.Run("a part that does not start stops those before it", func(t *testing.T) {
		order = nil
		broken := errors.New("broken")
		err := Run(t.Context(), Process{Logger: slog.New(slog.DiscardHandler), Parts: []Part{part("a", nil, nil), part("b", broken, nil)}})
		require.ErrorIs(t, err, broken)
		require.Equal(t, []string{"start a", "start b", "stop a"}, order)
	})
	t.Run("a port that is taken is an error", func(t *testing.T) {
		taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer taken.Close()
		cfg := config.Default()
		cfg.Ops.Port, cfg.Server.Port = 0, taken.Addr().(*net.TCPAddr).Port
		err = Run(t.Context(), Process{Config: cfg, Logger: slog.New(slog.DiscardHandler), Health: NewHealth(slog.New(slog.DiscardHandler))})
		require.ErrorContains(t, err, "open the API port")
	})
}

func TestOps(t *testing.T) {
	failing := errors.New("disk is away")
	now := time.Now()
	began := now
	var asked int
	var logs bytes.Buffer
	health := NewHealth(slog.New(slog.NewTextHandler(&logs, nil)),
		Check{Name: "home", Run: func(context.Context) error { asked++; return failing }},
		Check{Name: "redis", Optional: true, Run: func(context.Context) error { return syscall.ECONNREFUSED }},
		Check{Name: "gateway", Optional: true, Run: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }},
	)
	health.required.now = func() time.Time { return now }
	health.optional.now = health.required.now
	ops := NewOps(health, prometheus.NewRegistry())
	get := func(path string) (int, Report) {
		w := httptest.NewRecorder()
		ops.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		var report Report
		_ = json.Unmarshal(w.Body.Bytes(), &report)
		return w.Code, report
	}
	t.Run("a process is live before it has started, and not ready", func(t *testing.T) {
		for path, want := range map[string]int{"/livez": 200, "/startupz": 503, "/readyz": 503, "/metrics": 200, "/": 404,
			"/debug/pprof/": 200, "/debug/pprof/mutex": 200, "/debug/pprof/block": 200} {
			code, _ := get(path)
			require.Equal(t, want, code, path)
		}
	})
	t.Run("what is required makes it unready when it fails, and the report tells no more than how", func(t *testing.T) {
		health.SetStarted()
		now = now.Add(checkAge)
		code, report := get("/readyz?verbose")
		require.Equal(t, 503, code)
		require.Equal(t, []Dependency{
			{Name: "home", State: StateDown, Since: began.UTC(), Error: "failed", Required: true},
			{Name: "redis", State: StateDown, Since: now.UTC(), Error: "refused"},
			{Name: "gateway", State: StateDown, Since: now.UTC(), Error: "timeout"},
		}, report.Dependencies)
		require.Equal(t, 1, strings.Count(logs.String(), "dependency=home"), "it is logged when it goes, with its cause")
		require.Contains(t, logs.String(), "disk is away")
	})
	t.Run("results serve for a while", func(t *testing.T) {
		failing = nil
		before := asked
		code, _ := get("/readyz")
		require.Equal(t, 503, code)
		require.Equal(t, before, asked)
	})
	t.Run("whatever else is away only shows in the report, and a probe does not wait for it", func(t *testing.T) {
		now = now.Add(checkAge)
		asking := time.Now()
		code, report := get("/readyz")
		require.Equal(t, 200, code)
		require.Less(t, time.Since(asking), checkTimeout)
		require.Empty(t, report.Dependencies)
		code, report = get("/readyz?verbose")
		require.Equal(t, 200, code)
		require.Equal(t, Dependency{Name: "home", State: StateUp, Since: now.UTC(), Required: true}, report.Dependencies[0])
		require.Equal(t, now.Add(-checkAge).UTC(), report.Dependencies[1].Since, "it has been away since")
		require.Contains(t, logs.String(), "a dependency is back")
	})
	t.Run("a process that drains is live and unready", func(t *testing.T) {
		health.SetDraining()
		code, report := get("/readyz")
		require.Equal(t, 503, code)
		require.True(t, report.Draining)
		code, _ = get("/livez")
		require.Equal(t, 200, code)
	})
}

func TestNewAPI(t *testing.T) {
	orders := newSlowOrders()
	close(orders.release)
	r := start(t, orders, func(p *Process) {
		p.Config.Server.CORS.AllowedOrigins = []string{"https://shop.example"}
		p.Config.Server.ReadHeaderTimeout = 100 * time.Millisecond
		p.Config.Server.MaxHeaderBytes = 8 << 10
	})
	t.Run("reflection lists the services", func(t *testing.T) {
		stream := grpcreflect.NewClient(r.http2, r.url, connect.WithGRPC()).NewStream(t.Context())
		names, err := stream.ListServices()
		require.NoError(t, err)
		require.Contains(t, names, ordersv1.File_orders_v1_order_service_proto.Services().Get(0).FullName())
		_, err = stream.FileContainingSymbol("orders.v1.OrderService")
		require.NoError(t, err)
		_, err = stream.Close()
		require.NoError(t, err)
	})
	t.Run("gRPC health tells of the process and of its services alone", func(t *testing.T) {
		check := func(service string) (int, string) {
			res, err := r.http1.Post(r.url+"/grpc.health.v1.Health/Check", "application/json", strings.NewReader(`{"service":"`+service+`"}`)) //nolint:noctx // short
			require.NoError(t, err)
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			return res.StatusCode, string(body)
		}
		for _, service := range []string{"", "orders.v1.OrderService"} {
			status, body := check(service)
			require.Equal(t, http.StatusOK, status)
			require.Contains(t, body, "SERVING")
		}
		status, body := check("orders.v1.Nothing")
		require.Equal(t, http.StatusNotFound, status)
		require.Contains(t, body, "SERVICE_UNKNOWN")
	})
	t.Run("a page of an allowed origin may call, another may not", func(t *testing.T) {
		preflight := func(origin string) *http.Response {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, r.url+"/orders.v1.OrderService/GetOrder", nil)
			require.NoError(t, err)
			req.Header.Set("Origin", origin)
			req.Header.Set("Access-Control-Request-Method", "POST")
			req.Header.Set("Access-Control-Request-Headers", "connect-protocol-version,content-type,idempotency-key")
			res, err := r.http1.Do(req)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			return res
		}
		allowed := preflight("https://shop.example")
		require.Equal(t, "https://shop.example", allowed.Header.Get("Access-Control-Allow-Origin"))
		require.NotEmpty(t, allowed.Header.Get("Access-Control-Allow-Headers"))
		require.Empty(t, allowed.Header.Get("Access-Control-Allow-Credentials"))
		require.Empty(t, preflight("https://evil.example").Header.Get("Access-Control-Allow-Origin"))
	})
	t.Run("every answer forbids guessing and framing", func(t *testing.T) {
		res, err := r.http1.Get(r.url + "/nothing") //nolint:noctx // short
		require.NoError(t, err)
		defer res.Body.Close()
		require.Equal(t, http.StatusNotFound, res.StatusCode)
		require.Equal(t, "nosniff", res.Header.Get("X-Content-Type-Options"))
		require.Contains(t, res.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
	})
	t.Run("headers that drip in are ended", func(t *testing.T) {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(r.url, "http://"))
		require.NoError(t, err)
		defer conn.Close()
		_, err = io.WriteString(conn, "POST /x HTTP/1.1\r\nHost:")
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, conn) // until the server closes it
		require.NoError(t, err)
	})
	t.Run("headers without end are refused", func(t *testing.T) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/x", nil)
		require.NoError(t, err)
		req.Header.Set("X", strings.Repeat("x", 100<<10))
		res, err := r.http1.Do(req)
		if err == nil { // the connection may also break while they are sent
			defer res.Body.Close()
			require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, res.StatusCode)
		}
	})
	t.Run("a contract without policies does not start", func(t *testing.T) {
		chain, err := interceptors.New(interceptors.Options{
			Logger: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(), MaxRequestBytes: 1 << 20, Authenticator: anyone{},
		})
		require.NoError(t, err)
		plain, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
			Name: proto.String("plain.proto"), Package: proto.String("plain"), Syntax: proto.String("proto3"),
			MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("M")}},
			Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("S"), Method: []*descriptorpb.MethodDescriptorProto{
				{Name: proto.String("Do"), InputType: proto.String(".plain.M"), OutputType: proto.String(".plain.M")},
			}}},
		}, nil)
		require.NoError(t, err)
		_, err = NewAPI(config.Default().Server, chain, NewHealth(slog.New(slog.DiscardHandler)), Service{Path: "/x/", Handler: http.NotFoundHandler(), Descriptor: plain.Services().Get(0)})
		require.ErrorContains(t, err, "has no policy")
	})
}

// anyone lets whoever comes do everything.
type anyone struct{}

func (anyone) Authenticate(context.Context, auth.Credentials) (auth.Caller, error) {
	return auth.Caller{ID: "anyone", Roles: []auth.Role{auth.Staff, auth.Operator, auth.Service}}, nil
}
