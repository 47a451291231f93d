package interceptors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	policyv1 "github.com/orderprocessing/orderprocessing/gen/policy/v1"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/ratelimit"
	"github.com/orderprocessing/orderprocessing/server/ratelimit/gate"
	"github.com/orderprocessing/orderprocessing/server/ratelimit/memory"
)

const (
	getOrder  = "/orders.v1.OrderService/GetOrder"
	listOrder = "/orders.v1.OrderService/ListOrders"
)

// frozen budgets never fill: what is used up stays so.
func frozen(name string, burst int) *ratelimit.Budget {
	buckets := memory.New(1000, func() time.Time { return time.Unix(0, 0) })
	return ratelimit.NewBudget(name, ratelimit.Limit{PerMinute: 10, Burst: burst}, buckets)
}

// unread is a body that nobody may read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

// handlerOf is a chain over a service without a network between.
func handlerOf(t *testing.T, service *orders, limits *Limits) http.Handler {
	t.Helper()
	return serving(limited(t, limits), service)
}

func limited(t *testing.T, limits *Limits) *Chain {
	t.Helper()
	return newChain(t, prometheus.NewRegistry(), &logBuffer{}, func(o *Options) { o.Limits = limits })
}

func serving(chain *Chain, service *orders) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", chain.NotFound())
	mux.Handle(ordersv1connect.NewOrderServiceHandler(service, chain.HandlerOptions()...))
	mux.HandleFunc("/grpc.health.v1.Health/Check", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	return chain.Edge(mux, Procedure{Path: getOrder}, Procedure{Path: listOrder},
		Procedure{Path: "/orders.v1.OrderService/ExportOrders", StreamsOut: true}, Procedure{Path: "/grpc.health.v1.Health/Check"})
}

func post(t *testing.T, handler http.Handler, path, from string, body io.Reader) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, body)
	r.RemoteAddr = from
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func getBody() io.Reader { return strings.NewReader(`{"orderId":"` + orderID + `"}`) }

func requireLimited(t *testing.T, w *httptest.ResponseRecorder, reason fault.Reason) {
	t.Helper()
	require.Equal(t, http.StatusTooManyRequests, w.Code, w.Body)
	var wire struct{ Code string }
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &wire))
	require.Equal(t, "resource_exhausted", wire.Code)
	require.Contains(t, w.Body.String(), reason)
	require.NotEmpty(t, w.Header().Get("Retry-After"))
}

func TestLimitAddress(t *testing.T) {
	limits := func() *Limits {
		return &Limits{Address: frozen("address", 2), UnlimitedAddresses: prefixes("127.0.0.0/8"), Proxies: prefixes("10.0.0.0/8")}
	}
	t.Run("an address is refused before its body is read, others are not", func(t *testing.T) {
		handler := handlerOf(t, &orders{}, limits())
		for range 2 {
			require.Equal(t, http.StatusOK, post(t, handler, getOrder, "203.0.113.7:1", getBody()).Code)
		}
		w := post(t, handler, getOrder, "203.0.113.7:2", unread{t})
		requireLimited(t, w, fault.ReasonRateLimited)
		require.Equal(t, "6", w.Header().Get("Retry-After"))
		require.Equal(t, http.StatusOK, post(t, handler, getOrder, "203.0.113.8:1", getBody()).Code)
	})
	t.Run("an IPv6 network is one address", func(t *testing.T) {
		handler := handlerOf(t, &orders{}, limits())
		post(t, handler, getOrder, "[2001:db8::1]:1", getBody())
		post(t, handler, getOrder, "[2001:db8::2]:1", getBody())
		requireLimited(t, post(t, handler, getOrder, "[2001:db8::3]:1", unread{t}), fault.ReasonRateLimited)
	})
	t.Run("a header that claims another address does not help", func(t *testing.T) {
		handler := handlerOf(t, &orders{}, limits())
		allowed := 0
		for i := range 20 {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, getOrder, getBody())
			r.RemoteAddr = "203.0.113.7:1"
			r.Header.Set("Content-Type", "application/json")
			for _, name := range []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip", "True-Client-Ip"} {
				r.Header.Set(name, fmt.Sprintf("198.51.100.%d", i))
			}
			w := httptest.NewRecorder()
			if handler.ServeHTTP(w, r); w.Code == http.StatusOK {
				allowed++
			}
		}
		require.Equal(t, 2, allowed)
	})
	t.Run("what is no procedure is counted too", func(t *testing.T) {
		handler := handlerOf(t, &orders{}, limits())
		for range 2 {
			require.Equal(t, http.StatusNotFound, post(t, handler, "/wp-login.php", "203.0.113.7:1", getBody()).Code)
		}
		requireLimited(t, post(t, handler, "/wp-login.php", "203.0.113.7:1", unread{t}), fault.ReasonRateLimited)
	})
	t.Run("probes are not counted, nor is an unlimited network", func(t *testing.T) {
		handler := handlerOf(t, &orders{}, limits())
		for range 10 {
			w := post(t, handler, "/grpc.health.v1.Health/Check", "203.0.113.7:1", getBody())
			require.Equal(t, http.StatusOK, w.Code)
			require.Empty(t, w.Header().Get("Ratelimit"))
			require.Equal(t, http.StatusOK, post(t, handler, getOrder, "127.0.0.1:1", getBody()).Code)
		}
	})
	t.Run("ten thousand addresses take the room of as many buckets as there may be", func(t *testing.T) {
		const most = 1024
		buckets := memory.New(most, func() time.Time { return time.Unix(0, 0) })
		handler := handlerOf(t, &orders{}, &Limits{Address: ratelimit.NewBudget("address", ratelimit.Limit{PerMinute: 10, Burst: 2}, buckets)})
		for i := range 10_000 {
			from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)}), 1)
			require.Equal(t, http.StatusNotFound, post(t, handler, "/", from.String(), http.NoBody).Code)
		}
		require.LessOrEqual(t, buckets.Len(), most)
	})
}

func TestLimitCaller(t *testing.T) {
	login := &policyv1.MethodPolicy{RateClass: policyv1.RateClass_RATE_CLASS_LOGIN}
	read := &policyv1.MethodPolicy{RateClass: policyv1.RateClass_RATE_CLASS_READ}
	list := &policyv1.MethodPolicy{RateClass: policyv1.RateClass_RATE_CLASS_LIST, Cost: 5}
	write := &policyv1.MethodPolicy{RateClass: policyv1.RateClass_RATE_CLASS_WRITE}
	customer := func(id string) auth.Caller { return auth.Caller{ID: id, Roles: []auth.Role{auth.Customer}} }
	staff := auth.Caller{ID: "usr_9", Roles: []auth.Role{auth.Staff}}
	type step struct {
		caller  auth.Caller
		from    string
		policy  *policyv1.MethodPolicy
		allowed int // calls until one is refused; -1 is never
	}
	for _, tt := range []struct {
		name  string
		steps []step
	}{
		{"each caller has a budget of their own, wherever they call from", []step{
			{customer("usr_1"), "203.0.113.7", read, 10}, {customer("usr_1"), "203.0.113.8", read, 0}, {customer("usr_2"), "203.0.113.7", read, 10},
		}},
		{"each class has a budget, and a method takes its cost", []step{
			{customer("usr_1"), "203.0.113.7", list, 2}, {customer("usr_1"), "203.0.113.7", read, 10},
		}},
		{"staff have more", []step{{staff, "203.0.113.7", read, 100}}},
		{"nobody is counted by address", []step{
			{auth.Caller{}, "203.0.113.7", read, 10}, {auth.Caller{}, "203.0.113.7", read, 0}, {auth.Caller{}, "203.0.113.8", read, 10},
		}},
		{"nobody is not counted where addresses are not", []step{{auth.Caller{}, "127.0.0.1", read, -1}}},
		{"logins are counted by address, whoever calls from wherever", []step{
			{customer("usr_1"), "203.0.113.7", login, 3}, {staff, "203.0.113.7", login, 0},
			{auth.Caller{}, "127.0.0.1", login, 3}, {staff, "203.0.113.8", login, 3},
		}},
		{"a class without a budget is without limit", []step{{customer("usr_1"), "203.0.113.7", write, -1}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := newLimiter(Limits{
				UnlimitedAddresses: prefixes("127.0.0.0/8"),
				Callers: map[policyv1.RateClass]*ratelimit.Budget{
					policyv1.RateClass_RATE_CLASS_READ: frozen("read", 10), policyv1.RateClass_RATE_CLASS_LIST: frozen("list", 10), policyv1.RateClass_RATE_CLASS_LOGIN: frozen("login", 3),
				},
				Trusted: map[policyv1.RateClass]*ratelimit.Budget{policyv1.RateClass_RATE_CLASS_READ: frozen("read", 100), policyv1.RateClass_RATE_CLASS_LOGIN: frozen("login", 1000)},
			}, prometheus.NewRegistry(), connect.NewErrorWriter())
			require.NoError(t, err)
			c := &Chain{limiter: m}
			for _, step := range tt.steps {
				e := &exchange{ResponseWriter: httptest.NewRecorder(), procedure: &Procedure{policy: step.policy}, client: netip.MustParseAddr(step.from), address: step.from}
				ctx := auth.WithCaller(context.WithValue(t.Context(), exchangeKey{}, e), step.caller)
				allowed, refused := 0, error(nil)
				for refused == nil && allowed < 200 {
					if refused = c.limitCaller(ctx, &call{}, func(context.Context) error { return nil }); refused == nil {
						allowed++
					}
				}
				if step.allowed < 0 {
					require.NoError(t, refused)
					continue
				}
				require.Equal(t, step.allowed, allowed)
				require.Equal(t, fault.ReasonRateLimited, fault.ReasonOf(refused))
				require.Positive(t, fault.From(refused).RetryAfter)
			}
		})
	}
}

func TestLimits_everyProtocol(t *testing.T) {
	service := &orders{export: func(_ context.Context, _ *ordersv1.ExportOrdersRequest, stream *connect.ServerStream[ordersv1.ExportOrdersResponse]) error {
		return stream.Send(&ordersv1.ExportOrdersResponse{})
	}}
	for _, protocol := range []struct {
		name   string
		option connect.ClientOption
	}{{"Connect", connect.WithProtoJSON()}, {"gRPC", connect.WithGRPC()}, {"gRPC-Web", connect.WithGRPCWeb()}} {
		t.Run(protocol.name, func(t *testing.T) {
			e := serve(t, service, func(o *Options) {
				o.Limits = &Limits{Address: frozen("address", 100), Trusted: map[policyv1.RateClass]*ratelimit.Budget{
					policyv1.RateClass_RATE_CLASS_READ: frozen("read", 1), policyv1.RateClass_RATE_CLASS_BULK: frozen("bulk", 150),
				}}
			})
			client := ordersv1connect.NewOrderServiceClient(e.http2, e.url, protocol.option)
			ctx, info := connect.NewClientContext(t.Context())
			_, err := client.GetOrder(ctx, &ordersv1.GetOrderRequest{OrderId: orderID})
			require.NoError(t, err)
			header := info.ResponseHeader()
			require.Equal(t, `"address";q=100;w=600, "read";q=1;w=6`, header.Get("RateLimit-Policy"))
			require.Equal(t, `"address";r=99;t=6, "read";r=0;t=6`, header.Get("RateLimit"))

			_, err = client.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: orderID})
			requireToldToWait(t, err)

			export := func() error {
				stream, err := client.ExportOrders(t.Context(), &ordersv1.ExportOrdersRequest{})
				require.NoError(t, err)
				for stream.Receive() {
				}
				return errors.Join(stream.Err(), stream.Close())
			}
			require.NoError(t, export())
			requireToldToWait(t, export())
		})
	}
}

func requireToldToWait(t *testing.T, err error) {
	t.Helper()
	requireRefused(t, err, connect.CodeResourceExhausted, fault.ReasonRateLimited)
	_, _, retry := details(t, err)
	require.Positive(t, retry.GetRetryDelay().AsDuration())
	var refused *connect.Error
	require.ErrorAs(t, err, &refused)
	require.NotEmpty(t, refused.Meta().Get("Retry-After"))
	require.NotEmpty(t, refused.Meta().Get("RateLimit"))
}

func TestShed(t *testing.T) {
	inside, end := make(chan struct{}), make(chan struct{})
	service := &orders{
		get: func(context.Context, *ordersv1.GetOrderRequest) (*ordersv1.GetOrderResponse, error) {
			inside <- struct{}{}
			<-end
			return &ordersv1.GetOrderResponse{}, nil
		},
		export: func(context.Context, *ordersv1.ExportOrdersRequest, *connect.ServerStream[ordersv1.ExportOrdersResponse]) error {
			return nil
		},
	}
	chain := limited(t, &Limits{
		Gate: gate.New(gate.Options{Most: 1, Least: 1, Target: time.Minute, Patience: time.Millisecond}),
	})
	handler := serving(chain, service)
	first := make(chan *httptest.ResponseRecorder)
	go func() { first <- post(t, handler, getOrder, "203.0.113.7:1", getBody()) }()
	<-inside
	t.Run("a call for which there is no place is refused before its body is read", func(t *testing.T) {
		require.False(t, chain.Crowded())
		requireLimited(t, post(t, handler, getOrder, "203.0.113.8:1", unread{t}), fault.ReasonOverloaded)
		require.True(t, chain.Crowded(), "sagas give way")
	})
	t.Run("probes and streams need no place", func(t *testing.T) {
		require.Equal(t, http.StatusOK, post(t, handler, "/grpc.health.v1.Health/Check", "203.0.113.7:1", getBody()).Code)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/orders.v1.OrderService/ExportOrders", strings.NewReader("\x00\x00\x00\x00\x02{}"))
		r.Header.Set("Content-Type", "application/connect+json")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		require.NotContains(t, w.Body.String(), fault.ReasonOverloaded)
	})
	end <- struct{}{}
	require.Equal(t, http.StatusOK, (<-first).Code)
	t.Run("a place that was given back is free", func(t *testing.T) {
		go func() { first <- post(t, handler, getOrder, "203.0.113.8:1", getBody()) }()
		<-inside
		end <- struct{}{}
		require.Equal(t, http.StatusOK, (<-first).Code)
	})
}

func TestPresented(t *testing.T) {
	m, err := newLimiter(Limits{}, prometheus.NewRegistry(), connect.NewErrorWriter())
	require.NoError(t, err)
	name := func(header, value, from string) string {
		r := &http.Request{Header: http.Header{}}
		if header != "" {
			r.Header.Set(header, value)
		}
		return m.presented(&exchange{request: r, address: from})
	}
	require.Equal(t, name("", "", "203.0.113.7"), name("", "", "203.0.113.7"))
	require.NotEqual(t, name("", "", "203.0.113.7"), name("", "", "203.0.113.8"))
	require.Equal(t, name("Authorization", "Bearer hunter2", "203.0.113.7"), name("Authorization", "Bearer hunter2", "203.0.113.8"))
	require.NotEqual(t, name("X-API-Key", "a", "203.0.113.7"), name("X-API-Key", "b", "203.0.113.7"))
	require.NotContains(t, name("X-API-Key", "hunter2", "203.0.113.7"), "hunter2")
}
