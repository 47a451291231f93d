package main

import "github.com/grafana/grafana-foundation-sdk/go/units"

// createOrder picks the procedure that an objective is about.
const createOrder = `procedure="/orders.v1.OrderService/CreateOrder"`

var overview = board{
	name: "overview", title: "Orders: overview",
	about: "Are the objectives kept, and what do callers get? Look here first.",
	rows: []row{
		{"Now", []panel{
			{
				title: "Alerts firing", about: "Whatever pages or makes a ticket now.", unit: units.Short, number: true, red: 1,
				queries: []query{{`count by (alertname, severity) (ALERTS{alertstate="firing",severity!="heartbeat"})`, "{{alertname}} ({{severity}})"}},
			},
			{
				title: "Burn rate, last hour", about: "How many times too fast the error budgets are used up. 1 uses a budget up in 30 days, 14.4 pages.",
				unit: units.Short, number: true, red: 14.4, runbooks: []string{"OrdersUndecided", "RequestsFailing", "CreateOrderSlow"},
				queries: []query{{`slo:error_ratio:rate1h / on (slo) slo:error_budget:ratio`, "{{slo}}"}},
			},
			{
				title: "Money and stock that are wrong", about: "Units oversold, and broken promises of the last integrity check. Anything but 0 is severity 1.",
				unit: units.Short, number: true, red: 1, runbooks: []string{"StockOversold", "IntegrityBroken"},
				queries: []query{
					{`max(orderprocessing_stock_oversold_units)`, "oversold"},
					{`max(orderprocessing_integrity_violations)`, "broken promises"},
				},
			},
			{
				title: "Servers", about: "Servers that Prometheus reads, by version.", unit: units.Short, number: true, runbooks: []string{"ServersAway"},
				queries: []query{{`count by (version) (orderprocessing_build_info)`, "{{version}}"}},
			},
		}},
		{"Objectives", []panel{
			{
				title: "Burning fast", about: "Burn rates over an hour and six: above 14.4 and 6 somebody is paged.", unit: units.Short,
				runbooks: []string{"OrdersUndecided", "RequestsFailing", "CreateOrderSlow"},
				queries: []query{
					{`slo:error_ratio:rate1h / on (slo) slo:error_budget:ratio`, "{{slo}} 1h"},
					{`slo:error_ratio:rate6h / on (slo) slo:error_budget:ratio`, "{{slo}} 6h"},
				},
			},
			{
				title: "Burning slowly", about: "Burn rates over one day and three: above 3 and 1 there is a ticket.", unit: units.Short,
				runbooks: []string{"OrdersUndecided", "RequestsFailing", "CreateOrderSlow"},
				queries: []query{
					{`slo:error_ratio:rate1d / on (slo) slo:error_budget:ratio`, "{{slo}} 1d"},
					{`slo:error_ratio:rate3d / on (slo) slo:error_budget:ratio`, "{{slo}} 3d"},
				},
			},
		}},
		{"Calls", []panel{
			{
				title: "Calls by code", about: "Calls that ended, a second.", unit: units.RequestsPerSecond, runbooks: []string{"RequestsFailing"},
				queries: []query{{`sum by (code) (rate(orderprocessing_rpc_requests_total[$__rate_interval]))`, "{{code}}"}},
			},
			{
				title: "Server errors by procedure", about: "Share of the calls of a procedure that ended with a server error. The objective is 0.01 %.",
				unit: units.PercentUnit, runbooks: []string{"RequestsFailing"},
				queries: []query{{
					`sum by (procedure) (rate(orderprocessing_rpc_requests_total{code=~"internal|unknown|data_loss|unavailable|deadline_exceeded"}[$__rate_interval]))` +
						` / sum by (procedure) (rate(orderprocessing_rpc_requests_total[$__rate_interval]))`, "{{procedure}}",
				}},
			},
		}},
		{"How long calls take", []panel{
			{
				title: "CreateOrder", about: "The objective is a p99 of 250 ms.", unit: units.Seconds, red: .25, runbooks: []string{"CreateOrderSlow"},
				queries: []query{
					{`histogram_quantile(0.5, sum by (le) (rate(orderprocessing_rpc_duration_seconds_bucket{` + createOrder + `}[$__rate_interval])))`, "p50"},
					{`histogram_quantile(0.99, sum by (le) (rate(orderprocessing_rpc_duration_seconds_bucket{` + createOrder + `}[$__rate_interval])))`, "p99"},
				},
			},
			{
				title: "p99 by procedure", about: "Points are traces: follow one.", unit: units.Seconds,
				queries: []query{{`histogram_quantile(0.99, sum by (procedure, le) (rate(orderprocessing_rpc_duration_seconds_bucket[$__rate_interval])))`, "{{procedure}}"}},
			},
		}},
	},
}
