package server

import (
	"context"
	"net/http"
	"slices"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
)

// newHealthWatch is the Watch of gRPC health, which grpchealth leaves out: it tells whether a service
// serves, at once and whenever that changes. It ends when the process drains, after it has told so.
func newHealthWatch(h *Health, services []string, options ...connect.HandlerOption) (string, http.Handler) {
	path := "/" + grpchealth.HealthV1ServiceName + "/Watch"
	return path, connect.NewServerStreamHandler(path, func(
		ctx context.Context, req *connect.Request[healthv1.HealthCheckRequest], stream *connect.ServerStream[healthv1.HealthCheckResponse],
	) error {
		known := req.Msg.GetService() == "" || slices.Contains(services, req.Msg.GetService())
		ticker := time.NewTicker(checkAge)
		defer ticker.Stop()
		for last := healthv1.HealthCheckResponse_UNKNOWN; ; {
			status := healthv1.HealthCheckResponse_SERVICE_UNKNOWN
			if known {
				status = h.serving(ctx)
			}
			if status != last {
				if err := stream.Send(&healthv1.HealthCheckResponse{Status: status}); err != nil {
					return err
				}
				last = status
			}
			if h.draining.Load() {
				return nil
			}
			select {
			case <-ticker.C:
			case <-h.drained:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}, options...)
}

func (h *Health) serving(ctx context.Context) healthv1.HealthCheckResponse_ServingStatus {
	if h.Ready(ctx) {
		return healthv1.HealthCheckResponse_SERVING
	}
	return healthv1.HealthCheckResponse_NOT_SERVING
}
