package discovery_test

import (
	"context"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/orderprocessing/orderprocessing/server/discovery"
)

// replica is a server that counts its calls, and may fail them all.
type replica struct {
	healthv1.UnimplementedHealthServer
	failing bool
	calls   atomic.Int64
}

func (r *replica) Check(context.Context, *healthv1.HealthCheckRequest) (*healthv1.HealthCheckResponse, error) {
	r.calls.Add(1)
	if r.failing {
		return nil, status.Error(codes.Internal, "broken")
	}
	return &healthv1.HealthCheckResponse{Status: healthv1.HealthCheckResponse_SERVING}, nil
}

func (r *replica) serve(t *testing.T) (address string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := grpc.NewServer()
	healthv1.RegisterHealthServer(s, r)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Serve(l) // until it is stopped
	}()
	t.Cleanup(func() {
		s.Stop()
		<-ended
	})
	return l.Addr().String()
}

func TestBuilder(t *testing.T) {
	dial := func(t *testing.T, r discovery.Resolver) healthv1.HealthClient {
		t.Helper()
		builder := discovery.NewBuilder(r, slog.New(slog.DiscardHandler))
		conn, err := grpc.NewClient(discovery.Scheme+":///stock", append(builder.DialOptions(),
			grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`))...)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, conn.Close()) })
		return healthv1.NewHealthClient(conn)
	}
	call := func(t *testing.T, c healthv1.HealthClient) error {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := c.Check(ctx, &healthv1.HealthCheckRequest{}, grpc.WaitForReady(true))
		return err
	}
	t.Run("a replica that keeps failing gets no more calls", func(t *testing.T) {
		good, bad := &replica{}, &replica{failing: true}
		c := dial(t, discovery.Fixed{"stock": {good.serve(t), bad.serve(t)}})
		for range 200 {
			_ = call(t, c) // those of the bad one fail
		}
		require.LessOrEqual(t, bad.calls.Load(), int64(10))
		before := good.calls.Load()
		for range 10 {
			require.NoError(t, call(t, c))
		}
		require.Equal(t, before+10, good.calls.Load())
	})
	t.Run("calls go to a replica that comes later, and none is lost when its name has no address", func(t *testing.T) {
		first, second := &replica{}, &replica{}
		at := make(chan []string, 2)
		at <- []string{first.serve(t)}
		c := dial(t, told(at))
		require.NoError(t, call(t, c))
		at <- []string{second.serve(t)}
		require.Eventually(t, func() bool { return call(t, c) == nil && second.calls.Load() > 0 }, 10*time.Second, time.Millisecond)
		at <- []string{}
		for range 20 {
			require.NoError(t, call(t, c))
		}
	})
}

// told is a Resolver that is told what to tell.
type told chan []string

func (r told) Watch(ctx context.Context, _ string, update func([]string, error)) {
	for {
		select {
		case addresses := <-r:
			update(addresses, nil)
		case <-ctx.Done():
			return
		}
	}
}
