package temporal

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/saga/progress"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

const (
	// ticket marks rows that Temporal has: one workflow a row writes them, so they need no other.
	ticket = 1
	// handOver is how long handing a row over may take before another replica tries.
	handOver   = 30 * time.Second
	relayEvery = 200 * time.Millisecond
	// checkEvery is how often a saga past its deadline is handed over again, should Temporal have
	// lost it.
	checkEvery = time.Hour
	maxRelay   = 256
)

// relay hands what is due in one shard over to Temporal.
type relay struct {
	options  Options
	db       *database.Database
	names    []string
	progress *progress.Store
	loop     *progress.Loop
}

func (r *relay) relayAndPause(ctx context.Context) time.Duration {
	for {
		n, err := r.relay(ctx)
		if err != nil && ctx.Err() == nil {
			r.options.Logger.WarnContext(ctx, "hand sagas over to Temporal", slog.String(telemetry.LogDatabase, r.db.String()), slog.Any(telemetry.LogError, err))
		}
		if err != nil || n < maxRelay {
			return relayEvery
		}
	}
}

// relay hands over one batch. What fails is due again after a while.
func (r *relay) relay(ctx context.Context) (n int, err error) {
	now := r.options.Now().UTC().Truncate(time.Microsecond)
	next, err := r.progress.NextWake(ctx)
	if err != nil || next.IsZero() || next.After(now) {
		return 0, err
	}
	var due progress.Due
	if err := r.inTx(ctx, func(tx *sql.Tx) (err error) {
		due, n, err = r.progress.Take(ctx, tx, r.names, now, maxRelay, ticket, now.Add(handOver))
		return err
	}); err != nil {
		return 0, err
	}
	for _, keys := range due {
		records, err := r.progress.Held(ctx, keys, ticket)
		if err != nil {
			return 0, err
		}
		for _, record := range records {
			if err := r.handOver(ctx, record, now); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

// handOver starts the workflow of a record, or wakes it. One that has ended stays ended.
func (r *relay) handOver(ctx context.Context, record saga.Record, now time.Time) error {
	_, err := r.options.Client.SignalWithStartWorkflow(ctx, record.Key(), signalName, nil, client.StartWorkflowOptions{
		TaskQueue: r.options.TaskQueue, WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
	}, workflowName, Input{Record: record, Signaled: true})
	var started *serviceerror.WorkflowExecutionAlreadyStarted
	if err != nil && !errors.As(err, &started) {
		return err
	}
	wake := record.Deadline.Add(checkEvery)
	if !wake.After(now) {
		wake = now.Add(checkEvery)
	}
	return r.inTx(ctx, func(tx *sql.Tx) error {
		_, err := progress.WakeTx(ctx, tx, r.db.Dialect(), record.Key(), ticket, now, wake, false)
		return err
	})
}

func (r *relay) inTx(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := r.db.Write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}
