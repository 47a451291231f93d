package main_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/integrity"
)

// outagesVariable names the environment variable that asks for the long form: make outages.
const outagesVariable = "ORDERPROCESSING_TEST_OUTAGES"

// outageTime is how long an alert may take to come or to go, and everything to settle.
const outageTime = 5 * time.Minute

// outagesPlan says how often everything goes away, for how long at least, and what tells of it: in the short form
// it is enough that an alert would fire, in a minute or two.
type outagesPlan struct {
	rounds int
	least  time.Duration
	state  string // of an alert
}

func planOutages() outagesPlan {
	if os.Getenv(outagesVariable) != "" {
		return outagesPlan{rounds: 2, least: 90 * time.Second, state: "firing"}
	}
	return outagesPlan{rounds: 1, state: "pending"}
}

// outage is something that the server needs, goes away while customers call, and comes back.
type outage struct {
	name       string
	stop, back func(*testing.T)
	told       func() bool    // whether somebody is told, by an alert or a metric
	passes     bool           // that ends as soon as the dependency is back
	reasons    []fault.Reason // why calls may fail meanwhile, all worth another try; none may where there are none
}

// TestOutages takes away one dependency after the other while customers place orders, and brings it
// back. The server is never started again.
func TestOutages(t *testing.T) {
	o := newOutages(t)
	for range o.rounds {
		for _, away := range o.all {
			t.Run("orders go on while it is away, and all is well when it is back: "+away.name, func(t *testing.T) {
				o.suffer(t, away)
			})
		}
	}
	o.requireSettled(t)
	for _, query := range runbookQueries(t) {
		require.True(t, o.watch.takes(t, query), "a runbook has a query that Prometheus does not take: %s", query)
	}
}

// suffer takes a dependency away, until somebody is told and for a time at least, and brings it back.
func (o *outages) suffer(t *testing.T, away outage) {
	o.crowd.wait(t, 20)
	require.Empty(t, o.crowd.failures(), "before anything is away")
	away.stop(t)
	began := time.Now()
	before := o.crowd.acknowledged()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		require.True(c, away.told())
		require.GreaterOrEqual(c, time.Since(began), o.least)
	}, outageTime, 100*time.Millisecond)
	o.crowd.wait(t, 20)
	require.Equal(t, 200, o.srv.status(t, "/readyz"), "what every replica shares takes none out")
	away.back(t)
	t.Logf("away for %s, %d orders were acknowledged meanwhile", time.Since(began).Round(time.Millisecond), o.crowd.acknowledged()-before)

	for reason, err := range o.requireConfirms(t) {
		require.Contains(t, away.reasons, reason, "%v", err)
	}
	if away.passes {
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			require.False(c, away.told())
		}, outageTime, 100*time.Millisecond)
	}
	select {
	case <-o.srv.ended:
		require.FailNow(t, "the server ended", "%s", o.srv.log.tail())
	default:
	}
}

// requireConfirms wants calls not to fail any more, and new orders, of customers in every shard, to be confirmed.
// It gives why calls have failed until then.
func (o *outages) requireConfirms(t *testing.T) map[fault.Reason]error {
	t.Helper()
	why, began := o.crowd.failures(), time.Now()
	placed := o.crowd.wait(t, 20)
	for still := o.crowd.failures(); len(still) > 0; still = o.crowd.failures() { // it was not quite back
		require.Less(t, time.Since(began), outageTime, "%v", still)
		maps.Copy(why, still)
		placed = o.crowd.wait(t, 20)
	}
	orders := o.srv.client(t).Orders
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		for _, id := range placed {
			got, err := orders.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: id})
			require.NoError(c, err)
			require.Equal(c, ordersv1.Lifecycle_LIFECYCLE_CONFIRMED, got.GetOrder().GetLifecycle(), id)
		}
	}, outageTime, 100*time.Millisecond)
	t.Logf("all was well %s after it was back; meanwhile calls failed for %v", time.Since(began).Round(time.Millisecond), why)
	return why
}

// requireSettled ends the load and wants every order that was acknowledged to be there, once, and decided, and
// everything stored to keep its promises, down to the bank's own ledger.
func (o *outages) requireSettled(t *testing.T) {
	o.crowd.stop()
	o.crowd.gone.Wait()
	began := time.Now()
	orders := o.srv.client(t).Orders
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		for _, lifecycle := range []ordersv1.Lifecycle{ordersv1.Lifecycle_LIFECYCLE_PENDING, ordersv1.Lifecycle_LIFECYCLE_CANCELING} {
			require.Empty(c, listOrders(t, orders, &ordersv1.OrderFilter{Lifecycle: lifecycle}))
		}
	}, outageTime, 100*time.Millisecond)
	t.Logf("all orders were decided after %s", time.Since(began))
	o.crowd.requireKept(t, orders)
	t.Logf("looked at each of %d requests after %s", len(o.crowd.sent), time.Since(began))
	ends := map[string]int{}
	require.EventuallyWithT(t, func(c *assert.CollectT) { // what was asked for again has just begun
		clear(ends)
		for _, one := range listOrders(t, orders, nil) {
			ends[one.GetLifecycle().String()]++
		}
		require.ElementsMatch(c, []string{"LIFECYCLE_CONFIRMED", "LIFECYCLE_CANCELED"}, slices.Collect(maps.Keys(ends)))
	}, outageTime, 100*time.Millisecond)
	t.Logf("%d orders were acknowledged, %d requests failed; they are %v", len(o.crowd.created), len(o.crowd.failed), ends)
	var found integrity.Report
	require.EventuallyWithT(t, func(c *assert.CollectT) { // the bank may still be asked what became of a payment
		found = o.verify(t)
		require.Zero(c, found.Unsettled, "%+v", found.UnsettledListed)
	}, outageTime, time.Second)
	t.Logf("all was settled after %s", time.Since(began))
	require.EqualValues(t, len(o.crowd.sent), found.Orders)
	for line := range strings.Lines(o.srv.log.String()) {
		record := decode[struct {
			Message string `json:"msg"`
		}](t, line) // all of it is JSON, whoever writes it
		require.NotEqual(t, "internal error", record.Message, line)
	}
}
