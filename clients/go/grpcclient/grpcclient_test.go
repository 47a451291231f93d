package grpcclient

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/orderprocessing/orderprocessing/clients/go/internal/retry"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func dial(t *testing.T, target string, opts ...Option) ordersv1.OrderServiceClient {
	t.Helper()
	conn, err := New(target, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return ordersv1.NewOrderServiceClient(conn)
}

func refused(code codes.Code, after time.Duration) error {
	s := status.New(code, "no")
	if after >= 0 {
		s, _ = s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(after)})
	}
	return s.Err()
}

func TestAgain(t *testing.T) {
	for _, tt := range []struct {
		name  string
		err   error
		after time.Duration // at least before the next try
		again bool
	}{
		{"what is away may be back", refused(codes.Unavailable, -1), 0, true},
		{"what is away may say when it is back", refused(codes.Unavailable, 2*time.Second), 2 * time.Second, true},
		{"a limit that says when", refused(codes.ResourceExhausted, 3*time.Second), 3 * time.Second, true},
		{"a request that is too large", refused(codes.ResourceExhausted, -1), 0, false},
		{"a pause that is too long", refused(codes.ResourceExhausted, time.Hour), 0, false},
		{"a pause past the deadline", refused(codes.ResourceExhausted, 20*time.Second), 0, false},
		{"a mistake", refused(codes.InvalidArgument, -1), 0, false},
		{"a conflict", refused(codes.Aborted, 0), 0, false},
		{"what may have happened", refused(codes.DeadlineExceeded, -1), 0, false},
		{"what is no status", errors.New("broken"), 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			attempt := &tries{ctx: ctx, budget: retry.NewBudget()}
			require.Equal(t, tt.again, attempt.again(tt.err))
			if tt.again {
				require.GreaterOrEqual(t, attempt.delay, tt.after)
				require.LessOrEqual(t, attempt.delay, tt.after+50*time.Millisecond)
			}
		})
	}
	t.Run("five tries are all", func(t *testing.T) {
		attempt := &tries{ctx: t.Context(), budget: retry.NewBudget()}
		for range 4 {
			require.True(t, attempt.again(refused(codes.Unavailable, -1)))
		}
		require.False(t, attempt.again(refused(codes.Unavailable, -1)))
	})
	t.Run("retries stay under a tenth of the calls and ten", func(t *testing.T) {
		r, sent := newRetries(), 0
		next := func(_ context.Context, _ string, _, _ any, _ *grpc.ClientConn, _ ...grpc.CallOption) error {
			attempt := &tries{ctx: t.Context(), budget: r.budget}
			for sent++; attempt.again(refused(codes.Unavailable, -1)); sent++ {
			}
			return refused(codes.Unavailable, -1)
		}
		for range 1000 {
			require.Error(t, r.unary(t.Context(), "/orders.v1.OrderService/GetOrder", nil, nil, nil, next))
		}
		require.InDelta(t, 1110, sent, 2)
	})
	t.Run("only what the contract calls idempotent", func(t *testing.T) {
		require.True(t, idempotent("/orders.v1.OrderService/GetOrder"))
		require.True(t, idempotent("/orders.v1.OrderService/CreateOrder"))
		require.False(t, idempotent("/orders.v1.OrderService"))
		require.False(t, idempotent("/of.another.Service/Call"))
	})
}

// identity makes a certificate that signs itself, for both ends.
func identity(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

type named struct {
	ordersv1connect.UnimplementedOrderServiceHandler
}

func (named) GetOrder(ctx context.Context, _ *ordersv1.GetOrderRequest) (*ordersv1.GetOrderResponse, error) {
	info, _ := connect.CallInfoForHandlerContext(ctx)
	return &ordersv1.GetOrderResponse{Order: &ordersv1.Order{Note: info.RequestHeader().Get("Authorization")}}, nil
}

func TestMutualTLS(t *testing.T) {
	own := identity(t)
	pool := x509.NewCertPool()
	pool.AddCert(own.Leaf)
	mux := http.NewServeMux()
	mux.Handle(ordersv1connect.NewOrderServiceHandler(named{}))
	server := httptest.NewUnstartedServer(mux)
	server.EnableHTTP2 = true
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	server.TLS = &tls.Config{
		Certificates: []tls.Certificate{own}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13,
	}
	server.StartTLS()
	defer server.Close()
	target := strings.TrimPrefix(server.URL, "https://")

	t.Run("a client with a certificate is let in, with its token", func(t *testing.T) {
		client := dial(t, target, WithToken("t"), WithTLSConfig(&tls.Config{RootCAs: pool, Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS13}))
		res, err := client.GetOrder(t.Context(), &ordersv1.GetOrderRequest{})
		require.NoError(t, err)
		require.Equal(t, "Bearer t", res.GetOrder().GetNote())
	})
	t.Run("one without is not", func(t *testing.T) {
		client := dial(t, target, WithTLSConfig(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}))
		_, err := client.GetOrder(t.Context(), &ordersv1.GetOrderRequest{})
		require.Equal(t, codes.Unavailable, status.Code(err))
	})
	t.Run("a server that is not known is not spoken to", func(t *testing.T) {
		client := dial(t, target, WithTLSConfig(&tls.Config{RootCAs: x509.NewCertPool(), Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS13}))
		_, err := client.GetOrder(t.Context(), &ordersv1.GetOrderRequest{})
		require.Equal(t, codes.Unavailable, status.Code(err))
	})
}

func TestNew(t *testing.T) {
	for name, build := range map[string]func() error{
		"a timeout of nothing": func() error { _, err := New("127.0.0.1:1", WithTimeout(0)); return err },
		"no target":            func() error { _, err := New("\x00"); return err },
		"a registry that has one already": func() error {
			registry := prometheus.NewRegistry()
			conn, err := New("127.0.0.1:1", WithMetrics(registry))
			require.NoError(t, err)
			require.NoError(t, conn.Close())
			_, err = New("127.0.0.1:1", WithMetrics(registry))
			return err
		},
	} {
		t.Run(name+" is refused", func(t *testing.T) { require.Error(t, build()) })
	}
}
