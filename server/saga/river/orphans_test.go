package river_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/saga/river"
	"github.com/orderprocessing/orderprocessing/server/saga/sagatest"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// begunBy makes all jobs look as if a worker had begun with them.
func begunBy(t *testing.T, db *database.Database, tx *sql.Tx, worker string) error {
	t.Helper()
	set := "ARRAY['" + worker + "']"
	if db.Dialect() == database.SQLite {
		set = `jsonb('["` + worker + `"]')`
	}
	_, err := tx.ExecContext(t.Context(),
		"UPDATE river_job SET state = 'running', attempt = 1, attempted_at = created_at, attempted_by = "+set+" WHERE state = 'available'")
	return err
}

func plan(world *sagatest.World) *saga.Saga {
	return &saga.Saga{Name: "place", Steps: []saga.Step{world.Step("hold"), world.Step("assess"), world.Step("authorize"), world.Step("confirm")}}
}

func TestEngine_orphans(t *testing.T) {
	onBoth(t, func(t *testing.T, location string) {
		t.Run("what a process was doing that is gone goes on at once", func(t *testing.T) {
			db, world := prepared(t, location), sagatest.NewWorld()
			require.NoError(t, inTx(t.Context(), db, func(tx *sql.Tx) error {
				startTx(t, db, tx, "place", subjects(300)...)
				return begunBy(t, db, tx, "gone")
			}))
			seen := &finished{done: make(chan struct{})}
			seen.left.Store(300)
			engine := newEngine(t, db, seen, plan(world))
			require.NoError(t, engine.Start(t.Context()))
			select {
			case <-seen.done:
			case <-time.After(20 * time.Second): // the lease is a minute
				require.Fail(t, "the sagas wait for their lease")
			}
			require.NoError(t, engine.Stop(t.Context()))
			for _, subject := range subjects(300) {
				world.RequireOnce(t, subject, saga.StateDone)
			}
		})
		t.Run("what somebody is doing who lives is left alone", func(t *testing.T) {
			db, world := prepared(t, location), sagatest.NewWorld()
			_, err := db.Write.ExecContext(t.Context(), "DELETE FROM sagas")
			require.NoError(t, err)
			began, open := make(chan struct{}, 10), make(chan struct{})
			held := plan(world)
			do := held.Steps[0].Do
			held.Steps[0].Do = func(ctx context.Context, call saga.Call) (saga.Result, error) {
				began <- struct{}{}
				<-open
				return do(ctx, call)
			}
			seen := &finished{done: make(chan struct{})}
			seen.left.Store(2)
			first := newEngineWith(t, db, river.Options{Observer: seen, SweepEvery: time.Hour}, held) // it adopts nobody after its start
			require.NoError(t, first.Start(t.Context()))
			start(t, db, "place", "ord_alive")
			<-began
			require.NoError(t, inTx(t.Context(), db, func(tx *sql.Tx) error {
				startTx(t, db, tx, "place", "ord_gone")
				return begunBy(t, db, tx, "gone")
			}))
			second := newEngine(t, db, seen, held)
			require.NoError(t, second.Start(t.Context()))
			<-began // it has looked who is gone
			close(open)
			<-seen.done
			require.NoError(t, second.Stop(t.Context()))
			require.NoError(t, first.Stop(t.Context()))
			require.Empty(t, began, "no step was begun twice")
			require.Len(t, world.Attempts("ord_alive/place/hold"), 1)
		})
	})
}

// TestEngine_told: nobody asks a SQLite file for jobs all the time, and yet they are worked on at once.
func TestEngine_told(t *testing.T) {
	db, world := prepared(t, "sqlite://"+t.TempDir()+"/shard.db"), sagatest.NewWorld()
	seen := &finished{done: make(chan struct{})}
	seen.left.Store(20)
	engine := newEngine(t, db, seen, plan(world))
	require.NoError(t, engine.Start(t.Context()))
	began := time.Now()
	for _, subject := range subjects(20) {
		start(t, db, "place", subject)
		require.Eventually(t, func() bool { return len(world.Log(subject)) >= 4 }, 10*time.Second, time.Millisecond)
	}
	<-seen.done
	require.Less(t, time.Since(began), 20*time.Second, "each waits for the next poll")
	require.NoError(t, engine.Stop(t.Context()))
}
