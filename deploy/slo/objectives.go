// Command slo writes the rules that Prometheus watches our objectives by, from the objectives and
// alerts in this folder: go run ./deploy/slo >deploy/prometheus/rules.yaml. What the metrics tell is
// in docs/metrics.md; what to do about an alert, in docs/runbooks.
package main

import "time"

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
		// A bound that is a whole number is 5 or 5.0, by the format that Prometheus asks for, and by its version.
		Bad: `clamp_min(sum(rate(orderprocessing_orders_total{event=~"placed|resumed"}[$window])) ` +
			`- sum(rate(orderprocessing_order_decision_seconds_bucket{le=~"5|5[.]0"}[$window])), 0)`,
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
	Alert, Summary string
	Expr           string
	Window         time.Duration // takes the place of $window
	For            time.Duration // how long it must last
	Severity       string
}

var alarms = []alarm{
	{
		Alert: "ServersAway", Summary: "no server answers Prometheus, so no objective is watched", Severity: page,
		Expr: `absent(up{job="orderprocessing"} == 1)`, For: time.Minute,
	},
	{
		Alert: "StockOversold", Summary: "more was promised than there is", Severity: page,
		Expr: `max(orderprocessing_stock_oversold_units) > 0`,
	},
	{
		Alert: "IntegrityBroken", Summary: "the last integrity check found broken promises", Severity: page,
		Expr: `max(orderprocessing_integrity_violations) > 0`,
	},
	{
		Alert: "SagasStuck", Summary: "sagas keep failing and need somebody to look at them", Severity: page,
		Expr: `max by (saga) (orderprocessing_sagas{state="stuck"}) > 0`, For: 2 * time.Minute,
	},
	{
		Alert: "DependencyAway", Summary: "a circuit breaker keeps calls back", Severity: page,
		// Half open counts: a dependency that hangs keeps the breaker there, for as long as a probe waits.
		Expr: `max by (dependency) (orderprocessing_outbound_breaker_state) > 0`, For: time.Minute,
	},
	{
		Alert: "JobsFailing", Summary: "a periodic job fails again and again", Severity: ticket,
		Expr: `sum by (job) (increase(orderprocessing_job_runs_total{outcome="failed"}[$window])) >= 3`, Window: 30 * time.Minute,
	},
	{
		Alert: "VaultAway", Summary: "Vault does not answer, or refuses, so that leases will end", Severity: page,
		Expr: `sum(increase(orderprocessing_vault_calls_total{outcome=~"away|denied"}[$window])) >= 3`, Window: 10 * time.Minute,
	},
	{
		Alert: "SettingsNotTaken", Summary: "a changed configuration was refused, or waits for a restart", Severity: ticket,
		Expr: `(sum(increase(orderprocessing_config_reloads_total{outcome="refused"}[$window])) or vector(0)) ` +
			`+ (max(orderprocessing_config_restart_pending) or vector(0)) > 0`,
		Window: time.Hour, For: 5 * time.Minute,
	},
	{
		Alert: "TracesLost", Summary: "the collector takes no traces", Severity: ticket,
		Expr: `sum(increase(orderprocessing_trace_exports_total{outcome="failed"}[$window])) >= 3`, Window: 15 * time.Minute,
	},
	{
		Alert: "Heartbeat", Summary: "always there: whoever misses it knows that alerts do not arrive", Severity: heartbeat,
		Expr: `vector(1)`,
	},
}

// The severities: a page wakes somebody, a ticket waits for the morning, and a heartbeat is for a watch
// outside, which pages when it stops. docs/oncall.md says who does what.
const (
	page      = "page"
	ticket    = "ticket"
	heartbeat = "heartbeat"
)
