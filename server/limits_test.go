package server_test

import (
	"io"
	"net/http"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/servertest"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// list calls the cheapest method that costs more than one, and gives the headers of the answer.
func list(t *testing.T, c servertest.Clients) (http.Header, error) {
	t.Helper()
	ctx, info := connect.NewClientContext(t.Context())
	_, err := c.Orders.ListOrders(ctx, &ordersv1.ListOrdersRequest{PageSize: 1})
	return info.ResponseHeader(), err
}

func metricsOf(t *testing.T, s *servertest.Server) string {
	t.Helper()
	res, err := http.Get(s.OpsURL + "/metrics")
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(text)
}

func TestLimits(t *testing.T) {
	t.Run("by default those who run the shop are not held up, and this machine is not counted", func(t *testing.T) {
		s := servertest.Start(t)
		for range 300 {
			header, err := list(t, s.Clients)
			require.NoError(t, err)
			require.Contains(t, header.Get("RateLimit"), `"list"`)
			require.NotContains(t, header.Get("RateLimit"), `"address"`)
		}
	})
	t.Run("what is configured is enforced, told and counted", func(t *testing.T) {
		s := servertest.Start(t, func(c *config.Config) {
			c.Limits.UnlimitedNetworks = []string{}
			c.Limits.List = config.Budget{PerMinute: 1, Burst: 12}
		})
		customer := s.As(owner)
		for range 2 {
			_, err := list(t, customer)
			require.NoError(t, err)
		}
		_, err := list(t, customer)
		require.Equal(t, connect.CodeResourceExhausted, connect.CodeOf(err))
		metrics := metricsOf(t, s)
		for _, line := range []string{
			telemetry.MetricLimitCalls + `{budget="list",outcome="limited"} 1`,
			telemetry.MetricLimitCalls + `{budget="list",outcome="allowed"} 2`,
			telemetry.MetricLimitCalls + `{budget="address",outcome="allowed"} 3`,
			telemetry.MetricShedCalls + " 0",
			telemetry.MetricConcurrency + " 512",
		} {
			require.Contains(t, metrics, line)
		}
	})
}
