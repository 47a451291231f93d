package certs_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/certs"
)

func TestAuthority(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	authority, err := certs.NewAuthority("test", time.Hour)
	require.NoError(t, err)
	require.NoError(t, authority.Write(file("ca.pem"), file("ca-key.pem")))
	loaded, err := certs.LoadAuthority(file("ca.pem"), file("ca-key.pem"))
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(authority.Certificate))

	t.Run("files are for their owner alone", func(t *testing.T) {
		for _, name := range []string{"ca.pem", "ca-key.pem"} {
			info, err := os.Stat(file(name))
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		}
	})
	t.Run("an authority that was kept signs for a server and for a service, and not one for the other", func(t *testing.T) {
		server, err := loaded.Issue(certs.Request{Name: "server", Hosts: []string{"shop.test", "::1"}, Life: time.Hour})
		require.NoError(t, err)
		pair, err := tls.X509KeyPair(server.Certificate, server.Key)
		require.NoError(t, err)
		for _, host := range []string{"shop.test", "::1"} {
			_, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host})
			require.NoError(t, err)
		}
		asClient := x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
		_, err = pair.Leaf.Verify(asClient)
		require.Error(t, err)

		id := &url.URL{Scheme: "spiffe", Host: "shop.test", Path: "/orders"}
		service, err := loaded.Issue(certs.Request{Name: "orders", Service: id, Life: time.Hour})
		require.NoError(t, err)
		pair, err = tls.X509KeyPair(service.Certificate, service.Key)
		require.NoError(t, err)
		_, err = pair.Leaf.Verify(asClient)
		require.NoError(t, err)
		require.Equal(t, "spiffe://shop.test/orders", pair.Leaf.URIs[0].String())
		_, err = pair.Leaf.Verify(x509.VerifyOptions{Roots: roots})
		require.Error(t, err)
	})
	t.Run("what is no authority is refused", func(t *testing.T) {
		other, err := certs.NewAuthority("other", time.Hour)
		require.NoError(t, err)
		require.NoError(t, other.Write(file("other.pem"), file("other-key.pem")))
		require.NoError(t, os.WriteFile(file("half.pem"), []byte("half"), 0o600))
		for _, names := range [][2]string{{"ca.pem", "other-key.pem"}, {"half.pem", "ca-key.pem"}, {"ca.pem", "none.pem"}, {"ca-key.pem", "ca.pem"}} {
			_, err := certs.LoadAuthority(file(names[0]), file(names[1]))
			require.Error(t, err, names)
		}
	})
}
