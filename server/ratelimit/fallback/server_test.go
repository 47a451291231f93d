package fallback_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/redistest"
	"github.com/orderprocessing/orderprocessing/server/servertest"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// customer is who calls: staff may call more often.
var customer = auth.Caller{ID: "usr_1", CustomerID: "usr_1", Roles: []auth.Role{auth.Customer}}

// list calls a method that costs 5, and gives the limit that was applied.
func list(t *testing.T, s *servertest.Server) (limit string, err error) {
	t.Helper()
	ctx, info := connect.NewClientContext(t.Context())
	_, err = s.As(customer).Orders.ListOrders(ctx, &ordersv1.ListOrdersRequest{PageSize: 1})
	if err == nil {
		return limitOf(info.ResponseHeader()), nil
	}
	var refused *connect.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, connect.CodeResourceExhausted, refused.Code(), "%v", err)
	return limitOf(refused.Meta()), err
}

func limitOf(header http.Header) string {
	_, list, _ := strings.Cut(header.Get("RateLimit-Policy"), `"list";q=`)
	limit, _, _ := strings.Cut(list, ";")
	return limit
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

// TestServers runs two whole servers that share a Redis, which is killed under them.
func TestServers(t *testing.T) {
	const whole = "20" // of which a call takes 5
	redis := redistest.Start(t)
	shared := func(c *config.Config) {
		c.Limits.UnlimitedNetworks = []string{}
		c.Limits.List = config.Budget{PerMinute: 1, Burst: 20}
		c.Limits.Redis = []config.DatabaseURL{config.DatabaseURL(redis.URL())}
	}
	one, other := servertest.Start(t, shared), servertest.Start(t, shared)
	t.Run("replicas share a budget", func(t *testing.T) {
		allowed := 0
		for _, s := range []*servertest.Server{one, other} {
			refused := false
			for tries := 0; !refused && tries < 100; tries++ {
				limit, err := list(t, s)
				switch {
				case limit != whole: // Redis was too slow for once
				case err != nil:
					refused = true
				default:
					allowed++
				}
			}
			require.True(t, refused)
		}
		require.LessOrEqual(t, allowed, 4)
		require.Positive(t, allowed)
	})
	t.Run("no call fails because Redis is away, and each replica gives its share", func(t *testing.T) {
		redis.Kill(t)
		for range 3 {
			limit, _ := list(t, one) // it fails by the limit alone
			require.Equal(t, "10", limit)
		}
		_, err := list(t, one)
		require.Error(t, err)
		require.NotContains(t, metricsOf(t, one), telemetry.MetricLimitFallback+" 0")
	})
	t.Run("it recovers by itself", func(t *testing.T) {
		redis.Restart(t)
		require.Eventually(t, func() bool {
			limit, err := list(t, one)
			return err == nil && limit == whole
		}, 20*time.Second, 50*time.Millisecond)
	})
}
