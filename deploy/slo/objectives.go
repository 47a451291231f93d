// Command slo writes the rules that Prometheus watches our objectives by, from the objectives and
// alerts in this folder: go run ./deploy/slo >deploy/prometheus/rules.yaml. What the metrics tell is
// in docs/metrics.md; what to do about an alert, in docs/runbooks.
package main

// objective is a promise to those who call, and how to see whether it is kept.
type objective struct {
	Alert   string  // and the name of its runbook
	Promise string  // in words
	Target  float64 // the share that must be good
	// Bad and Total are rates, per second, in a window that takes the place of $window.
	Bad, Total string
}

var objectives = []objective{
	{
		Alert:   "OrdersUndecided",
		Promise: "99.9 % of orders are confirmed or rejected within 5 s",
		Target:  0.999,
		// An order that has to wait for its customer or for staff is decided as far as we can. We count
		// what was placed, not what was decided: an order that is stuck is never decided, and must count at once.
		Bad: `clamp_min(sum(rate(orderprocessing_orders_total{event=~"placed|resumed"}[$window])) ` +
			`- sum(rate(orderprocessing_order_decision_seconds_bucket{le="5"}[$window])), 0)`,
		Total: `sum(rate(orderprocessing_orders_total{event=~"placed|resumed"}[$window]))`,
	},
	{
		Alert:   "RequestsFailing",
		Promise: "99.99 % of requests are answered without a server error",
		Target:  0.9999,
		Bad: `(sum(rate(orderprocessing_rpc_requests_total{code=~"internal|unknown|data_loss|unavailable|deadline_exceeded"}[$window])) ` +
			`or vector(0))`,
		Total: `sum(rate(orderprocessing_rpc_requests_total[$window]))`,
	},
	{
		Alert:   "CreateOrderSlow",
		Promise: "99 % of CreateOrder are answered within 250 ms",
		Target:  0.99,
		Bad: `(sum(rate(orderprocessing_rpc_duration_seconds_count{procedure="/orders.v1.OrderService/CreateOrder"}[$window])) ` +
			`- sum(rate(orderprocessing_rpc_duration_seconds_bucket{procedure="/orders.v1.OrderService/CreateOrder",le="0.25"}[$window])))`,
		Total: `sum(rate(orderprocessing_rpc_duration_seconds_count{procedure="/orders.v1.OrderService/CreateOrder"}[$window]))`,
	},
}

// alarm is something that must not be, however little of it.
type alarm struct {
	Alert, Summary, Expr string
	For                  string // how long it must last
	Severity             string
}

var alarms = []alarm{
	{"StockOversold", "more was promised than there is", `max(orderprocessing_stock_oversold_units) > 0`, "0s", page},
	{"IntegrityBroken", "the last integrity check found broken promises", `max(orderprocessing_integrity_violations) > 0`, "0s", page},
	{"SagasStuck", "sagas keep failing and need somebody to look at them", `max by (saga) (orderprocessing_sagas{state="stuck"}) > 0`, "2m", page},
	{"DependencyAway", "a circuit breaker keeps calls back", `max by (dependency) (orderprocessing_outbound_breaker_state) == 2`, "1m", page},
	{"JobsFailing", "a periodic job fails again and again", `sum by (job) (increase(orderprocessing_job_runs_total{outcome="failed"}[30m])) >= 3`, "0s", ticket},
}

// The severities: a page wakes somebody, a ticket waits for the morning.
const (
	page   = "page"
	ticket = "ticket"
)
