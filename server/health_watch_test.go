package server_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/server/servertest"
)

func TestHealthWatch(t *testing.T) {
	s := servertest.Start(t)
	conn, err := grpc.NewClient(s.URL[len("http://"):], grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	watch := func(service string) healthv1.Health_WatchClient {
		stream, err := healthv1.NewHealthClient(conn).Watch(t.Context(), &healthv1.HealthCheckRequest{Service: service})
		require.NoError(t, err)
		return stream
	}
	next := func(stream healthv1.Health_WatchClient) healthv1.HealthCheckResponse_ServingStatus {
		res, err := stream.Recv()
		require.NoError(t, err)
		return res.GetStatus()
	}
	orders, nothing := watch(ordersv1connect.OrderServiceName), watch("shop.v1.SalesService")
	require.Equal(t, healthv1.HealthCheckResponse_SERVING, next(orders))
	require.Equal(t, healthv1.HealthCheckResponse_SERVICE_UNKNOWN, next(nothing))
	s.Stop(t)
	require.Equal(t, healthv1.HealthCheckResponse_NOT_SERVING, next(orders), "a server that drains tells those who watch")
	_, err = orders.Recv()
	require.Error(t, err, "and lets them go")
}
