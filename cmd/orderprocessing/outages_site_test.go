package main_test

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	inventoryv1 "github.com/orderprocessing/orderprocessing/gen/inventory/v1"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/redistest"
	"github.com/orderprocessing/orderprocessing/server/servertest"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
)

// outages is an installation that uses all that it can, the customers who call it, and a Prometheus with
// our rules that watches it.
type outages struct {
	*site
	outagesPlan
	all   []outage
	srv   *server
	crowd *shoppers
	watch prometheus
}

// newOutages starts it. What else may go away gets a row here, before the server starts: how to stop it, how to
// bring it back, and what is to be seen of it meanwhile.
func newOutages(t *testing.T) *outages {
	t.Helper()
	shards := []string{pgtest.EmptyURL(t), pgtest.EmptyURL(t)}
	postgres, err := pgtest.Start(t.Context(), pgtest.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, postgres.Close()) })
	lone, err := postgres.CreateDatabase(t.Context(), "shard")
	require.NoError(t, err)
	redis, receiver := redistest.Start(t), startReceiver(t)
	bank := "127.0.0.1:" + strconv.Itoa(servertest.FreePort(t))

	o := &outages{outagesPlan: planOutages(), site: newSite(t).on(append(shards, lone)).with(
		"ORDERPROCESSING_LIMITS_REDIS="+redis.URL(), "ORDERPROCESSING_CACHE_REDIS="+redis.URL(),
		"ORDERPROCESSING_TELEMETRY_OTLP_ENDPOINT="+receiver.url, "ORDERPROCESSING_TELEMETRY_SAMPLE_RATIO=1", "OTEL_EXPORTER_OTLP_TIMEOUT=2000",
		"ORDERPROCESSING_PAYMENTS_SIMULATOR_URL=http://"+bank, "ORDERPROCESSING_PAYMENTS_CALL_TIMEOUT=1s",
		"ORDERPROCESSING_PAYMENTS_SIMULATOR_WEBHOOK_SECRET="+strings.Repeat("outage", 8),
		"ORDERPROCESSING_RISK_MODE=off",
	)}
	o.do(t, "migrate", "up")
	o.srv = o.serve(t)
	openBank := func() *server { // until the end of the test, not of one outage
		return o.begin(t, "gateway-simulator", "--listen", bank, "--data", filepath.Join(o.dir, "bank.db"),
			"--webhook", o.srv.url+"/webhooks/payments/simulator").serving(t)
	}
	gateway := openBank()
	o.watch = startPrometheus(t, o.srv.opsURL)
	alert := func(name, dependency string) func() bool {
		return func() bool { return o.watch.tells(t, name, dependency, o.state) }
	}
	o.all = []outage{
		{
			name: "Redis", told: alert("DependencyAway", "limits"), passes: true,
			stop: func(t *testing.T) { redis.Kill(t) }, back: func(t *testing.T) { redis.Restart(t) },
		},
		{
			name: "the Postgres of a shard", told: alert("RequestsFailing", ""), reasons: []fault.Reason{fault.ReasonDatabaseDown},
			stop: func(t *testing.T) { require.NoError(t, postgres.Stop()) },
			back: func(t *testing.T) { require.NoError(t, postgres.Restart(t.Context())) },
		},
		{
			name: "the payment gateway", told: alert("DependencyAway", "gateway"), passes: true,
			stop: func(t *testing.T) { gateway.kill9(t) }, back: func(*testing.T) { gateway = openBank() },
		},
		{
			name: "the collector of traces", told: func() bool { return o.watch.sample(t, `orderprocessing_trace_exports_total{outcome="failed"}`) > 0 },
			stop: func(*testing.T) { receiver.stop() },
			back: func(t *testing.T) {
				receiver.start(t)
				receiver.wait(t)
			},
		},
	}
	o.srv.stock(t)
	o.crowd = letShop(t, o.srv)
	return o
}

// stock puts on the shelf what shoppers buy.
func (srv *server) stock(t *testing.T) {
	t.Helper()
	inventory := srv.client(t).Inventory
	for _, line := range purchase(0, 0).GetOrder().GetLines() {
		_, err := inventory.UpsertProduct(t.Context(), &inventoryv1.UpsertProductRequest{
			Product: &inventoryv1.Product{Sku: line.GetSku(), Name: line.GetSku(), CurrencyCode: "GBP", UnitPriceMinor: line.GetUnitPriceMinor()},
		})
		require.NoError(t, err)
		_, err = inventory.AdjustStock(t.Context(), &inventoryv1.AdjustStockRequest{
			Sku: line.GetSku(), Delta: 1_000_000, Reason: inventoryv1.AdjustmentReason_ADJUSTMENT_REASON_RECEIVED,
		})
		require.NoError(t, err)
	}
}
