package river

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	rq "github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"golang.org/x/sync/semaphore"

	"github.com/orderprocessing/orderprocessing/server/saga/progress"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// shard works on the sagas of one database.
type shard struct {
	options  Options
	db       *database.Database
	progress *progress.Store
	starter  *Starter
	names    []string                       // of the sagas
	places   map[string]*semaphore.Weighted // for each subject of a saga that is worked on
	turns    *turns

	id      string        // names this worker among all
	bell    *bell         // rings for new jobs on SQLite
	leave   func()        // ends listening to it; nil on Postgres
	pool    *pgxpool.Pool // of River; nil on SQLite
	life    *pgxpool.Conn // holds the lock that shows that this worker lives; nil on SQLite
	adopted time.Time     // when jobs of those who are gone were looked for
	client  client
	sweeper *progress.Loop
	staying context.Context    //nolint:containedctx // ends when work is to be given back
	drain   context.CancelFunc // makes work give back what it has after the step that runs

	mu      sync.Mutex
	soonest time.Time // what this process put off; zero when nothing
}

// client is a River client, whatever its transactions are.
type client interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	StopAndCancel(ctx context.Context) error
}

// The settings of River's clients.
const (
	fetchCooldown = 5 * time.Millisecond
	pollPostgres  = 2 * time.Second // should a notification be lost
	maxJobs       = 64              // of one saga in one shard at once
	poolSize      = 5               // LISTEN, fetch, complete, look after, show that it lives
	keepCompleted = time.Hour
	rescueAfter   = 10 * time.Minute // the sweep is much faster; this tidies up
)

func newShard(db *database.Database, options Options) (*shard, error) {
	starter, err := NewStarter(db, options.Now)
	if err != nil {
		return nil, err
	}
	s := &shard{
		options: options, db: db, starter: starter,
		names: slices.Sorted(maps.Keys(options.Sagas)), places: map[string]*semaphore.Weighted{}, turns: newTurns(options.Crowded),
	}
	for _, name := range s.names {
		s.places[name] = semaphore.NewWeighted(int64(options.Workers))
	}
	return s, nil
}

func (s *shard) start(ctx context.Context) (err error) {
	ctx = context.WithoutCancel(ctx)
	s.progress = progress.New(s.db, s.options.Saved)
	s.staying, s.drain = context.WithCancel(ctx) //nolint:gosec // stop cancels
	if s.client, err = s.newClient(ctx); err != nil {
		return err
	}
	if err := s.appear(ctx); err != nil {
		s.closePool()
		return err
	}
	s.adopted = time.Time{}
	s.sweeper = progress.StartLoop(ctx, s.sweepAndPause) // before the client, whose work nudges it
	if err := s.client.Start(ctx); err != nil {
		s.sweeper.Stop()
		s.disappear(ctx)
		s.closePool()
		return err
	}
	return nil
}

func (s *shard) newClient(ctx context.Context) (client, error) {
	s.id, s.bell = rand.Text(), newBell()
	workers := rq.NewWorkers()
	if err := rq.AddWorkerSafely(workers, &worker{shard: s}); err != nil {
		return nil, err
	}
	queues := map[string]rq.QueueConfig{}
	for _, name := range s.names {
		queues[name] = rq.QueueConfig{MaxWorkers: maxJobs}
	}
	config := &rq.Config{
		ID:     s.id,
		Queues: queues, Workers: workers,
		FetchCooldown: fetchCooldown, FetchPollInterval: pollPostgres,
		JobTimeout: -1, RescueStuckJobsAfter: rescueAfter,
		CompletedJobRetentionPeriod: keepCompleted,
		Logger:                      slog.New(warnings{s.options.Logger.Handler()}),
	}
	if s.db.Dialect() == database.SQLite {
		config.FetchPollInterval = s.options.PollEvery
		return rq.NewClient(ringing{riversqlite.New(s.db.Write), s.bell}, config)
	}
	pool, err := s.db.Pool(ctx, poolSize)
	if err != nil {
		return nil, err
	}
	s.pool = pool
	return rq.NewClient(riverpgxv5.New(pool), config)
}

func (s *shard) draining() bool { return s.staying.Err() != nil }

func (s *shard) stop(ctx context.Context) error {
	s.drain()
	if s.sweeper != nil {
		s.sweeper.Stop()
	}
	err := s.client.Stop(ctx)
	if err != nil { // out of time: end the steps' contexts, and wait for them
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err = errors.Join(err, s.client.StopAndCancel(grace))
	}
	s.disappear(context.WithoutCancel(ctx))
	s.progress.Close(context.WithoutCancel(ctx))
	s.closePool()
	return err
}

func (s *shard) closePool() {
	if s.pool != nil {
		s.pool.Close()
	}
}

// inTx runs fn in one transaction.
func (s *shard) inTx(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := s.db.Write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func (s *shard) failed(ctx context.Context, doing string, err error) {
	if ctx.Err() != nil {
		return
	}
	s.options.Logger.WarnContext(ctx, doing, slog.String(telemetry.LogDatabase, s.db.String()), slog.Any(telemetry.LogError, err))
}

// warnings lets only warnings and errors pass: River tells a lot about itself.
type warnings struct{ slog.Handler }

func (h warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}
