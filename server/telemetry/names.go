// Package telemetry sets up logs, metrics and traces, and holds the names that they use. What is
// worth recording is up to the rooms that do the work.
package telemetry

// Names of metrics. Units are in the names: seconds, bytes; counters end in _total.
const (
	MetricRPCRequests  = "orderprocessing_rpc_requests_total"
	MetricRPCDuration  = "orderprocessing_rpc_duration_seconds"
	MetricRPCInFlight  = "orderprocessing_rpc_in_flight"
	MetricRPCDenied    = "orderprocessing_rpc_denied_total"
	MetricBuild        = "orderprocessing_build_info"
	MetricTraceExports = "orderprocessing_trace_exports_total"
	MetricBatchSize    = "orderprocessing_store_batch_size"
	MetricBatchWait    = "orderprocessing_store_batch_wait_seconds"

	MetricReplicaServing    = "orderprocessing_replica_serving"
	MetricReplicaLagBytes   = "orderprocessing_replica_lag_bytes"
	MetricReplicaLagSeconds = "orderprocessing_replica_lag_seconds"
	MetricReplicaReads      = "orderprocessing_replica_reads_total"

	MetricSagas            = "orderprocessing_sagas"
	MetricSagaOldest       = "orderprocessing_saga_oldest_age_seconds"
	MetricSagaAge          = "orderprocessing_saga_duration_seconds"
	MetricStepRetries      = "orderprocessing_saga_step_retries_total"
	MetricBreakerState     = "orderprocessing_outbound_breaker_state"
	MetricOutboundDuration = "orderprocessing_outbound_duration_seconds"
	MetricOutboundRetries  = "orderprocessing_outbound_retries_total"
	MetricJobRuns          = "orderprocessing_job_runs_total"

	MetricOrders            = "orderprocessing_orders_total"
	MetricOrderDecision     = "orderprocessing_order_decision_seconds"
	MetricStockHeld         = "orderprocessing_stock_held_units"
	MetricStockOversold     = "orderprocessing_stock_oversold_units"
	MetricViolations        = "orderprocessing_integrity_violations"
	MetricLedgerDifferences = "orderprocessing_integrity_ledger_differences"
	MetricVerified          = "orderprocessing_integrity_checked_timestamp_seconds"

	MetricLimitCalls    = "orderprocessing_limit_calls_total"
	MetricLimitFallback = "orderprocessing_limit_fallback_total"
	MetricShedCalls     = "orderprocessing_shed_calls_total"
	MetricConcurrency   = "orderprocessing_concurrency_limit"

	MetricConfigReloads     = "orderprocessing_config_reloads_total"
	MetricConfigFingerprint = "orderprocessing_config_fingerprint"
	MetricConfigRestart     = "orderprocessing_config_restart_pending"
	MetricConfigLoaded      = "orderprocessing_config_loaded_timestamp_seconds"

	MetricVaultCalls  = "orderprocessing_vault_calls_total"
	MetricVaultExpiry = "orderprocessing_vault_login_expiry_timestamp_seconds"

	MetricCacheReads  = "orderprocessing_cache_reads_total"
	MetricCacheWrites = "orderprocessing_cache_writes_total"
	MetricCacheBytes  = "orderprocessing_cache_bytes"
	MetricCacheOwed   = "orderprocessing_cache_owed_updates"

	MetricFlagEvaluations = "orderprocessing_flag_evaluations_total"
	MetricFlagsAge        = "orderprocessing_flags_age_seconds"
)

// Names of metric labels. Their values come from small fixed sets, never from requests.
const (
	LabelProcedure = "procedure"
	LabelCode      = "code"
	LabelReason    = "reason"
	LabelVersion   = "version"
	LabelSaga      = "saga"
	LabelStep      = "step"
	LabelState     = "state"
	LabelReplica   = "replica" // its place in the configuration
	LabelWritten   = "written" // creates, changes, holds, payments or sagas

	LabelDependency = "dependency"
	LabelOutcome    = "outcome"
	LabelBudget     = "budget"
	LabelJob        = "job"

	LabelPath = "path" // of a user that Vault makes, or token

	LabelEvent = "event"
	LabelShard = "shard"
	LabelLayer = "layer"

	LabelFlag    = "flag"
	LabelVariant = "variant"
)

// Keys of log records.
const (
	LogProcedure  = "procedure"
	LogProtocol   = "protocol"
	LogPeer       = "peer"
	LogCaller     = "caller" // its id
	LogCode       = "code"
	LogReason     = "reason"
	LogSeconds    = "seconds" // how long it took
	LogBytesIn    = "bytes_in"
	LogBytesOut   = "bytes_out"
	LogError      = "error"
	LogErrorID    = "error_id"
	LogStack      = "stack"
	LogTraceID    = "trace_id"
	LogSpanID     = "span_id"
	LogAddress    = "address"
	LogOpsAddress = "ops_address"
	LogPart       = "part"
	LogFile       = "file"
	LogDatabase   = "database"
	LogSaga       = "saga" // its key, with the step
	LogAttempt    = "attempt"
	LogDependency = "dependency"
	LogFrom       = "from"
	LogTo         = "to"
	LogJob        = "job"
	LogKeys       = "keys" // of settings, never their values
	LogPath       = "path" // of a secret
	LogRetryAfter = "retry_after"
)

// Names of span attributes.
const (
	AttributeErrorID = "orderprocessing.error_id" // what a caller was given for an internal error
	AttributeCaller  = "enduser.id"
	AttributeBatch   = "orderprocessing.batch_size" // how many requests shared a commit
	AttributeSaga    = "orderprocessing.saga"       // its key, with the step
	AttributeAttempt = "orderprocessing.attempt"
	AttributeOutcome = "orderprocessing.outcome"
	AttributeReason  = "orderprocessing.reason"
)
