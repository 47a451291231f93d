package simulator_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orderprocessing/orderprocessing/server/outbound"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway/gatewaytest"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway/resilient"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway/simulator"
)

const secret = "whsec_test"

// clock is the time, and what the test adds to it.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// mailbox takes webhooks.
type mailbox struct {
	mu      sync.Mutex
	changed chan struct{}
	got     map[string][]gatewaytest.Delivery
}

func (m *mailbox) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var event struct{ Payment string }
	_ = json.Unmarshal(body, &event)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.got[event.Payment] = append(m.got[event.Payment], gatewaytest.Delivery{Header: r.Header.Clone(), Body: body})
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *mailbox) wait(tb testing.TB, payment string, atLeast int) []gatewaytest.Delivery {
	tb.Helper()
	late := time.After(10 * time.Second)
	for {
		m.mu.Lock()
		got, changed := m.got[payment], m.changed
		m.mu.Unlock()
		if len(got) >= atLeast {
			return got
		}
		select {
		case <-changed:
		case <-late:
			require.FailNow(tb, "the webhooks did not come", "%d of %d", len(got), atLeast)
		}
	}
}

// bench is a simulator behind HTTP, and everything around it.
type bench struct {
	*gatewaytest.Bench
	simulator *simulator.Simulator
	url       string
}

func start(tb testing.TB) *bench {
	tb.Helper()
	c := &clock{}
	box := &mailbox{changed: make(chan struct{}), got: map[string][]gatewaytest.Delivery{}}
	hooks := httptest.NewServer(box)
	s, err := simulator.New(tb.Context(), simulator.Options{
		Database: "sqlite:" + filepath.Join(tb.TempDir(), "gateway.db"), APIKey: "key", WebhookURL: hooks.URL,
		WebhookSecret: secret, SlowFor: 10 * time.Millisecond, HangFor: 10 * time.Millisecond, Now: c.now,
	})
	require.NoError(tb, err)
	server := httptest.NewServer(s.Handler())
	g := simulator.NewGateway(server.URL, simulator.ClientOptions{
		APIKey: "key", WebhookSecrets: []string{"old", secret}, Timeout: 20 * time.Second, Now: c.now,
	})
	tb.Cleanup(func() {
		g.Close()
		server.Close()
		require.NoError(tb, s.Close(context.Background()))
		hooks.Close()
	})
	return &bench{simulator: s, url: server.URL, Bench: &gatewaytest.Bench{
		Gateway: g, Now: c.now,
		Method: func(fault string) string { return "tok_" + fault },
		Sign: func(at time.Time, body []byte) http.Header {
			return http.Header{"Simulator-Signature": {gateway.Sign(secret, at, body)}}
		},
		Event: []byte(`{"id":"evt_1","kind":"authorized","key":"ord_1/place/authorize","payment":"pay_1",` +
			`"authorization":"auth_1","movement":"mov_1","amount":1000,"currency":"GBP","at_us":1}`),
		Advance:  func(d time.Duration) { c.ahead.Add(int64(d)) },
		Webhooks: box.wait,
		Authenticate: func(tb testing.TB, target string, succeed bool) {
			tb.Helper()
			outcome := map[bool]string{true: "succeed", false: "fail"}[succeed]
			u, err := url.Parse(target)
			require.NoError(tb, err)
			client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			response, err := client.PostForm(server.URL+u.Path, url.Values{"outcome": {outcome}})
			require.NoError(tb, err)
			require.NoError(tb, response.Body.Close())
			client.CloseIdleConnections()
			require.Equal(tb, http.StatusSeeOther, response.StatusCode)
			require.Equal(tb, "https://shop.example/return", response.Header.Get("Location"))
		},
	}}
}

func TestMain(m *testing.M) {
	if runChild() {
		return
	}
	goleak.VerifyTestMain(m)
}

func TestGateway(t *testing.T) {
	gatewaytest.Run(t, gatewaytest.Backend{New: func(tb testing.TB) *gatewaytest.Bench { return start(tb).Bench }})
}

func TestGateway_InProcess(t *testing.T) {
	gatewaytest.Run(t, gatewaytest.Backend{New: func(tb testing.TB) *gatewaytest.Bench {
		b := start(tb)
		b.Gateway = b.simulator.Gateway(simulator.ClientOptions{Timeout: 20 * time.Second})
		return b.Bench
	}})
}

func TestGateway_Resilient(t *testing.T) {
	gatewaytest.Run(t, gatewaytest.Backend{New: func(tb testing.TB) *gatewaytest.Bench {
		b := start(tb)
		b.Gateway = resilient.New(b.Gateway, outbound.New("gateway", outbound.Options{Backoff: time.Millisecond, TryTimeout: 20 * time.Second}))
		return b.Bench
	}})
}
