package grpcclient_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/orderprocessing/orderprocessing/clients/go/grpcclient"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/servertest"
)

func create(id string) *ordersv1.CreateOrderRequest {
	return &ordersv1.CreateOrderRequest{RequestId: id, Order: &ordersv1.Order{
		CustomerId: "cus_1", CurrencyCode: "GBP",
		Lines: []*ordersv1.Line{{Sku: "85123A", Quantity: 2, UnitPriceMinor: 255}},
	}}
}

// TestServer calls a whole server, whose limit is so low that only waiting as long as it says helps.
func TestServer(t *testing.T) {
	server := servertest.Start(t, func(c *config.Config) {
		c.Limits.UnlimitedNetworks, c.Limits.TrustedFactor = nil, 1
		c.Limits.Write = config.Budget{PerMinute: 1200, Burst: 1}
	})
	token := server.Token(auth.Caller{ID: "key_1", Roles: []auth.Role{auth.Staff}})
	var logs bytes.Buffer
	registry := prometheus.NewRegistry()
	conn, err := grpcclient.New(strings.TrimPrefix(server.URL, "http://"), grpcclient.WithToken(token), grpcclient.WithMetrics(registry),
		grpcclient.WithLogger(slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	client := ordersv1.NewOrderServiceClient(conn)
	for _, id := range []string{"a", "b", "c", "d"} {
		res, err := client.CreateOrder(t.Context(), create(id))
		require.NoError(t, err, "a limited call is made again when the server says so")
		require.NotEmpty(t, res.GetOrder().GetId())
	}
	t.Run("an error of the server comes at once", func(t *testing.T) {
		_, err := client.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: "nonsense"})
		require.Equal(t, codes.InvalidArgument, status.Code(err))
	})
	t.Run("a stream passes", func(t *testing.T) {
		stream, err := client.ExportOrders(t.Context(), &ordersv1.ExportOrdersRequest{})
		require.NoError(t, err)
		page, err := stream.Recv()
		require.NoError(t, err)
		require.Len(t, page.GetOrders(), 4)
		_, err = stream.Recv()
		require.Error(t, err)
	})
	t.Run("calls are logged once, without what they carry", func(t *testing.T) {
		require.Equal(t, 4, strings.Count(logs.String(), "grpc.method=CreateOrder"))
		for _, kept := range []string{token, "cus_1", "85123A"} {
			require.NotContains(t, logs.String(), kept)
		}
	})
	t.Run("calls are counted once", func(t *testing.T) {
		families, err := registry.Gather()
		require.NoError(t, err)
		counted := map[string]float64{}
		for _, family := range families {
			for _, metric := range family.GetMetric() {
				for _, label := range metric.GetLabel() {
					if label.GetName() == "grpc_method" && family.GetName() == "grpc_client_started_total" {
						counted[label.GetValue()] = metric.GetCounter().GetValue()
					}
				}
			}
		}
		require.Equal(t, map[string]float64{"CreateOrder": 4, "GetOrder": 1, "ExportOrders": 1}, counted)
	})
}
