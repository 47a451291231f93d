package client

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	inventoryv1 "github.com/orderprocessing/orderprocessing/gen/inventory/v1"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

func TestNew(t *testing.T) {
	for name, url := range map[string]string{
		"empty":          "",
		"no scheme":      "127.0.0.1:8080",
		"another scheme": "ftp://shop",
		"no host":        "http://",
		"only a port":    "http://:8080",
		"credentials":    "http://me:secret@shop",
		"a query":        "http://shop?x=1",
		"a fragment":     "http://shop#x",
		"not a URL":      "http://shop\x00",
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			_, err := New(url)
			require.ErrorContains(t, err, "base URL")
		})
	}
	t.Run("TLS settings without TLS are refused", func(t *testing.T) {
		_, err := New("http://shop", WithTLSConfig(&tls.Config{}))
		require.ErrorContains(t, err, "https://")
	})
	t.Run("TLS settings for a client that has its own are refused", func(t *testing.T) {
		_, err := New("https://shop", WithTLSConfig(&tls.Config{}), WithHTTPClient(http.DefaultClient))
		require.ErrorContains(t, err, "WithHTTPClient")
	})
}

func TestClient_Protocols(t *testing.T) {
	for name, opts := range map[string][]Option{
		"Connect":  nil,
		"gRPC":     {WithGRPC()},
		"gRPC-Web": {WithGRPCWeb()},
	} {
		t.Run(name+" serves unary calls and streams in both directions without TLS", func(t *testing.T) {
			useAll(t, dial(t, open(t, new(shop).handler()), opts...))
		})
	}
	t.Run("a path in the base URL is kept", func(t *testing.T) {
		mux := http.NewServeMux()
		mux.Handle("/api/", http.StripPrefix("/api", new(shop).handler()))
		useAll(t, dial(t, open(t, mux)+"/api/"))
	})
	t.Run("TLS speaks HTTP/2 to a server whose authority is trusted", func(t *testing.T) {
		server := httptest.NewUnstartedServer(new(shop).handler())
		server.EnableHTTP2 = true
		server.StartTLS()
		t.Cleanup(server.Close)
		roots := x509.NewCertPool()
		roots.AddCert(server.Certificate())
		useAll(t, dial(t, server.URL, WithTLSConfig(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13})))
	})
	t.Run("a redirect is not followed", func(t *testing.T) {
		var followed bool
		mux := http.NewServeMux()
		mux.Handle("/", http.RedirectHandler("/elsewhere/", http.StatusTemporaryRedirect))
		mux.HandleFunc("/elsewhere/", func(http.ResponseWriter, *http.Request) { followed = true })
		_, err := dial(t, open(t, mux), WithToken("secret")).Orders.CreateOrder(t.Context(), order())
		require.Error(t, err)
		require.False(t, followed)
	})
}

func useAll(t *testing.T, c *Client) {
	t.Helper()
	_, err := c.Orders.CreateOrder(t.Context(), order())
	require.NoError(t, err)
	_, err = c.Shipments.PackShipment(t.Context(), &ordersv1.PackShipmentRequest{})
	require.Equal(t, connect.CodeUnimplemented, connect.CodeOf(err))
	_, err = c.Returns.GetReturn(t.Context(), &ordersv1.GetReturnRequest{})
	require.Equal(t, connect.CodeUnimplemented, connect.CodeOf(err))
	_, err = c.Inventory.GetStock(t.Context(), &inventoryv1.GetStockRequest{})
	require.Equal(t, connect.CodeUnimplemented, connect.CodeOf(err))

	stream, err := c.Orders.ImportOrders(t.Context())
	require.NoError(t, err)
	for range 3 { // an answer to each before the next: only HTTP/2 can
		require.NoError(t, stream.Send(&ordersv1.ImportOrdersRequest{}))
		_, err = stream.Receive()
		require.NoError(t, err)
	}
	require.NoError(t, stream.CloseRequest())
	require.NoError(t, stream.CloseResponse())
}

func TestClient_Token(t *testing.T) {
	t.Run("it goes with unary calls and streams", func(t *testing.T) {
		s := new(shop)
		useAll(t, dial(t, open(t, s.handler()), WithToken("abc")))
		require.Len(t, s.headers, 2)
		for _, header := range s.headers {
			require.Equal(t, []string{"Bearer abc"}, header.Values("Authorization"))
		}
	})
	t.Run("the caller's own header wins", func(t *testing.T) {
		s := new(shop)
		ctx, info := connect.NewClientContext(t.Context())
		info.RequestHeader().Set("Authorization", "Bearer mine")
		_, err := dial(t, open(t, s.handler()), WithToken("abc")).Orders.CreateOrder(ctx, order())
		require.NoError(t, err)
		require.Equal(t, []string{"Bearer mine"}, s.headers[0].Values("Authorization"))
	})
}

func TestClient_RequestID(t *testing.T) {
	t.Run("an empty one is filled, another one each call, and the message stays as it was", func(t *testing.T) {
		s := new(shop)
		c := dial(t, open(t, s.handler()))
		template := order()
		for range 2 {
			_, err := c.Orders.CreateOrder(t.Context(), template)
			require.NoError(t, err)
		}
		require.Empty(t, template.GetRequestId())
		require.Len(t, s.ids(), 2)
		require.NotEqual(t, s.ids()[0], s.ids()[1])
		require.Len(t, s.ids()[0], 36)
		require.Equal(t, "cus_1", s.creates[0].GetOrder().GetCustomerId())
	})
	t.Run("the caller's own is kept", func(t *testing.T) {
		s := new(shop)
		req := order()
		req.RequestId = "mine"
		_, err := dial(t, open(t, s.handler())).Orders.CreateOrder(t.Context(), req)
		require.NoError(t, err)
		require.Equal(t, []string{"mine"}, s.ids())
	})
	t.Run("the caller's own header is not contradicted", func(t *testing.T) {
		s := new(shop)
		ctx, info := connect.NewClientContext(t.Context())
		info.RequestHeader().Set("Idempotency-Key", "mine")
		_, err := dial(t, open(t, s.handler())).Orders.CreateOrder(ctx, order())
		require.NoError(t, err)
		require.Equal(t, []string{""}, s.ids())
	})
	t.Run("one message may be used by many calls at once", func(t *testing.T) {
		s := new(shop)
		c := dial(t, open(t, s.handler()))
		template := order()
		var calls sync.WaitGroup
		for range 32 {
			calls.Go(func() { _, _ = c.Orders.CreateOrder(t.Context(), template) })
		}
		calls.Wait()
		seen := map[string]bool{}
		for _, id := range s.ids() {
			seen[id] = true
		}
		require.Len(t, seen, 32)
	})
}
