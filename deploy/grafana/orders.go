package main

import "github.com/grafana/grafana-foundation-sdk/go/units"

var orders = board{
	name: "orders", title: "Orders: orders and sagas",
	about: "What becomes of orders, how soon, and what holds them up.",
	rows: []row{
		{"Orders", []panel{
			{
				title: "What happens to orders", about: "Events a second, counted when they are stored.", unit: units.OpsPerSecond,
				queries: []query{{`sum by (event) (rate(orderprocessing_orders_total[$__rate_interval]))`, "{{event}}"}},
			},
			{
				title: "Time until decided", about: "From placed until confirmed, rejected, or waiting for somebody else. The objective is 99.9 % within 5 s.",
				unit: units.Seconds, red: 5, runbooks: []string{"OrdersUndecided"},
				queries: []query{
					{`histogram_quantile(0.5, sum by (le) (rate(orderprocessing_order_decision_seconds_bucket[$__rate_interval])))`, "p50"},
					{`histogram_quantile(0.99, sum by (le) (rate(orderprocessing_order_decision_seconds_bucket[$__rate_interval])))`, "p99"},
					{`histogram_quantile(0.999, sum by (le) (rate(orderprocessing_order_decision_seconds_bucket[$__rate_interval])))`, "p99.9"},
				},
			},
			{
				title: "Decisions", about: "Orders decided a second, by outcome.", unit: units.OpsPerSecond,
				queries: []query{{`sum by (outcome) (rate(orderprocessing_order_decision_seconds_count[$__rate_interval]))`, "{{outcome}}"}},
			},
		}},
		{"Sagas", []panel{
			{
				title: "Unfinished sagas", about: "Stuck ones need somebody to look at them.", unit: units.Short, runbooks: []string{"SagasStuck"},
				queries: []query{{`max by (saga, state) (orderprocessing_sagas)`, "{{saga}} {{state}}"}},
			},
			{
				title: "Age of the oldest", about: "How long the oldest unfinished saga is under way.", unit: units.Seconds, runbooks: []string{"SagasStuck"},
				queries: []query{{`max by (saga, state) (orderprocessing_saga_oldest_age_seconds)`, "{{saga}} {{state}}"}},
			},
			{
				title: "Steps in vain", about: "Attempts at steps that failed, a second: the step names what is away.", unit: units.OpsPerSecond,
				runbooks: []string{"OrdersUndecided", "DependencyAway"},
				queries:  []query{{`sum by (saga, step) (rate(orderprocessing_saga_step_retries_total[$__rate_interval]))`, "{{saga}} {{step}}"}},
			},
			{
				title: "How long sagas take, p99", about: "From start to end. A parcel's saga may take days.", unit: units.Seconds,
				queries: []query{{`histogram_quantile(0.99, sum by (saga, le) (rate(orderprocessing_saga_duration_seconds_bucket[$__rate_interval])))`, "{{saga}}"}},
			},
		}},
		{"Stock, promises and jobs", []panel{
			{
				title: "Stock", about: "Units that orders hold, and units promised beyond what there is, which is never right.", unit: units.Short,
				runbooks: []string{"StockOversold"},
				queries: []query{
					{`max(orderprocessing_stock_held_units)`, "held"},
					{`max(orderprocessing_stock_oversold_units)`, "oversold"},
				},
			},
			{
				title: "Broken promises", about: "What the last integrity check found; the difference to the gateway's ledger is a part of it.", unit: units.Short,
				red: 1, runbooks: []string{"IntegrityBroken"},
				queries: []query{
					{`max(orderprocessing_integrity_violations)`, "all"},
					{`max(orderprocessing_integrity_ledger_differences)`, "ledger"},
				},
			},
			{
				title: "Since the last integrity check", about: "The smallest of all servers.", unit: units.Seconds, runbooks: []string{"JobsFailing"},
				queries: []query{{`time() - max(orderprocessing_integrity_checked_timestamp_seconds > 0)`, "since"}},
			},
			{
				title: "Periodic jobs that fail", about: "Failed runs in half an hour; three make a ticket.", unit: units.Short, red: 3, runbooks: []string{"JobsFailing"},
				queries: []query{{`sum by (job) (increase(orderprocessing_job_runs_total{outcome="failed"}[30m]))`, "{{job}}"}},
			},
		}},
	},
}
