package river_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/saga/river"
	"github.com/orderprocessing/orderprocessing/server/saga/sagatest"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/migrate"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
)

// newEngine makes an engine with the real clock.
func newEngine(tb testing.TB, db *database.Database, observer saga.Observer, sagas ...*saga.Saga) *river.Engine {
	tb.Helper()
	return newEngineWith(tb, db, river.Options{Observer: observer}, sagas...)
}

// newEngineWith makes an engine over one database, which options need not name.
func newEngineWith(tb testing.TB, db *database.Database, options river.Options, sagas ...*saga.Saga) *river.Engine {
	tb.Helper()
	book, err := saga.NewBook(sagas...)
	require.NoError(tb, err)
	options.Shards, options.ShardOf, options.Sagas = []*database.Database{db}, func(int) int { return 0 }, book
	engine, err := river.New(options)
	require.NoError(tb, err)
	return engine
}

func start(tb testing.TB, db *database.Database, name string, subjects ...string) {
	tb.Helper()
	require.NoError(tb, inTx(tb.Context(), db, func(tx *sql.Tx) error {
		startTx(tb, db, tx, name, subjects...)
		return nil
	}))
}

func startTx(tb testing.TB, db *database.Database, tx *sql.Tx, name string, subjects ...string) {
	tb.Helper()
	starter, err := river.NewStarter(db, time.Now)
	require.NoError(tb, err)
	starts := make([]saga.Start, len(subjects))
	for i, subject := range subjects {
		starts[i] = saga.Start{Subject: subject, Saga: name, Deadline: time.Now().Add(time.Hour)}
	}
	require.NoError(tb, starter.StartTx(tb.Context(), tx, starts))
}

func subjects(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("ord_%03d", i)
	}
	return all
}

func TestEngine_Stop(t *testing.T) {
	onBoth(t, func(t *testing.T, location string) {
		t.Run("what runs finishes its step, and the next engine goes on without waiting for a lease", func(t *testing.T) {
			db, world := prepared(t, location), sagatest.NewWorld()
			began, open := make(chan struct{}, 100), make(chan struct{})
			plan := &saga.Saga{Name: "place", Steps: []saga.Step{world.Step("hold"), world.Step("assess"), world.Step("authorize"), world.Step("confirm")}}
			do := plan.Steps[1].Do
			plan.Steps[1].Do = func(ctx context.Context, call saga.Call) (saga.Result, error) {
				began <- struct{}{}
				<-open
				return do(ctx, call)
			}
			first := newEngine(t, db, nil, plan)
			require.NoError(t, first.Start(t.Context()))
			start(t, db, "place", subjects(50)...)
			for range 50 {
				<-began
			}
			stopped := make(chan error)
			go func() { stopped <- first.Stop(context.Background()) }()
			require.Eventually(t, first.Draining, 10*time.Second, time.Millisecond)
			close(open)
			require.NoError(t, <-stopped)
			for _, subject := range subjects(50) {
				require.Len(t, world.Log(subject), 2, "no step began while it stopped")
			}

			seen := &finished{done: make(chan struct{})}
			seen.left.Store(50)
			second := newEngine(t, db, seen, plan)
			require.NoError(t, second.Start(t.Context()))
			<-seen.done
			require.NoError(t, second.Stop(t.Context()))
			for _, subject := range subjects(50) {
				world.RequireOnce(t, subject, saga.StateDone)
				require.Len(t, world.Attempts(subject+"/place/assess"), 1, "a step that finished is not repeated")
			}
		})
	})
}

func TestEngine_Load(t *testing.T) {
	onBoth(t, func(t *testing.T, location string) {
		t.Run("the subjects of a job are loaded together, for what is done and not for what is undone", func(t *testing.T) {
			db, world := prepared(t, location), sagatest.NewWorld()
			var mu sync.Mutex
			loads, did, undid := [][]string{}, map[string]any{}, map[string]any{}
			step := world.Step("hold")
			do, undo := step.Do, step.Undo
			step.Do = func(ctx context.Context, call saga.Call) (saga.Result, error) {
				mu.Lock()
				did[call.Subject] = call.Loaded
				mu.Unlock()
				return do(ctx, call)
			}
			step.Undo = func(ctx context.Context, call saga.Call) error {
				mu.Lock()
				undid[call.Subject] = call.Loaded
				mu.Unlock()
				return undo(ctx, call)
			}
			refuse := saga.Step{Name: "refuse", Do: func(context.Context, saga.Call) (saga.Result, error) { return saga.Refused("NO"), nil }}
			plan := &saga.Saga{Name: "place", Steps: []saga.Step{step, refuse}, Load: func(_ context.Context, subjects []string) (map[string]any, error) {
				mu.Lock()
				defer mu.Unlock()
				loads = append(loads, slices.Sorted(slices.Values(subjects)))
				return map[string]any{"ord_000": "loaded"}, nil
			}}
			seen := &finished{done: make(chan struct{})}
			seen.left.Store(3)
			engine := newEngine(t, db, seen, plan)
			start(t, db, "place", subjects(3)...)
			require.NoError(t, engine.Start(t.Context()))
			<-seen.done
			require.NoError(t, engine.Stop(t.Context()))
			require.Equal(t, [][]string{subjects(3)}, loads)
			require.Equal(t, map[string]any{"ord_000": "loaded", "ord_001": nil, "ord_002": nil}, did)
			require.Equal(t, map[string]any{"ord_000": nil, "ord_001": nil, "ord_002": nil}, undid)
		})
	})
}

// standing remembers what it was told.
type standing struct {
	saga.Unobserved
	mu     sync.Mutex
	counts map[string]int
}

func (s *standing) SagasStanding(name, state string, count int, _ time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[name+" "+state] = count
}

func (s *standing) count(at string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[at]
}

func TestEngine_stuck(t *testing.T) {
	onBoth(t, func(t *testing.T, location string) {
		db := prepared(t, location)
		var mended atomic.Bool
		plan := &saga.Saga{Name: "cancel", AlertAfter: 2, Steps: []saga.Step{
			{
				Name: "release", Do: func(context.Context, saga.Call) (saga.Result, error) { return saga.Done(), nil },
				Retry: saga.Retry{Base: time.Millisecond, Max: time.Millisecond},
				Undo: func(_ context.Context, call saga.Call) error {
					if mended.Load() {
						return nil
					}
					failure := fault.New(fault.KindUnavailable, fault.ReasonDatabaseDown, "not now")
					if call.Attempt == 2 { // now it is stuck, and nothing but a retry wakes it
						failure.RetryAfter = time.Hour
					}
					return failure
				},
			},
			{Name: "refuse", Do: func(context.Context, saga.Call) (saga.Result, error) { return saga.Refused("NO"), nil }},
		}}
		observer := &standing{counts: map[string]int{}}
		engine := newEngine(t, db, observer, plan)
		require.NoError(t, engine.Start(t.Context()))
		start(t, db, "cancel", "ord_1", "ord_2", "ord_3")
		for _, subject := range []string{"ord_1", "ord_2", "ord_3"} {
			untilState(t, engine, subject, "cancel", saga.StateStuck)
		}
		t.Run("what keeps failing is listed, page by page", func(t *testing.T) {
			first, err := engine.List(t.Context(), saga.Page{State: saga.StateStuck, Limit: 2})
			require.NoError(t, err)
			require.Len(t, first, 2)
			rest, err := engine.List(t.Context(), saga.Page{State: saga.StateStuck, After: first[1].Key(), Limit: 2})
			require.NoError(t, err)
			require.Len(t, rest, 1)
			require.Equal(t, "ord_3", rest[0].Subject)
			require.Equal(t, "DATABASE_UNAVAILABLE", rest[0].Reason)
			require.Equal(t, "NO", rest[0].Cause)
			require.Eventually(t, func() bool { // the engine counts by itself too, as it starts
				engine.Count(t.Context())
				return observer.count("cancel stuck") == 3 && observer.count("cancel running") == 0
			}, 20*time.Second, 5*time.Millisecond)
		})
		t.Run("a retry takes it to its end", func(t *testing.T) {
			mended.Store(true)
			require.NoError(t, engine.Retry(t.Context(), 0, "ord_1", "cancel"))
			untilState(t, engine, "ord_1", "cancel", saga.StateUndone)
			require.Equal(t, fault.ReasonSagaFinished, fault.ReasonOf(engine.Retry(t.Context(), 0, "ord_1", "cancel")))
			require.Equal(t, fault.ReasonSagaNotFound, fault.ReasonOf(engine.Retry(t.Context(), 0, "ord_9", "cancel")))
		})
		require.NoError(t, engine.Stop(t.Context()))
	})
}

// untilState waits for a state.
func untilState(t *testing.T, engine *river.Engine, subject, name string, want saga.State) {
	t.Helper()
	require.Eventually(t, func() bool {
		r, err := engine.Find(t.Context(), 0, subject, name)
		return err == nil && r.State == want
	}, 20*time.Second, 5*time.Millisecond)
}

func TestStarter(t *testing.T) {
	onBoth(t, func(t *testing.T, location string) {
		db, world := prepared(t, location), sagatest.NewWorld()
		plan := &saga.Saga{Name: "place", Steps: []saga.Step{world.Step("hold")}}
		engine := newEngine(t, db, nil, plan)
		starter, err := river.NewStarter(db, time.Now)
		require.NoError(t, err)
		t.Run("a transaction that is rolled back starts nothing", func(t *testing.T) {
			failed := errors.New("no")
			require.ErrorIs(t, inTx(t.Context(), db, func(tx *sql.Tx) error {
				require.NoError(t, starter.StartTx(t.Context(), tx, []saga.Start{{Subject: "ord_1", Saga: "place"}}))
				return failed
			}), failed)
			_, err := engine.Find(t.Context(), 0, "ord_1", "place")
			require.Equal(t, fault.ReasonSagaNotFound, fault.ReasonOf(err))
		})
		t.Run("a batch is one row each and one job for 128", func(t *testing.T) {
			start(t, db, "place", subjects(300)...)
			require.Equal(t, 300, count(t, db, "sagas"))
			require.Equal(t, 3, count(t, db, "river_job"))
		})
		t.Run("no subjects are no statement", func(t *testing.T) {
			require.NoError(t, starter.StartTx(t.Context(), nil, nil))
		})
		t.Run("a signal to what is not there does nothing", func(t *testing.T) {
			require.NoError(t, engine.Signal(t.Context(), 0, "ord_none", "place"))
			require.Equal(t, 3, count(t, db, "river_job"))
		})
		t.Run("starts wait for an engine", func(t *testing.T) {
			require.NoError(t, engine.Start(t.Context()))
			untilState(t, engine, "ord_299", "place", saga.StateDone)
			untilState(t, engine, "ord_000", "place", saga.StateDone)
			require.NoError(t, engine.Stop(t.Context()))
		})
	})
}

func count(t *testing.T, db *database.Database, table string) (n int) {
	t.Helper()
	require.NoError(t, db.Read.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n))
	return n
}

func TestMigrate_twentyReplicas(t *testing.T) {
	for name, location := range map[string]string{"sqlite": "sqlite://" + t.TempDir() + "/shard.db", "postgres": pgtest.EmptyURL(t)} {
		t.Run(name, func(t *testing.T) {
			db := open(t, location)
			require.Equal(t, river.ReasonPending, fault.ReasonOf(river.Verify(t.Context(), db)))
			var group sync.WaitGroup
			for range 20 {
				replica := open(t, location)
				group.Go(func() {
					if err := river.Migrate(t.Context(), replica); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			require.NoError(t, river.Verify(t.Context(), db))
			require.Equal(t, 6, count(t, db, "river_migration"))
		})
	}
}

// TestMigrate_relaxes takes what they say out of River's checks, while a server works, and in a way that River's
// next migrations can live with.
func TestMigrate_relaxes(t *testing.T) {
	location := pgtest.EmptyURL(t)
	serving, db := open(t, location), open(t, location)
	_, err := migrate.Up(t.Context(), db)
	require.NoError(t, err)
	m, err := rivermigrate.New(riverdatabasesql.New(db.Write), nil)
	require.NoError(t, err)
	_, err = m.Migrate(t.Context(), rivermigrate.DirectionUp, nil)
	require.NoError(t, err)
	starter, err := river.NewStarter(serving, time.Now)
	require.NoError(t, err)
	started := 0
	start := func() {
		t.Helper()
		started++
		require.NoError(t, inTx(t.Context(), serving, func(tx *sql.Tx) error {
			return starter.StartTx(t.Context(), tx, []saga.Start{{Subject: fmt.Sprintf("ord_%d", started), Saga: "place", Deadline: time.Now().Add(time.Hour)}})
		}))
	}
	const checks = "pg_constraint WHERE conrelid = 'river_job'::regclass AND contype = 'c'"
	names := count(t, db, checks)
	require.Positive(t, names)
	relaxed := func() {
		t.Helper()
		require.Equal(t, names, count(t, db, checks+" AND pg_get_constraintdef(oid) = 'CHECK (true)'"))
		start()
	}
	start()
	require.NoError(t, river.Migrate(t.Context(), db))
	relaxed()
	require.Equal(t, started, count(t, db, "river_job"))

	_, err = m.Migrate(t.Context(), rivermigrate.DirectionDown, &rivermigrate.MigrateOpts{TargetVersion: 3})
	require.NoError(t, err)
	require.NoError(t, river.Migrate(t.Context(), db), "River's fourth migration drops a check and makes it anew")
	relaxed()
}

func TestNew(t *testing.T) {
	t.Run("a lease that attempts outlast is refused", func(t *testing.T) {
		book, err := saga.NewBook(&saga.Saga{Name: "slow", Steps: []saga.Step{{
			Name: "wait", Deadline: time.Hour, Do: func(context.Context, saga.Call) (saga.Result, error) { return saga.Done(), nil },
		}}})
		require.NoError(t, err)
		_, err = river.New(river.Options{Sagas: book, Lease: time.Minute})
		require.ErrorContains(t, err, "lease")
	})
}
