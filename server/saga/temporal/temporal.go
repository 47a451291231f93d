// Package temporal carries sagas through as Temporal workflows, for those who operate Temporal: one
// generic workflow runs any plan by the rules of package saga, each step an activity. Starts and
// signals commit in the table sagas with what they are about, and a relay hands them to Temporal
// from there; the workflow keeps the row up to date for operators. Nothing else imports its SDK.
package temporal

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/saga/progress"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// Options make an engine. Now, Logger, Observer, TaskQueue and Workers may be zero.
type Options struct {
	Client    client.Client // may be lazy: it connects when Temporal is there; the caller closes it
	TaskQueue string        // empty means orderprocessing
	Shards    []*database.Database
	ShardOf   func(slot int) int
	Sagas     saga.Book
	Workers   int // steps at once in this process; 0 means 256
	Now       func() time.Time
	Logger    *slog.Logger
	Observer  saga.Observer
	Tracer    trace.TracerProvider // nil for no traces
	// Saved is told of each batch of progress that shares a commit, and how long its first waited; nil for nobody.
	Saved func(batch int, waited time.Duration)
}

// Engine hands sagas to Temporal and works on their steps. Make it with New.
type Engine struct {
	options Options
	all     *progress.Shards
	relays  []*relay
	connect *progress.Loop
	worker  worker.Worker // of connect; nil until Temporal is there
	ready   atomic.Bool   // there is a worker
	count   *progress.Loop
}

var _ saga.Engine = (*Engine)(nil)

// New makes an engine.
func New(options Options) *Engine {
	if options.TaskQueue == "" {
		options.TaskQueue = "orderprocessing"
	}
	if options.Workers == 0 {
		options.Workers = 256
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if options.Observer == nil {
		options.Observer = saga.Unobserved{}
	}
	e := &Engine{options: options, all: progress.NewShards(options.Shards, options.ShardOf)}
	names := slices.Sorted(maps.Keys(options.Sagas))
	for _, db := range options.Shards {
		e.relays = append(e.relays, &relay{options: options, db: db, names: names, ready: &e.ready})
	}
	return e
}

const (
	countEvery = 15 * time.Second
	// connectEvery is how often a Temporal that is away is asked for.
	connectEvery = time.Second
)

// Start begins to work, as soon as Temporal is there: what starts before waits in its shard.
func (e *Engine) Start(ctx context.Context) error {
	for _, r := range e.relays {
		r.progress = progress.New(r.db, e.options.Saved)
		r.loop = progress.StartLoop(ctx, r.relayAndPause)
	}
	e.connect = progress.StartLoop(ctx, e.connectAndPause)
	e.count = progress.StartLoop(ctx, func(ctx context.Context) time.Duration {
		if err := e.all.Observe(ctx, e.options.Sagas, e.options.Now(), e.options.Observer); err != nil && ctx.Err() == nil {
			e.options.Logger.WarnContext(ctx, "count sagas", slog.Any(telemetry.LogError, err))
		}
		return countEvery
	})
	return nil
}

// connectAndPause begins to work on steps, unless it has, or Temporal is away.
func (e *Engine) connectAndPause(ctx context.Context) time.Duration {
	if e.worker != nil {
		return time.Hour
	}
	w := worker.New(e.options.Client, e.options.TaskQueue, worker.Options{
		MaxConcurrentActivityExecutionSize:      e.options.Workers,
		MaxConcurrentLocalActivityExecutionSize: e.options.Workers,
		WorkerStopTimeout:                       e.options.Sagas.LongestAttempt(),
	})
	e.register(w)
	if err := w.Start(); err != nil {
		e.options.Logger.WarnContext(ctx, "Temporal is away: sagas wait until it is back", slog.Any(telemetry.LogError, err))
		return connectEvery
	}
	e.worker = w
	e.ready.Store(true)
	return time.Hour
}

// Stop takes no more steps and lets those that run finish; Temporal keeps the rest.
func (e *Engine) Stop(ctx context.Context) error {
	e.count.Stop()
	for _, r := range e.relays {
		r.loop.Stop()
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		e.connect.Stop()
		if e.worker != nil {
			e.worker.Stop()
		}
	}()
	var err error
	select {
	case <-stopped:
	case <-ctx.Done():
		err = ctx.Err()
	}
	for _, r := range e.relays {
		r.progress.Close(context.WithoutCancel(ctx))
	}
	return err
}

// Find reads one record.
func (e *Engine) Find(ctx context.Context, slot int, subject, name string) (saga.Record, error) {
	return e.all.Find(ctx, slot, subject, name)
}

// List merges the pages of all shards.
func (e *Engine) List(ctx context.Context, page saga.Page) ([]saga.Record, error) {
	return e.all.List(ctx, page)
}

// Signal makes a saga that rests go on.
func (e *Engine) Signal(ctx context.Context, slot int, subject, name string) error {
	_, err := e.wake(ctx, slot, saga.Key(subject, name), false)
	return err
}

// Retry makes an unfinished saga go on with its attempts counted from 0.
func (e *Engine) Retry(ctx context.Context, slot int, subject, name string) error {
	found, err := e.wake(ctx, slot, saga.Key(subject, name), true)
	if err != nil || found {
		return err
	}
	r, err := e.Find(ctx, slot, subject, name)
	if err != nil {
		return err
	}
	return saga.ErrFinished(r.Key(), r.State)
}

func (e *Engine) wake(ctx context.Context, slot int, key string, again bool) (found bool, err error) {
	r := e.relays[e.options.ShardOf(slot)]
	tx, err := r.db.Write.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	if found, err = wakeTx(ctx, tx, r.db.Dialect(), key, e.options.Now(), again); err != nil {
		return false, errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return false, err
	}
	if r.loop != nil {
		r.loop.Nudge()
	}
	return found, nil
}

// Starter starts sagas in one shard; the relay of an engine finds them. Make it with NewStarter.
type Starter struct {
	dialect string
	now     func() time.Time
}

var _ saga.Starter = (*Starter)(nil)

// NewStarter makes a starter for databases of a dialect.
func NewStarter(dialect string, now func() time.Time) *Starter {
	return &Starter{dialect: dialect, now: now}
}

// StartTx stores the sagas, due at once or at their time.
func (s *Starter) StartTx(ctx context.Context, tx *sql.Tx, starts []saga.Start) error {
	records := make([]saga.Record, len(starts))
	for i, start := range starts {
		records[i] = saga.NewRecord(start, s.now(), 0)
		records[i].Rests = true
	}
	return progress.InsertTx(ctx, tx, s.dialect, records, 0)
}

// SignalTx makes a saga due; the relay passes it on as a signal.
func (s *Starter) SignalTx(ctx context.Context, tx *sql.Tx, subject, name string) error {
	_, err := wakeTx(ctx, tx, s.dialect, saga.Key(subject, name), s.now(), false)
	return err
}

// wakeTx makes a row due now.
func wakeTx(ctx context.Context, tx *sql.Tx, dialect, key string, now time.Time, again bool) (bool, error) {
	now = now.UTC().Truncate(time.Microsecond)
	return progress.WakeTx(ctx, tx, dialect, key, ticket, now, now, again)
}
