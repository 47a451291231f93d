package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/server/config"
)

// writeCertificate makes a certificate for loopback, good for a day.
func writeCertificate(t *testing.T, files config.TLS, name string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(24 * time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(files.CertFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(files.KeyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600))
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return certificate
}

func tlsFiles(t *testing.T) config.TLS {
	dir := t.TempDir()
	return config.TLS{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
}

func TestTLS(t *testing.T) {
	t.Run("gRPC and Connect are served over TLS, HTTP/2 and HTTP/1.1", func(t *testing.T) {
		files := tlsFiles(t)
		pool := x509.NewCertPool()
		pool.AddCert(writeCertificate(t, files, "one"))
		orders := newSlowOrders()
		close(orders.release)
		r := start(t, orders, func(p *Process) { p.Config.Server.TLS = files })
		for _, http2 := range []bool{true, false} {
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: http2}
			defer transport.CloseIdleConnections()
			options := []connect.ClientOption{}
			if http2 {
				options = append(options, connect.WithGRPC())
			}
			_, err := ordersv1connect.NewOrderServiceClient(&http.Client{Transport: transport}, r.url, options...).GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: testOrderID})
			require.NoError(t, err)
		}
		old := &tls.Config{RootCAs: pool, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10} //nolint:gosec // to see it refused
		_, err := tls.Dial("tcp", strings.TrimPrefix(r.url, "https://"), old)                         //nolint:noctx // loopback
		require.Error(t, err)
	})
	t.Run("a certificate that changes is taken up, and a broken one is not", func(t *testing.T) {
		files := tlsFiles(t)
		now := time.Now()
		first := writeCertificate(t, files, "first")
		tlsConfig, err := newTLSConfig(files, slog.New(slog.DiscardHandler), func() time.Time { return now })
		require.NoError(t, err)
		served := func() string {
			now = now.Add(fileCheckEvery)
			pair, err := tlsConfig.GetCertificate(nil)
			require.NoError(t, err)
			return pair.Leaf.Subject.CommonName
		}
		require.Equal(t, first.Subject.CommonName, served())
		writeCertificate(t, files, "second")
		require.NoError(t, os.Chtimes(files.CertFile, now, now))
		require.Equal(t, "second", served())
		require.NoError(t, os.WriteFile(files.CertFile, []byte("half"), 0o600))
		require.Equal(t, "second", served())
		require.NoError(t, os.Remove(files.KeyFile))
		require.Equal(t, "second", served())
		writeCertificate(t, files, "third")
		require.Equal(t, "third", served())
	})
	t.Run("there must be a certificate to start with", func(t *testing.T) {
		_, err := newTLSConfig(tlsFiles(t), slog.New(slog.DiscardHandler), time.Now)
		require.Error(t, err)
	})
}
