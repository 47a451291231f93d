package servertest

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server"
	"github.com/orderprocessing/orderprocessing/server/certs"
	"github.com/orderprocessing/orderprocessing/server/config"
)

// Parts is every service on a server of its own, which call each other over mTLS and share their
// databases. Its Server is a proxy in front of them.
type Parts struct {
	*Server
	Of map[string]*Server // by service

	ports map[string]int
	files Certificates
}

// Certificates are files of an authority and of what it has signed.
type Certificates struct {
	dir  string
	pool *x509.CertPool
}

// NewCertificates makes an authority, a certificate of a server on this machine, and one of each service.
func NewCertificates(tb testing.TB, services ...string) Certificates {
	tb.Helper()
	c := Certificates{dir: tb.TempDir(), pool: x509.NewCertPool()}
	authority, err := certs.NewAuthority("test", time.Hour)
	require.NoError(tb, err)
	require.True(tb, c.pool.AppendCertsFromPEM(authority.Certificate))
	require.NoError(tb, authority.Write(c.File("ca")))
	issue := func(name string, r certs.Request) {
		r.Name, r.Life = name, time.Hour
		pair, err := authority.Issue(r)
		require.NoError(tb, err)
		require.NoError(tb, pair.Write(c.File(name)))
	}
	issue("server", certs.Request{Hosts: []string{"127.0.0.1", "localhost"}})
	for _, service := range services {
		issue(service, certs.Request{Service: &url.URL{Scheme: "spiffe", Host: config.Default().Server.TLS.TrustDomain, Path: "/" + service}})
	}
	return c
}

// File names the files of a certificate and of its key: ca, server or a service.
func (c Certificates) File(name string) (certificate, key string) {
	return filepath.Join(c.dir, name+".pem"), filepath.Join(c.dir, name+"-key.pem")
}

// Serve makes a configuration serve with these certificates, and call its peers as a service.
func (c Certificates) Serve(cfg *config.Config, service string) {
	cfg.Server.TLS.CertFile, cfg.Server.TLS.KeyFile = c.File("server")
	cfg.Server.TLS.ClientCAFile, _ = c.File("ca")
	cfg.Peers.CertFile, cfg.Peers.KeyFile = c.File(service)
	cfg.Peers.CAFile, _ = c.File("ca")
}

// StartParts serves until the test ends. change may adjust the settings of each part.
func StartParts(tb testing.TB, change ...func(*config.Config)) *Parts {
	tb.Helper()
	services := config.Default().Services
	known, dir := new(sync.Map), tb.TempDir()
	p := &Parts{Of: map[string]*Server{}, ports: map[string]int{}, files: NewCertificates(tb, services...)}
	for _, service := range services {
		p.ports[service] = FreePort(tb)
	}
	at := func(service string) []string { return []string{"127.0.0.1:" + strconv.Itoa(p.ports[service])} }
	// Orders come last, so that they end first: they call the others.
	for i := len(services) - 1; i >= 0; i-- {
		service := services[i]
		own := func(cfg *config.Config) {
			cfg.Services, cfg.Data.Dir, cfg.Server.Port = []string{service}, dir, p.ports[service]
			cfg.Peers.Orders, cfg.Peers.Inventory, cfg.Peers.Payments = at("orders"), at("inventory"), at("payments")
			p.files.Serve(cfg, service)
		}
		p.Of[service] = start(tb, known, server.Options{}, append([]func(*config.Config){own}, change...)...)
	}
	callers := newCallers(known)
	tb.Cleanup(callers.transport.CloseIdleConnections)
	front := httptest.NewUnstartedServer(NewFront(tb, p.files, func(service string) string { return at(service)[0] }))
	front.Config.Protocols = new(http.Protocols)
	front.Config.Protocols.SetHTTP1(true)
	front.Config.Protocols.SetUnencryptedHTTP2(true)
	front.Start()
	tb.Cleanup(front.Close)
	p.Server = &Server{Config: p.Of[config.ServiceOrders].Config, URL: front.URL, Logs: &Logs{}, callers: callers}
	p.Clients = p.As(everything)
	return p
}

// NewFront gives a proxy that sends each call to the part that serves it, at host:port, and webhooks to
// payments.
func NewFront(tb testing.TB, files Certificates, at func(service string) string) http.Handler {
	tb.Helper()
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	transport := &http.Transport{
		Protocols: protocols, TLSClientConfig: &tls.Config{RootCAs: files.pool, MinVersion: tls.VersionTLS13, ServerName: "localhost"},
	}
	tb.Cleanup(transport.CloseIdleConnections)
	return &httputil.ReverseProxy{
		Transport: transport, FlushInterval: -1, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), // of parts that are killed
		Rewrite: func(r *httputil.ProxyRequest) {
			service, _, isCall := strings.Cut(strings.TrimPrefix(r.In.URL.Path, "/"), ".")
			if !isCall {
				service = config.ServicePayments
			}
			r.Out.URL.Scheme, r.Out.URL.Host = "https", at(service)
		},
	}
}

// FreePort gives a port of this machine that nobody has just now.
func FreePort(tb testing.TB) int {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
