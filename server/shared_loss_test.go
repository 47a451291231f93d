package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	client "github.com/orderprocessing/orderprocessing/clients/go"
	identityv1 "github.com/orderprocessing/orderprocessing/gen/identity/v1"
	operationsv1 "github.com/orderprocessing/orderprocessing/gen/operations/v1"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	policyv1 "github.com/orderprocessing/orderprocessing/gen/policy/v1"
	"github.com/orderprocessing/orderprocessing/server"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/redistest"
	"github.com/orderprocessing/orderprocessing/server/servertest"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
)

// readiness asks a server for its report.
func readiness(t *testing.T, s *servertest.Server) (int, map[string]server.Dependency) {
	t.Helper()
	res, err := http.Get(s.OpsURL + "/readyz?verbose") //nolint:noctx // of this test's own server
	require.NoError(t, err)
	defer res.Body.Close()
	var report server.Report
	require.NoError(t, json.NewDecoder(res.Body).Decode(&report))
	byName := map[string]server.Dependency{}
	for _, d := range report.Dependencies {
		byName[d.Name] = d
	}
	return res.StatusCode, byName
}

func TestSharedLoss(t *testing.T) {
	cluster, err := pgtest.Start(t.Context(), pgtest.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cluster.Close()) })
	home, err := cluster.CreateMigrated(t.Context(), "home")
	require.NoError(t, err)
	shard, redis := config.DatabaseURL(pgtest.URL(t)), redistest.Start(t)
	var replicas []*servertest.Server
	var clients []servertest.Clients
	for i := range 2 {
		replicas = append(replicas, servertest.Start(t, func(cfg *config.Config) {
			cfg.Store.Home, cfg.Store.Shards = config.DatabaseURL(home), []config.DatabaseURL{shard}
			cfg.Cache.Redis = []config.DatabaseURL{config.DatabaseURL(redis.URL())}
			cfg.Limits.Redis = cfg.Cache.Redis
			cfg.Telemetry.OTLPEndpoint = "http://127.0.0.1:1" // nobody
		}))
		key, err := replicas[i].Identity.CreateApiKey(t.Context(), &identityv1.CreateApiKeyRequest{
			DisplayName: "till", Roles: []policyv1.Role{policyv1.Role_ROLE_STAFF, policyv1.Role_ROLE_OPERATOR}, RequestId: fmt.Sprint("key-", i),
		})
		require.NoError(t, err)
		clients = append(clients, replicas[i].WithToken(key.GetSecret()))
	}
	sell := func(i int, request string) *ordersv1.Order {
		res, err := clients[i].Orders.CreateOrder(t.Context(), &ordersv1.CreateOrderRequest{Order: cart("cus_1"), RequestId: request, Draft: true})
		require.NoError(t, err)
		return res.GetOrder()
	}
	before := sell(0, "before")
	sell(1, "before-too")
	for _, s := range replicas {
		code, found := readiness(t, s)
		require.Equal(t, http.StatusOK, code)
		for _, name := range []string{"home", "shard-0", "redis-cache", "redis-limits", "gateway"} {
			require.Equal(t, server.StateUp, found[name].State, name)
		}
		require.Equal(t, server.StateDown, found["collector"].State)
		require.Equal(t, "refused", found["collector"].Error)
	}

	require.NoError(t, cluster.Kill9())
	redis.Kill(t)

	for i, s := range replicas {
		res, err := http.Get(s.OpsURL + "/readyz") //nolint:noctx // of this test's own server
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusOK, res.StatusCode)
		sell(i, fmt.Sprint("after-", i))
		read, err := clients[i].Orders.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: before.GetId()})
		require.NoError(t, err)
		require.Equal(t, before.GetId(), read.GetOrder().GetId())

		_, err = clients[i].Operations.ListFlags(t.Context(), &operationsv1.ListFlagsRequest{})
		require.Equal(t, connect.CodeUnavailable, connect.CodeOf(err), "what needs home says so")
		require.Equal(t, "DATABASE_UNAVAILABLE", client.Reason(err))
	}
	require.Eventually(t, func() bool { // what was found serves for a second
		_, found := readiness(t, replicas[1])
		return found["home"].State == server.StateDown && found["redis-cache"].State == server.StateDown
	}, 20*time.Second, 100*time.Millisecond)
	code, found := readiness(t, replicas[1])
	require.Equal(t, http.StatusOK, code)
	require.False(t, found["home"].Required)
	require.Equal(t, "refused", found["home"].Error)
	require.False(t, found["home"].Since.IsZero())
}
