package main

import "github.com/grafana/grafana-foundation-sdk/go/units"

var processes = board{
	name: "processes", title: "Orders: processes and limits",
	about: "What each server takes of its machine, and whom it turns away.",
	rows: []row{
		{"Machine", []panel{
			{
				title: "CPU", about: "Processors that each server keeps busy.", unit: units.Short,
				queries: []query{{`rate(process_cpu_seconds_total{job="orderprocessing"}[$__rate_interval])`, "{{instance}}"}},
			},
			{
				title: "Memory", about: "Resident memory.", unit: units.BytesIEC,
				queries: []query{{`process_resident_memory_bytes{job="orderprocessing"}`, "{{instance}}"}},
			},
			{
				title: "File handles", about: "Share of those that the process may open.", unit: units.PercentUnit, red: .8,
				queries: []query{{`process_open_fds{job="orderprocessing"} / process_max_fds{job="orderprocessing"}`, "{{instance}}"}},
			},
		}},
		{"Go", []panel{
			{
				title: "Goroutines", about: "Steady growth is a leak.", unit: units.Short,
				queries: []query{{`go_goroutines{job="orderprocessing"}`, "{{instance}}"}},
			},
			{
				title: "Heap", about: "Bytes in use.", unit: units.BytesIEC,
				queries: []query{{`go_memstats_heap_inuse_bytes{job="orderprocessing"}`, "{{instance}}"}},
			},
			{
				title: "Longest pause", about: "Of the garbage collections that Go remembers.", unit: units.Seconds,
				queries: []query{{`go_gc_duration_seconds{job="orderprocessing",quantile=~"1|1[.]0"}`, "{{instance}}"}},
			},
		}},
		{"Who is turned away", []panel{
			{
				title: "Calls under way", about: "And how many may be at once; the limit shrinks while answers are slow.", unit: units.Short,
				runbooks: []string{"CreateOrderSlow"},
				queries: []query{
					{`orderprocessing_rpc_in_flight`, "{{instance}}"},
					{`orderprocessing_concurrency_limit`, "{{instance}} limit"},
				},
			},
			{
				title: "Shed and limited", about: "Calls turned away as too many were under way, and those beyond a budget.", unit: units.RequestsPerSecond,
				queries: []query{
					{`sum(rate(orderprocessing_shed_calls_total[$__rate_interval]))`, "shed"},
					{`sum by (budget) (rate(orderprocessing_limit_calls_total{outcome="limited"}[$__rate_interval]))`, "beyond {{budget}}"},
				},
			},
			{
				title: "Counted alone", about: "Calls counted in the process because the shared buckets were away.", unit: units.RequestsPerSecond,
				queries: []query{{`sum by (instance) (rate(orderprocessing_limit_fallback_total[$__rate_interval]))`, "{{instance}}"}},
			},
			{
				title: "Denied", about: "Calls refused for who calls, by reason. A burst is somebody who tries.", unit: units.RequestsPerSecond,
				queries: []query{{`sum by (reason) (rate(orderprocessing_rpc_denied_total[$__rate_interval]))`, "{{reason}}"}},
			},
		}},
		{"Starts", []panel{
			{
				title: "Versions", about: "Servers by version, during a rollout both.", unit: units.Short,
				queries: []query{{`count by (version) (orderprocessing_build_info)`, "{{version}}"}},
			},
			{
				title: "Restarts", about: "How often each server started within an hour.", unit: units.Short, red: 1,
				queries: []query{{`changes(process_start_time_seconds{job="orderprocessing"}[1h])`, "{{instance}}"}},
			},
		}},
	},
}
