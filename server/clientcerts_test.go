package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	client "github.com/orderprocessing/orderprocessing/clients/go"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/certs"
	"github.com/orderprocessing/orderprocessing/server/config"
)

// whoCalls is a service that remembers who called it.
type whoCalls struct {
	ordersv1connect.UnimplementedOrderServiceHandler
	mu   sync.Mutex
	last auth.Caller
}

func (w *whoCalls) GetOrder(ctx context.Context, _ *ordersv1.GetOrderRequest) (*ordersv1.GetOrderResponse, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = auth.CallerFrom(ctx)
	return &ordersv1.GetOrderResponse{}, nil
}

// pki is a folder of certificates.
type pki struct {
	t         *testing.T
	dir       string
	authority *certs.Authority
}

func newPKI(t *testing.T) *pki {
	t.Helper()
	p := &pki{t: t, dir: t.TempDir()}
	p.authority = p.newAuthority()
	p.write("ca", p.authority.Pair)
	server, err := p.authority.Issue(certs.Request{Name: "server", Hosts: []string{"127.0.0.1"}, Life: time.Hour})
	require.NoError(t, err)
	p.write("server", server)
	return p
}

func (p *pki) newAuthority() *certs.Authority {
	p.t.Helper()
	authority, err := certs.NewAuthority("test", time.Hour)
	require.NoError(p.t, err)
	return authority
}

func (p *pki) file(name string) string { return filepath.Join(p.dir, name) }

func (p *pki) write(name string, pair certs.Pair) {
	p.t.Helper()
	require.NoError(p.t, pair.Write(p.file(name+".pem"), p.file(name+"-key.pem")))
}

// issue makes a certificate of a service and gives the option to call with it.
func (p *pki) issue(authority *certs.Authority, name, id string, life time.Duration) certs.Pair {
	p.t.Helper()
	r := certs.Request{Name: name, Life: life}
	if id != "" {
		u, err := url.Parse(id)
		require.NoError(p.t, err)
		r.Service = u
	}
	pair, err := authority.Issue(r)
	require.NoError(p.t, err)
	p.write(name, pair)
	return pair
}

func (p *pki) settings() config.TLS {
	return config.TLS{
		CertFile: p.file("server.pem"), KeyFile: p.file("server-key.pem"), ClientCAFile: p.file("ca.pem"), ClientAuth: config.ClientAuthRequest,
	}
}

// call opens a new connection and calls.
func (p *pki) call(url, name string) error {
	p.t.Helper()
	c, err := client.New(url, client.WithCertificates(client.Certificates{
		CertFile: p.file(name + ".pem"), KeyFile: p.file(name + "-key.pem"), CAFile: p.file("ca.pem"),
	}), client.WithGRPC(), client.WithTimeout(10*time.Second))
	require.NoError(p.t, err)
	defer c.Close()
	_, err = c.Orders.GetOrder(p.t.Context(), &ordersv1.GetOrderRequest{OrderId: testOrderID})
	return err
}

func TestClientCertificates(t *testing.T) {
	p := newPKI(t)
	orders := &whoCalls{}
	r := start(t, orders, func(process *Process) { process.Config.Server.TLS = p.settings() })
	const id = "spiffe://shop.test/payments"

	t.Run("a service is known by the URI of its certificate", func(t *testing.T) {
		p.issue(p.authority, "good", id, time.Hour)
		require.NoError(t, p.call(r.url, "good"))
		require.Equal(t, auth.Caller{ID: id, Roles: []auth.Role{auth.Service}}, orders.last)
	})
	t.Run("a certificate of another trust domain is told so", func(t *testing.T) {
		p.issue(p.authority, "foreign", "spiffe://other.test/payments", time.Hour)
		require.Equal(t, connect.CodeUnauthenticated, connect.CodeOf(p.call(r.url, "foreign")))
	})
	for name, make := range map[string]func(){
		"expired":                 func() { p.issue(p.authority, "bad", id, -time.Minute) },
		"of an unknown authority": func() { p.issue(p.newAuthority(), "bad", id, time.Hour) },
		"a server's": func() {
			pair, err := p.authority.Issue(certs.Request{Name: "bad", Hosts: []string{"127.0.0.1"}, Life: time.Hour})
			require.NoError(t, err)
			p.write("bad", pair)
		},
	} {
		t.Run("one that is "+name+" gets no connection", func(t *testing.T) {
			make()
			requireNoConnection(t, p.call(r.url, "bad"))
		})
	}
	t.Run("without one there is no connection where one is required, and elsewhere a token is looked at", func(t *testing.T) {
		c, err := client.New(r.url, client.WithTLSConfig(&tls.Config{InsecureSkipVerify: true})) //nolint:gosec // the server's is not what is tested
		require.NoError(t, err)
		defer c.Close()
		_, err = c.Orders.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: testOrderID})
		require.NoError(t, err)
		require.Equal(t, "anyone", orders.last.ID)
		settings := p.settings()
		settings.ClientAuth = config.ClientAuthRequire
		strict := start(t, orders, func(process *Process) { process.Config.Server.TLS = settings })
		require.NoError(t, p.call(strict.url, "good"))
		c, err = client.New(strict.url, client.WithTLSConfig(&tls.Config{InsecureSkipVerify: true})) //nolint:gosec // as above
		require.NoError(t, err)
		defer c.Close()
		_, err = c.Orders.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: testOrderID})
		requireNoConnection(t, err)
		require.NotEqual(t, "anyone", orders.last.ID, "the call came through")
	})
	t.Run("TLS 1.2 is refused", func(t *testing.T) {
		pair, err := tls.LoadX509KeyPair(p.file("good.pem"), p.file("good-key.pem"))
		require.NoError(t, err)
		old := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}} //nolint:gosec // to see it refused
		_, err = tls.Dial("tcp", r.url[len("https://"):], old)
		require.ErrorContains(t, err, "protocol version")
	})
}

func TestClientCertificates_Reload(t *testing.T) {
	// handshake tells whether a certificate is taken by the settings as they are now.
	handshake := func(t *testing.T, server *tls.Config, p *pki, name string) error {
		t.Helper()
		pair, err := tls.LoadX509KeyPair(p.file(name+".pem"), p.file(name+"-key.pem"))
		require.NoError(t, err)
		listener, err := tls.Listen("tcp", "127.0.0.1:0", server)
		require.NoError(t, err)
		defer listener.Close()
		result := make(chan error, 1)
		go func() {
			conn, err := listener.Accept()
			if err == nil {
				err = conn.(*tls.Conn).HandshakeContext(t.Context())
				conn.Close()
			}
			result <- err
		}()
		conn, err := tls.Dial("tcp", listener.Addr().String(), &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{pair}}) //nolint:gosec // as above
		if err == nil {
			conn.Close()
		}
		return <-result
	}
	p := newPKI(t)
	const id = "spiffe://shop.test/payments"
	one, _ := p.issue(p.authority, "one", id, time.Hour), p.issue(p.authority, "two", id, time.Hour)
	empty, err := p.authority.Revoke(time.Hour)
	require.NoError(t, err)
	settings := p.settings()
	settings.CRLFile = p.file("crl.pem")
	require.NoError(t, os.WriteFile(settings.CRLFile, empty, 0o600))
	now, logs := time.Now(), &lines{}
	server, err := newTLSConfig(settings, logs.logger(), func() time.Time { return now })
	require.NoError(t, err)
	// changed writes a file, and lets the time pass until it is looked at.
	changed := func(t *testing.T, name string, content []byte) {
		t.Helper()
		now = now.Add(fileCheckEvery)
		require.NoError(t, os.WriteFile(name, content, 0o600))
		require.NoError(t, os.Chtimes(name, now, now))
	}
	require.NoError(t, handshake(t, server, p, "one"))

	t.Run("what is revoked is refused, without a restart, and nothing else", func(t *testing.T) {
		list, err := p.authority.Revoke(time.Hour, one)
		require.NoError(t, err)
		changed(t, settings.CRLFile, list)
		require.ErrorIs(t, handshake(t, server, p, "one"), errRevoked)
		require.NoError(t, handshake(t, server, p, "two"))
	})
	t.Run("a list that another has signed, or a broken one, changes nothing", func(t *testing.T) {
		foreign, err := p.newAuthority().Revoke(time.Hour)
		require.NoError(t, err)
		for _, content := range [][]byte{foreign, []byte("half"), nil} {
			changed(t, settings.CRLFile, content)
			require.ErrorIs(t, handshake(t, server, p, "one"), errRevoked)
			require.NoError(t, handshake(t, server, p, "two"))
		}
		require.Contains(t, logs.String(), "not reloaded")
	})
	t.Run("another authority is taken up", func(t *testing.T) {
		next := p.newAuthority()
		p.issue(next, "three", id, time.Hour)
		require.Error(t, handshake(t, server, p, "three"))
		list, err := next.Revoke(-time.Minute)
		require.NoError(t, err)
		changed(t, settings.CRLFile, list)
		changed(t, settings.ClientCAFile, next.Certificate)
		require.NoError(t, handshake(t, server, p, "three"))
		require.Error(t, handshake(t, server, p, "two"))
		require.Contains(t, logs.String(), "out of date")
	})
	t.Run("there must be authorities to start with", func(t *testing.T) {
		for _, content := range []string{"", "half", string(p.authority.Key)} {
			require.NoError(t, os.WriteFile(settings.ClientCAFile, []byte(content), 0o600))
			_, err := newTLSConfig(settings, logs.logger(), time.Now)
			require.Error(t, err)
		}
	})
}

// lines collects what is logged.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// requireNoConnection wants a call that TLS has refused. Whether the caller reads that, or finds the
// connection closed while it writes, differs from time to time.
func requireNoConnection(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	require.False(t, connect.IsWireError(err), "the server has answered: %v", err)
	require.Contains(t, []connect.Code{connect.CodeUnavailable, connect.CodeCanceled}, connect.CodeOf(err), "%v", err)
}
