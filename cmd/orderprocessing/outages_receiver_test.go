package main_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
)

// receiver takes traces as a collector does, and may be stopped and started again where it was.
type receiver struct {
	coltrace.UnimplementedTraceServiceServer
	url, address string
	grpc         *grpc.Server
	exports      atomic.Int64
	told         func(*coltrace.ExportTraceServiceRequest) // of each export; may be nil
}

func startReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{address: "127.0.0.1:0"}
	r.start(t)
	r.url = "http://" + r.address
	t.Cleanup(func() { r.stop() })
	return r
}

func (r *receiver) start(t *testing.T) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", r.address)
	require.NoError(t, err)
	r.address, r.grpc = listener.Addr().String(), grpc.NewServer()
	coltrace.RegisterTraceServiceServer(r.grpc, r)
	go r.grpc.Serve(listener) //nolint:errcheck // ends with stop
}

func (r *receiver) stop() { r.grpc.Stop() }

// Export implements the collector's service.
func (r *receiver) Export(_ context.Context, req *coltrace.ExportTraceServiceRequest) (*coltrace.ExportTraceServiceResponse, error) {
	r.exports.Add(1)
	if r.told != nil {
		r.told(req)
	}
	return &coltrace.ExportTraceServiceResponse{}, nil
}

// wait waits until traces arrive.
func (r *receiver) wait(t *testing.T) {
	t.Helper()
	before := r.exports.Load()
	require.Eventually(t, func() bool { return r.exports.Load() > before }, outageTime, 100*time.Millisecond)
}
