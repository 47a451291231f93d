package river_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/saga/river"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/migrate"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
)

// finished counts what an engine finishes.
type finished struct {
	saga.Unobserved
	left atomic.Int64
	done chan struct{}
}

func (f *finished) SagaFinished(string, string, time.Duration) {
	if f.left.Add(-1) == 0 {
		close(f.done)
	}
}

// BenchmarkEngine carries sagas of four steps that do nothing through four Postgres databases that
// flush every commit to the disk. Starts come in transactions of so many sagas, with nothing else in them.
func BenchmarkEngine(b *testing.B) {
	for _, cheap := range []bool{false, true} {
		for _, size := range []int{1, 16, 128} {
			b.Run(fmt.Sprintf("cheap=%t/batch=%d", cheap, size), func(b *testing.B) {
				benchmarkEngine(b, cheap, size)
			})
		}
	}
}

func benchmarkEngine(b *testing.B, cheap bool, size int) {
	step := func(name string) saga.Step {
		return saga.Step{Name: name, Cheap: cheap, Do: func(context.Context, saga.Call) (saga.Result, error) { return saga.Done(), nil }}
	}
	book, err := saga.NewBook(&saga.Saga{Name: "place", Steps: []saga.Step{step("a"), step("b"), step("c"), step("d")}})
	require.NoError(b, err)
	seen := &finished{done: make(chan struct{})}
	seen.left.Store(int64(b.N))
	shards := durableShards(b, 4)
	engine, err := river.New(river.Options{
		Shards: shards, ShardOf: func(slot int) int { return slot % 4 }, Sagas: book, Observer: seen,
	})
	require.NoError(b, err)
	starter, err := river.NewStarter(shards[0], time.Now)
	require.NoError(b, err)
	require.NoError(b, engine.Start(b.Context()))
	b.ResetTimer()
	var group sync.WaitGroup
	for i, db := range shards {
		group.Go(func() {
			for from := i * b.N / len(shards); from < (i+1)*b.N/len(shards); from += size {
				to := min(from+size, (i+1)*b.N/len(shards))
				starts := make([]saga.Start, 0, size)
				for n := from; n < to; n++ {
					starts = append(starts, saga.Start{Slot: i, Subject: fmt.Sprintf("ord_%026d", n), Saga: "place", Deadline: time.Now().Add(time.Hour)})
				}
				require.NoError(b, inTx(b.Context(), db, func(tx *sql.Tx) error { return starter.StartTx(b.Context(), tx, starts) }))
			}
		})
	}
	group.Wait()
	inserted := b.Elapsed()
	<-seen.done
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sagas/s")
	b.ReportMetric(float64(b.N)/inserted.Seconds(), "starts/s")
	require.NoError(b, engine.Stop(b.Context()))
}

func inTx(ctx context.Context, db *database.Database, fn func(*sql.Tx) error) error {
	tx, err := db.Write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func durableShards(tb testing.TB, n int) []*database.Database {
	tb.Helper()
	cluster, err := pgtest.Start(tb.Context(), pgtest.Options{Durable: true, Settings: []string{"shared_buffers = 512MB", "max_wal_size = 4GB"}})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, cluster.Close()) })
	shards := make([]*database.Database, n)
	for i := range shards {
		url, err := cluster.CreateDatabase(tb.Context(), fmt.Sprintf("shard_%d", i))
		require.NoError(tb, err)
		db, err := database.Open(tb.Context(), url, database.Options{})
		require.NoError(tb, err)
		tb.Cleanup(func() { require.NoError(tb, db.Close()) })
		_, err = migrate.Up(tb.Context(), db)
		require.NoError(tb, err)
		require.NoError(tb, river.Migrate(tb.Context(), db))
		shards[i] = db
	}
	return shards
}

// BenchmarkEngine_one is how long one saga of four steps takes when nothing else is to be done,
// from its start to its end.
func BenchmarkEngine_one(b *testing.B) {
	for name, shard := range map[string]func(b *testing.B) *database.Database{
		"postgres": func(b *testing.B) *database.Database { return durableShards(b, 1)[0] },
		"sqlite":   func(b *testing.B) *database.Database { return prepared(b, "sqlite://"+b.TempDir()+"/shard.db") },
	} {
		b.Run(name, func(b *testing.B) {
			db := shard(b)
			step := func(name string) saga.Step {
				return saga.Step{Name: name, Do: func(context.Context, saga.Call) (saga.Result, error) { return saga.Done(), nil }}
			}
			book, err := saga.NewBook(&saga.Saga{Name: "place", Steps: []saga.Step{step("a"), step("b"), step("c"), step("d")}})
			require.NoError(b, err)
			ended := make(chan struct{}, 1)
			engine, err := river.New(river.Options{
				Shards: []*database.Database{db}, ShardOf: func(int) int { return 0 }, Sagas: book, Observer: each{ended: ended},
			})
			require.NoError(b, err)
			require.NoError(b, engine.Start(b.Context()))
			n := 0
			for b.Loop() {
				n++
				start(b, db, "place", fmt.Sprintf("ord_%026d", n))
				<-ended
			}
			require.NoError(b, engine.Stop(b.Context()))
		})
	}
}

// each tells of each saga that finishes.
type each struct {
	saga.Unobserved
	ended chan struct{}
}

func (e each) SagaFinished(string, string, time.Duration) { e.ended <- struct{}{} }
