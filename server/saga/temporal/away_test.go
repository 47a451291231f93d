package temporal_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/saga/temporal"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// warned tells of the first warning.
type warned struct {
	slog.Handler
	once chan<- string
}

func (w warned) Handle(_ context.Context, r slog.Record) error {
	select {
	case w.once <- r.Message:
	default:
	}
	return nil
}

func (w warned) Enabled(context.Context, slog.Level) bool { return true }

func TestEngine_away(t *testing.T) {
	t.Run("an engine starts, takes sagas and stops while Temporal is away, and says so", func(t *testing.T) {
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		address := listener.Addr().String()
		require.NoError(t, listener.Close()) // nobody is there
		c, err := client.NewLazyClient(client.Options{HostPort: address, Logger: silent{}})
		require.NoError(t, err)
		t.Cleanup(c.Close)
		db, said := opened(t), make(chan string, 1)
		book, err := saga.NewBook(&saga.Saga{Name: "place", Steps: []saga.Step{{
			Name: "hold", Do: func(context.Context, saga.Call) (saga.Result, error) { return saga.Result{}, errors.New("never") },
		}}})
		require.NoError(t, err)
		engine := temporal.New(temporal.Options{
			Client: c, Shards: []*database.Database{db}, ShardOf: func(int) int { return 0 }, Sagas: book,
			Logger: slog.New(warned{slog.DiscardHandler, said}),
		})
		require.NoError(t, engine.Start(t.Context()))
		inTx(t, db, func(tx *sql.Tx) error {
			return temporal.NewStarter(db.Dialect(), time.Now).StartTx(t.Context(), tx, []saga.Start{
				{Subject: "ord_1", Saga: "place", Deadline: time.Now().Add(time.Hour)},
			})
		})
		require.Equal(t, "Temporal is away: sagas wait until it is back", <-said)
		r, err := engine.Find(t.Context(), 0, "ord_1", "place")
		require.NoError(t, err)
		require.Equal(t, saga.StateRunning, r.State, "it is due when Temporal is back")
		require.True(t, r.Rests)
		require.NoError(t, engine.Stop(t.Context()))
	})
}
