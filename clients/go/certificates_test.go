package client

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/certs"
)

func TestWithCertificates(t *testing.T) {
	dir := t.TempDir()
	files := Certificates{CertFile: filepath.Join(dir, "c.pem"), KeyFile: filepath.Join(dir, "k.pem"), CAFile: filepath.Join(dir, "ca.pem")}
	authority, err := certs.NewAuthority("test", time.Hour)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(files.CAFile, authority.Certificate, 0o600))
	issue := func(name string) {
		pair, err := authority.Issue(certs.Request{Name: name, Service: &url.URL{Scheme: "spiffe", Host: "shop.test", Path: "/" + name}, Life: time.Hour})
		require.NoError(t, err)
		require.NoError(t, pair.Write(files.CertFile, files.KeyFile))
	}
	issue("one")

	var mu sync.Mutex
	var callers []string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		callers = append(callers, r.TLS.PeerCertificates[0].Subject.CommonName)
		mu.Unlock()
		new(shop).handler().ServeHTTP(w, r)
	}))
	own, err := authority.Issue(certs.Request{Name: "server", Hosts: []string{"127.0.0.1"}, Life: time.Hour})
	require.NoError(t, err)
	pair, err := tls.X509KeyPair(own.Certificate, own.Key)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority.Certificate)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13}
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	last := func() string {
		mu.Lock()
		defer mu.Unlock()
		return callers[len(callers)-1]
	}

	c := dial(t, server.URL, WithCertificates(files))
	t.Run("the certificate is shown, by unary calls and streams", func(t *testing.T) {
		useAll(t, c)
		require.Equal(t, "one", last())
	})
	t.Run("one that was renewed is shown on the next connection", func(t *testing.T) {
		issue("two")
		c.Close()
		useAll(t, c)
		require.Equal(t, "two", last())
	})
	t.Run("while the files are broken the one before stays in use", func(t *testing.T) {
		require.NoError(t, os.WriteFile(files.KeyFile, []byte("half"), 0o600))
		c.Close()
		useAll(t, c)
		require.Equal(t, "two", last())
		_, err := New(server.URL, WithCertificates(files))
		require.ErrorContains(t, err, "client certificate")
	})
	t.Run("it goes with https:// and no other setting of TLS", func(t *testing.T) {
		_, err := New("http://shop", WithCertificates(files))
		require.ErrorContains(t, err, "https://")
		_, err = New("https://shop", WithCertificates(files), WithTLSConfig(&tls.Config{MinVersion: tls.VersionTLS13}))
		require.ErrorContains(t, err, "exclude")
		_, err = New("https://shop", WithCertificates(files), WithHTTPClient(http.DefaultClient))
		require.ErrorContains(t, err, "WithHTTPClient")
	})
}
