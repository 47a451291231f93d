package server_test

import (
	"crypto/rand"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	client "github.com/orderprocessing/orderprocessing/clients/go"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/servertest"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
)

// Every change of an order or a return answers with what tokens are found by.
func TestConsistency_everyChange(t *testing.T) {
	// What they change has no caller to show it to: orders that name nobody any more, a status for the saga.
	none := map[protoreflect.Name]bool{"EraseCustomer": true, "NotePayment": true}
	changes := 0
	for _, file := range []protoreflect.FileDescriptor{
		ordersv1.File_orders_v1_order_service_proto, ordersv1.File_orders_v1_shipment_service_proto, ordersv1.File_orders_v1_return_service_proto,
	} {
		methods := file.Services().Get(0).Methods()
		for i := range methods.Len() {
			method := methods.Get(i)
			level := method.Options().(*descriptorpb.MethodOptions).GetIdempotencyLevel()
			if level == descriptorpb.MethodOptions_NO_SIDE_EFFECTS || method.IsStreamingClient() || method.IsStreamingServer() {
				continue
			}
			if none[method.Name()] {
				continue
			}
			changes++
			fields := method.Output().Fields()
			require.True(t, fields.ByName("order") != nil || fields.ByName("return") != nil, "%s", method.FullName())
		}
	}
	require.Greater(t, changes, 10)
}

func TestConsistency_withoutReplicas(t *testing.T) {
	s := servertest.Start(t)
	testConsistency(t, s)
}

// startReplicated serves one shard that has a standby, which has just stopped replaying.
func startReplicated(t *testing.T) (*servertest.Server, *pgtest.Cluster) {
	t.Helper()
	primary, err := pgtest.Start(t.Context(), pgtest.Options{Replicated: true, Settings: []string{"synchronous_commit = on"}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, primary.Close()) })
	url, err := primary.CreateMigrated(t.Context(), "orders")
	require.NoError(t, err)
	standby, err := primary.Standby(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, standby.Close()) })
	s := servertest.Start(t, func(c *config.Config) {
		c.Store.Shards = []config.DatabaseURL{config.DatabaseURL(url)}
		c.Store.Replicas = []config.DatabaseURL{config.DatabaseURL(standby.URL("orders"))}
	})
	require.Eventually(t, func() bool { return strings.Contains(s.Logs.String(), "a replica serves") }, 20*time.Second, 5*time.Millisecond)
	require.NoError(t, standby.PauseReplay(t.Context()))
	return s, standby
}

func TestConsistency_withReplica(t *testing.T) {
	s, standby := startReplicated(t)
	orderID, token := testConsistency(t, s)

	get := func(demand string) error {
		ctx, call := connect.NewClientContext(t.Context())
		call.RequestHeader().Set("Consistency", demand)
		_, err := s.Orders.GetOrder(ctx, &ordersv1.GetOrderRequest{OrderId: orderID})
		return err
	}
	require.Equal(t, connect.CodeNotFound, connect.CodeOf(get("minimal-latency")))
	require.NoError(t, get("at-least-as-fresh="+token))
	require.NoError(t, get("fully-consistent"))
	require.NoError(t, standby.ResumeReplay(t.Context()))
	require.Eventually(t, func() bool { return get("minimal-latency") == nil }, 20*time.Second, 5*time.Millisecond)
	require.Contains(t, metricsOf(t, s), `orderprocessing_replica_reads_total{outcome="replica"}`)
}

// testConsistency places an order and reads it by its token, over every protocol.
func testConsistency(t *testing.T, s *servertest.Server) (orderID, token string) {
	t.Helper()
	for _, orders := range []ordersv1connect.OrderServiceClient{s.Orders, s.OrdersOver(connect.WithGRPC()), s.OrdersOver(connect.WithGRPCWeb())} {
		ctx, call := connect.NewClientContext(t.Context())
		created, err := orders.CreateOrder(ctx, &ordersv1.CreateOrderRequest{Order: cart("cus_1"), RequestId: rand.Text()})
		require.NoError(t, err)
		orderID, token = created.GetOrder().GetId(), call.ResponseHeader().Get("Consistency-Token")
		require.NotEmpty(t, token)

		ctx, call = connect.NewClientContext(t.Context())
		call.RequestHeader().Set("Consistency", "at-least-as-fresh="+token)
		_, err = orders.GetOrder(ctx, &ordersv1.GetOrderRequest{OrderId: orderID})
		require.NoError(t, err)
		require.Empty(t, call.ResponseHeader().Get("Consistency-Token"), "reading writes nothing")
		listed, err := orders.ListOrders(ctx, &ordersv1.ListOrdersRequest{})
		require.NoError(t, err)
		require.NotEmpty(t, listed.GetOrders())

		ctx, call = connect.NewClientContext(t.Context())
		call.RequestHeader().Set("Consistency", "at-least-as-fresh="+token+"x")
		_, err = orders.GetOrder(ctx, &ordersv1.GetOrderRequest{OrderId: orderID})
		require.Equal(t, connect.CodeInvalidArgument, connect.CodeOf(err))
		require.ErrorContains(t, err, "Consistency-Token")

		stream, err := orders.ExportOrders(ctx, &ordersv1.ExportOrdersRequest{})
		require.NoError(t, err)
		require.False(t, stream.Receive())
		require.Equal(t, connect.CodeInvalidArgument, connect.CodeOf(stream.Err()))
		require.NoError(t, stream.Close())
	}
	return orderID, token
}

func TestConsistency_goClient(t *testing.T) {
	s, _ := startReplicated(t)
	token := s.Token(auth.Caller{ID: "test", Roles: []auth.Role{auth.Staff}})
	mine, err := client.New(s.URL, client.WithToken(token), client.WithReadYourWrites())
	require.NoError(t, err)
	defer mine.Close()
	others, err := client.New(s.URL, client.WithToken(token), client.WithReadYourWrites())
	require.NoError(t, err)
	defer others.Close()

	created, err := mine.Orders.CreateOrder(t.Context(), &ordersv1.CreateOrderRequest{Order: cart("cus_1"), RequestId: "new"})
	require.NoError(t, err)
	get := &ordersv1.GetOrderRequest{OrderId: created.GetOrder().GetId()}
	_, err = mine.Orders.GetOrder(t.Context(), get)
	require.NoError(t, err)
	_, err = others.Orders.GetOrder(t.Context(), get)
	require.Equal(t, connect.CodeNotFound, connect.CodeOf(err), "the replica does not have it yet")
}

// TestAnswer_headers names all headers of an answer: a ninth would cost each call a fiftieth of its work.
func TestAnswer_headers(t *testing.T) {
	s := servertest.Start(t)
	ctx, call := connect.NewClientContext(t.Context())
	_, err := s.Orders.CreateOrder(ctx, &ordersv1.CreateOrderRequest{Order: cart("cus_1"), RequestId: "new"})
	require.NoError(t, err)
	require.Equal(t, []string{
		"Accept-Encoding", "Consistency-Token", "Content-Security-Policy", "Content-Type", "Ratelimit", "Ratelimit-Policy",
		"Referrer-Policy", "X-Content-Type-Options",
	}, slices.DeleteFunc(slices.Sorted(maps.Keys(call.ResponseHeader())), func(name string) bool {
		return name == "Date" || name == "Content-Length" // net/http's own, which are in no map
	}))
	require.Empty(t, call.ResponseTrailer())
}
