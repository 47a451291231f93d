package main

import "github.com/grafana/grafana-foundation-sdk/go/units"

var storage = board{
	name: "storage", title: "Orders: storage and shards",
	about: "Databases, their balance, what shares a commit, replicas and copies.",
	rows: []row{
		{"Shards", []panel{
			{
				title: "Balance", about: "Share of the placed orders by shard; even is one over their number.", unit: units.PercentUnit,
				queries: []query{{
					`sum by (shard) (rate(orderprocessing_orders_total{event="placed"}[$__rate_interval]))` +
						` / on () group_left () sum(rate(orderprocessing_orders_total{event="placed"}[$__rate_interval]))`, "shard {{shard}}",
				}},
			},
			{
				title: "Requests a commit", about: "The mean; it grows with the load.", unit: units.Short,
				queries: []query{{
					`sum by (written) (rate(orderprocessing_store_batch_size_sum[$__rate_interval]))` +
						` / sum by (written) (rate(orderprocessing_store_batch_size_count[$__rate_interval]))`, "{{written}}",
				}},
			},
			{
				title: "Waiting for the batch before, p99", about: "The first request of a batch waits for the commit before: the database's pace.",
				unit: units.Seconds, runbooks: []string{"CreateOrderSlow"},
				queries: []query{{`histogram_quantile(0.99, sum by (written, le) (rate(orderprocessing_store_batch_wait_seconds_bucket[$__rate_interval])))`, "{{written}}"}},
			},
		}},
		{"Connections", []panel{
			{
				title: "In use", about: "Share of the connections to a database that are in use.", unit: units.PercentUnit, red: 1,
				queries: []query{{`max by (db_name) (go_sql_in_use_connections / (go_sql_max_open_connections > 0))`, "{{db_name}}"}},
			},
			{
				title: "Waiting for a connection", about: "Seconds waited a second. Steady waiting means too few connections, or a slow database.",
				unit: units.Short, runbooks: []string{"CreateOrderSlow"},
				queries: []query{{`sum by (db_name) (rate(go_sql_wait_duration_seconds_total[$__rate_interval]))`, "{{db_name}}"}},
			},
		}},
		{"Replicas", []panel{
			{
				title: "Lag", about: "How old what a replica sees is. Behind the limit it serves no reads.", unit: units.Seconds,
				queries: []query{{`max by (replica) (orderprocessing_replica_lag_seconds)`, "replica {{replica}}"}},
			},
			{
				title: "Log to replay", about: "How much of its shard's log a replica has not replayed.", unit: units.BytesIEC,
				queries: []query{{`max by (replica) (orderprocessing_replica_lag_bytes)`, "replica {{replica}}"}},
			},
			{
				title: "Serving", about: "1 while it answers and follows its shard.", unit: units.Short,
				queries: []query{{`min by (replica) (orderprocessing_replica_serving)`, "replica {{replica}}"}},
			},
			{
				title: "Where reads went", about: "Reads that a replica might have served.", unit: units.OpsPerSecond,
				queries: []query{{`sum by (outcome) (rate(orderprocessing_replica_reads_total[$__rate_interval]))`, "{{outcome}}"}},
			},
		}},
		{"Copies", []panel{
			{
				title: "Found", about: "Share of the reads that a layer had a copy for.", unit: units.PercentUnit,
				queries: []query{{
					`sum by (layer) (rate(orderprocessing_cache_reads_total{outcome="hit"}[$__rate_interval]))` +
						` / sum by (layer) (rate(orderprocessing_cache_reads_total[$__rate_interval]))`, "{{layer}}",
				}},
			},
			{
				title: "Written", about: "What was loaded or changed: stored, refused as it may be old, or an error.", unit: units.OpsPerSecond,
				queries: []query{{`sum by (layer, outcome) (rate(orderprocessing_cache_writes_total[$__rate_interval]))`, "{{layer}} {{outcome}}"}},
			},
			{
				title: "Memory", about: "Bytes that copies take in each process.", unit: units.BytesIEC,
				queries: []query{{`max by (instance) (orderprocessing_cache_bytes)`, "{{instance}}"}},
			},
			{
				title: "Owed to the shared cache", about: "Changes that it has not been told of; they are sent when it is back.", unit: units.Short,
				queries: []query{{`sum by (instance) (orderprocessing_cache_owed_updates)`, "{{instance}}"}},
			},
		}},
	},
}
