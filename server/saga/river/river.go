// Package river carries sagas through with River, whose jobs live in the shard's own database and
// are inserted in the transaction that starts a saga. A job is a wake-up for a batch of subjects,
// as many as started or fell due together; how far each has come is in the table sagas (package
// progress). docs/adr/0011 says why. What sagas are is left to package saga.
package river

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/saga/progress"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// Options make an engine. All but Shards, ShardOf and Sagas may be zero.
type Options struct {
	Shards  []*database.Database // migrated by this package too; open for as long as the engine runs
	ShardOf func(slot int) int   // the place in Shards of a slot
	Sagas   saga.Book
	// Workers is how many subjects of one saga a shard works on at once. 0 means 128.
	Workers int
	// Crowded tells whether callers are turned away now, to whom work on sagas gives way. Nil means never.
	Crowded func() bool
	// Lease is how long a saga may be silent before another job takes it over, should nobody notice that
	// its worker is gone. 0 means three times the longest attempt.
	Lease time.Duration
	// SweepEvery is how often to look for what is due. What this process itself puts off it knows
	// better. 0 means 1 s.
	SweepEvery time.Duration
	// PollEvery is how often a SQLite shard is asked for jobs that other processes inserted: within one they
	// are told. 0 means 5 s.
	PollEvery time.Duration
	Now       func() time.Time
	Logger    *slog.Logger
	Observer  saga.Observer
	Tracer    trace.TracerProvider // nil for no traces
	// Saved is told of each batch of progress that shares a commit, and how long its first waited; nil for nobody.
	Saved func(batch int, waited time.Duration)
}

func (o Options) withDefaults() Options {
	if o.Workers == 0 {
		o.Workers = 128
	}
	if o.Lease == 0 {
		o.Lease = 3 * o.Sagas.LongestAttempt()
	}
	if o.SweepEvery == 0 {
		o.SweepEvery = time.Second
	}
	if o.PollEvery == 0 {
		o.PollEvery = 5 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Observer == nil {
		o.Observer = saga.Unobserved{}
	}
	return o
}

// Engine works on the sagas of all shards. Make it with New.
type Engine struct {
	options Options
	shards  []*shard
	all     *progress.Shards
	count   *progress.Loop
}

var _ saga.Engine = (*Engine)(nil)

// New makes an engine.
func New(options Options) (*Engine, error) {
	options = options.withDefaults()
	if longest := options.Sagas.LongestAttempt(); options.Lease < 2*longest {
		return nil, fmt.Errorf("a lease of %s is too short for attempts of %s", options.Lease, longest)
	}
	e := &Engine{options: options, all: progress.NewShards(options.Shards, options.ShardOf)}
	for _, db := range options.Shards {
		s, err := newShard(db, options)
		if err != nil {
			return nil, err
		}
		e.shards = append(e.shards, s)
	}
	return e, nil
}

// countEvery is how often the standing sagas are counted for the Observer.
const countEvery = 15 * time.Second

// Start begins to work in every shard.
func (e *Engine) Start(ctx context.Context) error {
	for i, s := range e.shards {
		if err := s.start(ctx); err != nil {
			for _, started := range e.shards[:i] {
				err = errors.Join(err, started.stop(ctx))
			}
			return err
		}
	}
	e.count = progress.StartLoop(ctx, func(ctx context.Context) time.Duration {
		e.Count(ctx)
		return countEvery
	})
	return nil
}

// Stop lets the steps that run finish, and gives the rest back.
func (e *Engine) Stop(ctx context.Context) error {
	if e.count != nil {
		e.count.Stop()
	}
	for _, s := range e.shards {
		s.drain() // all at once, then one after the other waits
	}
	var err error
	for _, s := range e.shards {
		err = errors.Join(err, s.stop(ctx))
	}
	return err
}

// Sweep turns all that is due into jobs now.
func (e *Engine) Sweep(ctx context.Context) error {
	var err error
	for _, s := range e.shards {
		err = errors.Join(err, s.sweep(ctx))
	}
	return err
}

// Count tells the Observer how many sagas stand where.
func (e *Engine) Count(ctx context.Context) {
	err := e.all.Observe(ctx, e.options.Sagas, e.options.Now(), e.options.Observer)
	if err != nil && ctx.Err() == nil {
		e.options.Logger.WarnContext(ctx, "count sagas", slog.Any(telemetry.LogError, err))
	}
}
