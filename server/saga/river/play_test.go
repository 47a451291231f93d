package river_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/saga/river"
	"github.com/orderprocessing/orderprocessing/server/saga/sagatest"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/migrate"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func onBoth(t *testing.T, test func(t *testing.T, location string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, "sqlite://"+t.TempDir()+"/shard.db") })
	t.Run("postgres", func(t *testing.T) { test(t, pgtest.URL(t)) })
}

func open(tb testing.TB, location string) *database.Database {
	tb.Helper()
	db, err := database.Open(tb.Context(), location, database.Options{MaxConnections: 2})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, db.Close()) })
	return db
}

func prepared(tb testing.TB, location string) *database.Database {
	tb.Helper()
	db := open(tb, location)
	_, err := migrate.Up(tb.Context(), db)
	require.NoError(tb, err)
	require.NoError(tb, river.Migrate(tb.Context(), db))
	return db
}

// clock stands still until it is set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.After(c.now) {
		c.now = now
	}
}

// stage is where a scenario is played: one database, one clock and some engines.
type stage struct {
	testing.TB
	sagatest.Scenario
	db      *database.Database
	clock   *clock
	starter *river.Starter
	engines map[int]*river.Engine
	made    int
}

func TestSuite(t *testing.T) {
	onBoth(t, func(t *testing.T, location string) {
		db := prepared(t, location)
		sagatest.Run(t, sagatest.Backend{Durable: true, Play: func(tb testing.TB, s sagatest.Scenario) map[string]saga.Record {
			tb.Helper()
			return play(tb, db, s)
		}})
	})
}

func play(tb testing.TB, db *database.Database, s sagatest.Scenario) map[string]saga.Record {
	tb.Helper()
	for _, table := range []string{"sagas", "river_job"} {
		_, err := db.Write.ExecContext(tb.Context(), "DELETE FROM "+table)
		require.NoError(tb, err)
	}
	st := &stage{TB: tb, Scenario: s, db: db, clock: &clock{now: sagatest.Origin()}, engines: map[int]*river.Engine{}}
	if st.Crash == nil {
		st.Crash = &sagatest.Crash{}
	}
	st.Crash.Died = make(chan int, 1)
	var err error
	st.starter, err = river.NewStarter(db, st.clock.Now)
	require.NoError(tb, err)
	st.start()
	for range max(1, s.Engines) {
		st.hire()
	}
	st.untilFinished()
	for number := range st.engines {
		require.NoError(tb, st.engines[number].Stop(tb.Context()))
	}
	return st.records()
}

// start starts the sagas.
func (st *stage) start() {
	deadline := st.Deadline
	if deadline == 0 {
		deadline = time.Hour
	}
	var starts []saga.Start
	for _, subject := range st.Subjects {
		start := saga.Start{Subject: subject, Saga: st.Saga.Name, Deadline: sagatest.Origin().Add(deadline)}
		if st.Begins > 0 {
			start.At = sagatest.Origin().Add(st.Begins)
		}
		starts = append(starts, start)
	}
	for range max(1, st.StartsEach) {
		require.NoError(st, inTx(st.Context(), st.db, func(tx *sql.Tx) error { return st.starter.StartTx(st.Context(), tx, starts) }))
	}
}

// hire adds an engine.
func (st *stage) hire() {
	st.made++
	book, err := saga.NewBook(st.Crash.Wrap(st.Saga, st.made))
	require.NoError(st, err)
	engine, err := river.New(river.Options{
		Shards: []*database.Database{st.db}, ShardOf: func(int) int { return 0 }, Sagas: book,
		SweepEvery: time.Hour, PollEvery: time.Duration(10*max(1, st.Engines)) * time.Millisecond, Now: st.clock.Now, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(st, err)
	require.NoError(st, engine.Start(st.Context()))
	st.engines[st.made] = engine
}

// bury ends a dead engine without a word written by it, and hires another one, which finds the
// work when its lease is over.
func (st *stage) bury(number int) {
	_, err := st.db.Write.ExecContext(st.Context(), "UPDATE sagas SET ticket = 1 WHERE ticket <> 0")
	require.NoError(st, err)
	atOnce, cancel := context.WithCancel(context.Background())
	cancel()
	_ = st.engines[number].Stop(atOnce) // says that it was cut off
	delete(st.engines, number)
	st.hire()
	st.clock.set(st.clock.Now().Add(2 * time.Minute))
	st.sweep()
}

func (st *stage) sweep() {
	var group sync.WaitGroup
	for _, engine := range st.engines {
		group.Go(func() {
			if err := engine.Sweep(context.Background()); err != nil {
				st.Error(err)
			}
		})
	}
	group.Wait()
}

// untilFinished lets time pass: when nobody works it is set to when something is due.
func (st *stage) untilFinished() {
	look := time.NewTicker(3 * time.Millisecond)
	defer look.Stop()
	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	signals := st.Signals
	for {
		select {
		case number := <-st.Crash.Died:
			st.bury(number)
			continue
		case <-look.C:
		case <-limit.C:
			require.FailNow(st, "it takes too long", fmt.Sprintf("%+v", st.records()))
		}
		var wake time.Time
		working := 0
		for _, r := range st.records() {
			switch {
			case r.State.Finished():
			case !r.Rests:
				working++
			case wake.IsZero() || r.Wake.Before(wake):
				wake = r.Wake
			}
		}
		if working > 0 {
			continue
		}
		if wake.IsZero() {
			return
		}
		if len(signals) > 0 && !sagatest.Origin().Add(signals[0].After).After(wake) {
			st.clock.set(sagatest.Origin().Add(signals[0].After))
			signals = signals[1:]
			for _, subject := range st.Subjects {
				for _, engine := range st.engines {
					require.NoError(st, engine.Signal(st.Context(), 0, subject, st.Saga.Name))
					break
				}
			}
			continue
		}
		st.clock.set(wake)
		st.sweep()
	}
}

func (st *stage) records() map[string]saga.Record {
	st.Helper()
	records := map[string]saga.Record{}
	for _, engine := range st.engines {
		for _, subject := range st.Subjects {
			r, err := engine.Find(st.Context(), 0, subject, st.Saga.Name)
			require.NoError(st, err)
			records[r.Key()] = r
		}
		break
	}
	return records
}
