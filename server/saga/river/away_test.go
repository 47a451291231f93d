package river_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/saga/river"
	"github.com/orderprocessing/orderprocessing/server/saga/sagatest"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
)

// listening is a log of which one line is waited for.
type listening struct {
	line  string
	once  sync.Once
	heard chan struct{}
}

func (l *listening) Write(text []byte) (int, error) {
	if strings.Contains(string(text), l.line) {
		l.once.Do(func() { close(l.heard) })
	}
	return len(text), nil
}

// TestEngine_away: a saga does not wait for its lease when the database was away while it was worked on.
func TestEngine_away(t *testing.T) {
	cluster, err := pgtest.Start(t.Context(), pgtest.Options{Durable: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cluster.Close()) })
	url, err := cluster.CreateDatabase(t.Context(), "away")
	require.NoError(t, err)
	db, world := prepared(t, url), sagatest.NewWorld()
	held := plan(world)
	confirm := held.Steps[3].Do
	held.Steps[3].Do = func(ctx context.Context, call saga.Call) (saga.Result, error) {
		if call.Attempt == 1 && world.Effects(call.Key) == 0 {
			assert.NoError(t, cluster.Kill9())
		}
		return confirm(ctx, call)
	}
	seen := &finished{done: make(chan struct{})}
	seen.left.Store(1)
	log := &listening{line: "write the progress of a saga", heard: make(chan struct{})}
	engine := newEngineWith(t, db, river.Options{Observer: seen, Lease: time.Hour, Logger: slog.New(slog.NewTextHandler(log, nil))}, held)
	require.NoError(t, engine.Start(t.Context()))
	start(t, db, "place", "ord_1")
	<-log.heard // it was tried in vain
	require.NoError(t, cluster.Restart(t.Context()))
	select {
	case <-seen.done:
	case <-time.After(30 * time.Second): // the lease is an hour
		require.Fail(t, "the saga waits for its lease")
	}
	require.NoError(t, engine.Stop(t.Context()))
	world.RequireOnce(t, "ord_1", saga.StateDone)
}
