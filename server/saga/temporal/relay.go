package temporal

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

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
	// atOnce is how many are handed over at the same time: each is a call.
	atOnce = 32
)

// relay hands what is due in one shard over to Temporal.
type relay struct {
	options  Options
	db       *database.Database
	names    []string
	progress *progress.Store
	loop     *progress.Loop
	ready    *atomic.Bool // Temporal is there
}

func (r *relay) relayAndPause(ctx context.Context) time.Duration {
	for r.ready.Load() {
		n, err := r.relay(ctx)
		if err != nil && ctx.Err() == nil {
			r.options.Logger.WarnContext(ctx, "hand sagas over to Temporal", slog.String(telemetry.LogDatabase, r.db.String()), slog.Any(telemetry.LogError, err))
		}
		if err != nil || n < maxRelay {
			return relayEvery
		}
	}
	return relayEvery
}

// relay hands over one batch. What fails is due again after a while, and so is what is woken while it
// is on its way: the workflow may have looked before that.
func (r *relay) relay(ctx context.Context) (n int, err error) {
	now := r.options.Now().UTC().Truncate(time.Microsecond)
	next, err := r.progress.NextWake(ctx)
	if err != nil || next.IsZero() || next.After(now) {
		return 0, err
	}
	var due progress.Due
	taken := now.Add(handOver)
	if err := r.inTx(ctx, func(tx *sql.Tx) (err error) {
		due, n, err = r.progress.Take(ctx, tx, r.names, now, maxRelay, ticket, taken)
		return err
	}); err != nil {
		return 0, err
	}
	for _, keys := range due {
		records, err := r.progress.Held(ctx, keys, ticket)
		if err != nil {
			return 0, err
		}
		over, err := r.handOver(ctx, records)
		if err := errors.Join(err, r.progress.Settle(ctx, over, ticket, taken, now.Add(checkEvery))); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// handOver starts the workflows of records, or wakes them, and gives the keys of those that Temporal
// has. One that has ended well stays ended; one that somebody ended begins again.
func (r *relay) handOver(ctx context.Context, records []saga.Record) ([]string, error) {
	errs := make([]error, len(records))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, record := range records {
		group.Go(func() error {
			_, err := r.options.Client.SignalWithStartWorkflow(ctx, record.Key(), signalName, nil, client.StartWorkflowOptions{
				TaskQueue: r.options.TaskQueue, WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
			}, workflowName, Input{Record: record, Signaled: true})
			var ended *serviceerror.WorkflowExecutionAlreadyStarted
			if !errors.As(err, &ended) {
				errs[i] = err
			}
			return nil
		})
	}
	_ = group.Wait() // they tell in errs
	over := make([]string, 0, len(records))
	for i, record := range records {
		if errs[i] == nil {
			over = append(over, record.Key())
		}
	}
	return over, errors.Join(errs...)
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
