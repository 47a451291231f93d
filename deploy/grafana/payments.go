package main

import "github.com/grafana/grafana-foundation-sdk/go/units"

var payments = board{
	name: "payments", title: "Orders: payments and gateway",
	about: "The gateway and the other dependencies, and what is asked of payments.",
	rows: []row{
		{"Dependencies", []panel{
			{
				title: "Circuit breakers", about: "0 closed, 1 half open, 2 open: calls are kept back.", unit: units.Short, red: 1,
				runbooks: []string{"DependencyAway"},
				queries:  []query{{`max by (dependency) (orderprocessing_outbound_breaker_state)`, "{{dependency}}"}},
			},
			{
				title: "Tries by outcome", about: "Tries to call a dependency, a second. Failed means no answer; answered means that it works, and may have said no.",
				unit: units.RequestsPerSecond, runbooks: []string{"DependencyAway"},
				queries: []query{{`sum by (dependency, outcome) (rate(orderprocessing_outbound_duration_seconds_count[$__rate_interval]))`, "{{dependency}} {{outcome}}"}},
			},
		}},
		{"How they answer", []panel{
			{
				title: "How long tries take, p99", about: "Without those that were kept back.", unit: units.Seconds,
				queries: []query{{
					`histogram_quantile(0.99, sum by (dependency, le) (rate(orderprocessing_outbound_duration_seconds_bucket{outcome!="kept_back"}[$__rate_interval])))`,
					"{{dependency}}",
				}},
			},
			{
				title: "Tried again", about: "Tries that were made again, a second. A budget keeps them under a tenth of the calls.", unit: units.RequestsPerSecond,
				queries: []query{{`sum by (dependency) (rate(orderprocessing_outbound_retries_total[$__rate_interval]))`, "{{dependency}}"}},
			},
		}},
		{"Payments", []panel{
			{
				title: "Calls of the payment service", about: "By procedure and code. The sagas of orders pay without these.", unit: units.RequestsPerSecond,
				queries: []query{{
					`sum by (procedure, code) (rate(orderprocessing_rpc_requests_total{procedure=~"/payments[.].*"}[$__rate_interval]))`, "{{procedure}} {{code}}",
				}},
			},
			{
				title: "Differences to the gateway's ledger", about: "Payments of which it says other than ours, at the last integrity check.", unit: units.Short,
				red: 1, runbooks: []string{"IntegrityBroken"},
				queries: []query{{`max(orderprocessing_integrity_ledger_differences)`, "payments"}},
			},
		}},
	},
}
