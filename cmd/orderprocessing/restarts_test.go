package main_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	client "github.com/orderprocessing/orderprocessing/clients/go"
	"github.com/orderprocessing/orderprocessing/clients/go/grpcclient"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/server/servertest"
)

// sender makes a draft over one protocol. said tells that the error came from the server: it took the call.
type sender func(ctx context.Context, request *ordersv1.CreateOrderRequest) (said bool, err error)

// senders are one for each protocol, at a server that comes and goes.
func (srv *server) senders(t *testing.T) map[string]sender {
	t.Helper()
	byConnect := func(orders ordersv1connect.OrderServiceClient) sender {
		return func(ctx context.Context, request *ordersv1.CreateOrderRequest) (bool, error) {
			_, err := orders.CreateOrder(ctx, request)
			return connect.IsWireError(err), err
		}
	}
	conn, err := grpcclient.New(strings.TrimPrefix(srv.url, "http://"), grpcclient.WithToken(srv.site.token(t)))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	orders := ordersv1.NewOrderServiceClient(conn)
	return map[string]sender{
		"Connect over HTTP/2":   byConnect(srv.bare(t, true)),
		"Connect over HTTP/1.1": byConnect(srv.bare(t, false)),
		"gRPC": func(ctx context.Context, request *ordersv1.CreateOrderRequest) (bool, error) {
			_, err := orders.CreateOrder(ctx, request)
			s := status.Convert(err)
			return err != nil && (s.Code() != codes.Unavailable || len(s.Details()) > 0), err
		},
	}
}

// keepSending makes drafts until stop is closed, and repeats what did not reach the server. It gives how
// many were made, and the first error that the server gave.
func keepSending(ctx context.Context, name string, send sender, stop <-chan struct{}) (made int, err error) {
	for {
		select {
		case <-stop:
			return made, nil
		default:
		}
		request := purchase(0, made)
		request.RequestId, request.Draft = fmt.Sprintf("%s-%d", name, made), true
		for {
			said, err := send(ctx, request)
			if err == nil {
				break
			}
			if said || ctx.Err() != nil {
				return made, fmt.Errorf("%s: %w", name, err)
			}
			<-time.After(10 * time.Millisecond)
		}
		made++
	}
}

func TestServe_Restarts(t *testing.T) {
	s, port := newSite(t), servertest.FreePort(t)
	start := func() *server {
		return s.launch(t, "--server.port", strconv.Itoa(port), "--ops.port", "0", "--server.drain_delay", "100ms", "--server.drain_timeout", "2s",
			"--limits.write.per_minute", "0", "--limits.address.per_minute", "0").serving(t)
	}
	srv := start()
	ctx, cancel := context.WithTimeout(t.Context(), 2*startTime)
	defer cancel()
	stop, counts := make(chan struct{}), make(chan int, 9)
	var failed sync.Map
	var sending sync.WaitGroup
	for name, send := range srv.senders(t) {
		for i := range 3 {
			sending.Go(func() {
				made, err := keepSending(ctx, fmt.Sprintf("%s-%d", strings.ReplaceAll(name, " ", "-"), i), send, stop)
				counts <- made
				if err != nil {
					failed.Store(name, err)
				}
			})
		}
	}
	c := srv.client(t)
	watched, err := c.Orders.CreateOrder(ctx, &ordersv1.CreateOrderRequest{Order: purchase(1, 0).GetOrder(), RequestId: "watched", Draft: true})
	require.NoError(t, err)
	seen := make(chan *ordersv1.Order, 10)
	watching, endWatch := context.WithCancel(ctx)
	defer endWatch()
	sending.Go(func() {
		for o, err := range c.Watch(watching, watched.GetOrder().GetId()) {
			switch {
			case err == nil:
				seen <- o
			case watching.Err() == nil:
				failed.Store("Watch", err)
			}
		}
	})
	require.Equal(t, watched.GetOrder().GetId(), (<-seen).GetId())

	for range 3 {
		stopped := watchStop(t, srv, watched.GetOrder().GetId())
		srv.terminate(t)
		stopped()
		require.Zero(t, srv.wait(t), "%s", srv.log)
		require.NotContains(t, srv.log.String(), `"level":"ERROR"`)
		srv = start()
	}
	held := holdUp(t, srv)
	srv.terminate(t)
	held()
	require.Equal(t, 1, srv.wait(t), "it says that it has cut something off")
	srv = start()

	// The watch has lasted: it hears of what happens now.
	_, err = srv.client(t).Orders.UpdateOrder(ctx, &ordersv1.UpdateOrderRequest{
		Order: &ordersv1.Order{Id: watched.GetOrder().GetId(), Note: "changed"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"note"}}, RequestId: "change",
	})
	require.NoError(t, err)
	select {
	case o := <-seen:
		require.Equal(t, "changed", o.GetNote())
	case <-ctx.Done():
		require.FailNow(t, "the watch has ended")
	}
	endWatch()
	close(stop)
	sending.Wait()
	failed.Range(func(name, err any) bool {
		t.Errorf("%s: %v", name, err)
		return true
	})
	close(counts)
	total := 2 // with the watched one, and the imported one
	for made := range counts {
		require.Positive(t, made)
		total += made
	}
	t.Logf("%d calls over four restarts", total)
	require.Len(t, stored(t, srv.client(t).Orders), total, "each call was answered, and made one order")
}

// watchStop opens streams that have no end of their own. What it gives waits until they end as streams
// should when the server stops.
func watchStop(t *testing.T, srv *server, orderID string) func() {
	t.Helper()
	orders := srv.bare(t, true)
	watch, err := orders.WatchOrder(t.Context(), &ordersv1.WatchOrderRequest{OrderId: orderID})
	require.NoError(t, err)
	require.True(t, watch.Receive())
	conn, err := grpcclient.New(strings.TrimPrefix(srv.url, "http://"))
	require.NoError(t, err)
	health, err := healthv1.NewHealthClient(conn).Watch(t.Context(), &healthv1.HealthCheckRequest{})
	require.NoError(t, err)
	first, err := health.Recv()
	require.NoError(t, err)
	require.Equal(t, healthv1.HealthCheckResponse_SERVING, first.GetStatus())
	return func() {
		last, err := health.Recv()
		require.NoError(t, err)
		require.Equal(t, healthv1.HealthCheckResponse_NOT_SERVING, last.GetStatus())
		_, err = health.Recv()
		require.Error(t, err)
		require.NoError(t, conn.Close())

		require.False(t, watch.Receive())
		require.Equal(t, connect.CodeUnavailable, connect.CodeOf(watch.Err()))
		require.Equal(t, "SHUTTING_DOWN", client.Reason(watch.Err()))
		require.NoError(t, watch.Close())
	}
}

// holdUp opens an import that nobody goes on with, and an export that runs to its end. What it gives waits
// for both.
func holdUp(t *testing.T, srv *server) func() {
	t.Helper()
	orders := srv.bare(t, true)
	imported, err := orders.ImportOrders(t.Context())
	require.NoError(t, err)
	require.NoError(t, imported.Send(&ordersv1.ImportOrdersRequest{Source: "till", Documents: []*ordersv1.ImportDocument{{
		Document: &ordersv1.ImportDocument_Order{Order: &ordersv1.ImportedOrder{Order: &ordersv1.Order{
			Number: "1", CurrencyCode: "GBP", Lines: purchase(0, 0).GetOrder().GetLines(),
			CreateTime: timestamppb.New(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)),
		}}},
	}}}))
	answer, err := imported.Receive()
	require.NoError(t, err)
	require.NotEmpty(t, answer.GetOutcomes()[0].GetId(), "%v", answer)
	export, err := orders.ExportOrders(t.Context(), &ordersv1.ExportOrdersRequest{})
	require.NoError(t, err)
	return func() {
		batches := 0
		for export.Receive() {
			batches++
		}
		require.NoError(t, export.Err())
		require.Positive(t, batches)
		require.NoError(t, export.Close())

		_, err := imported.Receive()
		require.Equal(t, connect.CodeUnavailable, connect.CodeOf(err), "%v", err)
		require.Equal(t, "SHUTTING_DOWN", client.Reason(err))
		require.NoError(t, errors.Join(imported.CloseRequest(), imported.CloseResponse()))
	}
}
