package main_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	client "github.com/orderprocessing/orderprocessing/clients/go"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

func TestCertsDev(t *testing.T) {
	s := newSite(t)
	dir := filepath.Join(s.dir, "certs")
	file := func(name string) string { return filepath.Join(dir, name) }
	s.do(t, "certs", "dev", "--dir", dir)
	authority, err := os.ReadFile(file("ca.pem"))
	require.NoError(t, err)

	t.Run("another service is added to the same authority", func(t *testing.T) {
		require.Contains(t, s.do(t, "certs", "dev", "--dir", dir, "--service", "orders"), file("orders.pem"))
		again, err := os.ReadFile(file("ca.pem"))
		require.NoError(t, err)
		require.Equal(t, authority, again)
	})
	t.Run("a service that would overwrite another file is refused", func(t *testing.T) {
		for _, name := range []string{"ca", "server", "../x", "."} {
			require.Equal(t, 1, s.run(t, "certs", "dev", "--dir", dir, "--service", name).code, name)
		}
	})
	t.Run("a server and a client speak with them", func(t *testing.T) {
		srv := s.serve(t, "--server.tls.cert_file", file("server.pem"), "--server.tls.key_file", file("server-key.pem"),
			"--server.tls.client_ca_file", file("ca.pem"), "--server.tls.client_auth", "require")
		c, err := client.New("https"+srv.url[len("http"):], client.WithCertificates(client.Certificates{
			CertFile: file("orders.pem"), KeyFile: file("orders-key.pem"), CAFile: file("ca.pem"),
		}))
		require.NoError(t, err)
		defer c.Close()
		_, err = c.Orders.ListOrders(t.Context(), &ordersv1.ListOrdersRequest{})
		require.NoError(t, err)
	})
}
