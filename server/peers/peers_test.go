package peers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	inventoryv1 "github.com/orderprocessing/orderprocessing/gen/inventory/v1"
	"github.com/orderprocessing/orderprocessing/server/certs"
	"github.com/orderprocessing/orderprocessing/server/discovery"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/outbound"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shelves is an inventory that answers as it is told.
type shelves struct {
	inventoryv1.UnimplementedInventoryServiceServer
	hold   func(context.Context, *inventoryv1.HoldStockRequest) (*inventoryv1.HoldStockResponse, error)
	commit *inventoryv1.CommitStockRequest // the last
}

func (s *shelves) HoldStock(ctx context.Context, req *inventoryv1.HoldStockRequest) (*inventoryv1.HoldStockResponse, error) {
	return s.hold(ctx, req)
}

func (s *shelves) CommitStock(_ context.Context, req *inventoryv1.CommitStockRequest) (*inventoryv1.CommitStockResponse, error) {
	s.commit = req
	return &inventoryv1.CommitStockResponse{}, nil
}

// newStock gives an inventory behind mTLS, and a Stock that calls it.
func newStock(t *testing.T, timeout time.Duration) (*shelves, *Stock) {
	t.Helper()
	s := &shelves{}
	return s, NewStock(newPeer(t, timeout, func(server *grpc.Server) { inventoryv1.RegisterInventoryServiceServer(server, s) }))
}

// newPeer serves behind mTLS, and connects to it.
func newPeer(t *testing.T, timeout time.Duration, register func(*grpc.Server)) *Peer {
	t.Helper()
	authority, err := certs.NewAuthority("test", time.Hour)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(authority.Certificate))
	issue := func(r certs.Request) []tls.Certificate {
		r.Life = time.Hour
		pair, err := authority.Issue(r)
		require.NoError(t, err)
		certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
		require.NoError(t, err)
		return []tls.Certificate{certificate}
	}
	own := issue(certs.Request{Service: &url.URL{Scheme: "spiffe", Host: "test", Path: "/orders"}})
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(&tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: issue(certs.Request{Hosts: []string{"127.0.0.1"}}),
		ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
	})))
	register(server)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(l) // until it is stopped
	}()
	t.Cleanup(func() {
		server.Stop()
		<-ended
	})
	p, err := Dial(Options{
		Resolver: discovery.Fixed{"other": {l.Addr().String()}},
		TLS: func() *tls.Config {
			return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: own, RootCAs: pool}
		},
		Logger: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(),
	}, "other", "", timeout)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

func failed(code codes.Code, details ...protoadapt.MessageV1) error {
	s := status.New(code, "no")
	if len(details) > 0 {
		s, _ = s.WithDetails(details...)
	}
	return s.Err()
}

func TestStock(t *testing.T) {
	orderID := order.NewID(time.Now(), "cus_1", "")
	demands := []stock.Demand{{SKU: "A", Quantity: 2}}
	t.Run("what is held comes back as it is", func(t *testing.T) {
		s, remote := newStock(t, 10*time.Second)
		expires := time.Now().UTC().Truncate(time.Microsecond)
		s.hold = func(_ context.Context, req *inventoryv1.HoldStockRequest) (*inventoryv1.HoldStockResponse, error) {
			return &inventoryv1.HoldStockResponse{Holds: []*inventoryv1.Hold{{
				OrderId: req.GetOrderId(), Sku: req.GetDemands()[0].GetSku(), Quantity: req.GetDemands()[0].GetQuantity(),
				State: inventoryv1.HoldState(stock.Unavailable), ExpireTime: req.GetExpireTime(),
			}}}, nil
		}
		holds, err := remote.Hold(t.Context(), orderID, demands, expires)
		require.NoError(t, err)
		require.Equal(t, []stock.Hold{{OrderID: orderID, SKU: "A", Quantity: 2, State: stock.Unavailable, Expires: expires}}, holds)
		holds, err = remote.Hold(t.Context(), orderID, demands, time.Time{})
		require.NoError(t, err)
		require.Zero(t, holds[0].Expires, "a hold that stays")
	})
	t.Run("the request id is carried", func(t *testing.T) {
		s, remote := newStock(t, 10*time.Second)
		_, err := remote.Commit(t.Context(), orderID, demands, "ship/shp_1")
		require.NoError(t, err)
		require.Equal(t, "ship/shp_1", s.commit.GetRequestId())
	})
	info := &errdetails.ErrorInfo{Reason: "STOCK_NOT_HELD", Domain: "orderprocessing"}
	for name, tt := range map[string]struct {
		err    error
		kind   fault.Kind
		reason fault.Reason
		after  time.Duration
		health outbound.Health
	}{
		"a decision keeps its kind and reason": {failed(codes.FailedPrecondition, info), fault.KindPrecondition, "STOCK_NOT_HELD", 0, outbound.Answered},
		"a conflict":                           {failed(codes.Aborted, info), fault.KindConflict, "STOCK_NOT_HELD", 0, outbound.Answered},
		"a limit says when to come back": {
			failed(codes.ResourceExhausted, info, &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Minute)}),
			fault.KindExhausted, "STOCK_NOT_HELD", time.Minute, outbound.Answered,
		},
		"no answer is a dependency that is down":          {failed(codes.DeadlineExceeded), fault.KindUnavailable, fault.ReasonDependencyDown, 0, outbound.Failed},
		"a mistake of theirs is no fault of the caller":   {failed(codes.Internal, info), fault.KindInternal, "", 0, outbound.Failed},
		"that we may not call is not that the caller may": {failed(codes.PermissionDenied, info), fault.KindInternal, "", 0, outbound.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			s, remote := newStock(t, 10*time.Second)
			s.hold = func(context.Context, *inventoryv1.HoldStockRequest) (*inventoryv1.HoldStockResponse, error) {
				return nil, tt.err
			}
			_, err := remote.Hold(t.Context(), orderID, demands, time.Time{})
			require.Error(t, err)
			require.Equal(t, tt.kind, fault.KindOf(err))
			require.Equal(t, tt.reason, fault.ReasonOf(err))
			if tt.after > 0 {
				require.Equal(t, tt.after, fault.From(err).RetryAfter)
			}
			require.Equal(t, tt.health, classify(err).Health)
		})
	}
	t.Run("what passes is tried again", func(t *testing.T) {
		s, remote := newStock(t, 10*time.Second)
		tries := 0
		s.hold = func(context.Context, *inventoryv1.HoldStockRequest) (*inventoryv1.HoldStockResponse, error) {
			if tries++; tries < 3 {
				return nil, failed(codes.Unavailable)
			}
			return &inventoryv1.HoldStockResponse{}, nil
		}
		_, err := remote.Hold(t.Context(), orderID, demands, time.Time{})
		require.NoError(t, err)
		require.Equal(t, 3, tries)
	})
	t.Run("an inventory that fails is left alone", func(t *testing.T) {
		s, remote := newStock(t, 10*time.Second)
		s.hold = func(context.Context, *inventoryv1.HoldStockRequest) (*inventoryv1.HoldStockResponse, error) {
			return nil, failed(codes.Internal)
		}
		for range 20 {
			_, err := remote.Hold(t.Context(), orderID, demands, time.Time{})
			require.Equal(t, fault.KindInternal, fault.KindOf(err))
		}
		_, err := remote.Hold(t.Context(), orderID, demands, time.Time{})
		require.Equal(t, fault.ReasonDependencyDown, fault.ReasonOf(err))
	})
	t.Run("the caller's deadline ends a call", func(t *testing.T) {
		s, remote := newStock(t, 10*time.Second)
		s.hold = func(ctx context.Context, _ *inventoryv1.HoldStockRequest) (*inventoryv1.HoldStockResponse, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := remote.Hold(ctx, orderID, demands, time.Time{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestDial(t *testing.T) {
	t.Run("replicas are looked for before the first call", func(t *testing.T) {
		asked := make(resolver, 1)
		p, err := Dial(Options{
			Resolver: asked, TLS: func() *tls.Config { return &tls.Config{MinVersion: tls.VersionTLS13} },
			Logger: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(),
		}, "inventory", "inventory.v1.InventoryService", time.Second)
		require.NoError(t, err)
		defer func() { require.NoError(t, p.Close()) }()
		select {
		case service := <-asked:
			require.Equal(t, "inventory", service)
		case <-time.After(10 * time.Second):
			require.FailNow(t, "nobody has asked")
		}
	})
}

// resolver tells for which service it is asked, and knows none.
type resolver chan string

func (r resolver) Watch(ctx context.Context, service string, _ func([]string, error)) {
	r <- service
	<-ctx.Done()
}
