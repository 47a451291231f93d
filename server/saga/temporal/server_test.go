//go:build temporal

package temporal_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	temporallog "go.temporal.io/sdk/log"

	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/saga/sagatest"
	"github.com/orderprocessing/orderprocessing/server/saga/temporal"
	"github.com/orderprocessing/orderprocessing/server/saga/temporal/temporaltest"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// TestServer is what only a real Temporal can show: the relay, several engines, and ends.
func TestServer(t *testing.T) {
	server, err := temporaltest.Start(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })

	t.Run("every step of many sagas is done once, by two engines", func(t *testing.T) {
		w := sagatest.NewWorld()
		s := newStage(t, server, w.Step("hold"), w.Step("assess"), w.Step("authorize"), w.Step("confirm"))
		s.engine(t)
		s.engine(t)
		subjects := make([]string, 50)
		for i := range subjects {
			subjects[i] = fmt.Sprintf("%s_%d", s.subject, i)
		}
		s.start(t, subjects...)
		for _, subject := range subjects {
			s.reaches(t, subject, saga.StateDone)
			w.RequireOnce(t, subject, saga.StateDone)
		}
	})
	t.Run("a refusal is undone", func(t *testing.T) {
		w := sagatest.NewWorld()
		w.Answer("authorize", saga.Refused("NO"))
		s := newStage(t, server, w.Step("hold"), w.Step("authorize"))
		s.engine(t)
		s.start(t, s.subject)
		require.Equal(t, "NO", s.reaches(t, s.subject, saga.StateUndone).Cause)
		require.Zero(t, w.Standing(s.subject))
	})
	t.Run("a signal is not lost that comes while the step runs that will wait for it", func(t *testing.T) {
		for range 10 {
			running, signaled := make(chan struct{}), make(chan struct{})
			s := newStage(t, server, saga.Step{Name: "ask", Do: func(_ context.Context, c saga.Call) (saga.Result, error) {
				select {
				case running <- struct{}{}:
					<-signaled
					return saga.Wait(time.Time{}, "ANSWER"), nil
				case <-signaled:
					return saga.Done(), nil
				}
			}})
			s.engine(t)
			s.start(t, s.subject)
			<-running
			s.signal(t) // which the relay does not see before the step has ended, mostly
			close(signaled)
			s.reaches(t, s.subject, saga.StateDone)
		}
	})
	t.Run("another engine goes on where one has stopped", func(t *testing.T) {
		w := sagatest.NewWorld()
		w.Answer("assess", saga.Wait(time.Time{}, "REVIEW"))
		s := newStage(t, server, w.Step("hold"), w.Step("assess"), w.Step("authorize"), w.Step("confirm"))
		first := s.engine(t)
		s.start(t, s.subject)
		s.reaches(t, s.subject, saga.StateWaiting)
		require.NoError(t, first.Stop(t.Context()))
		s.engine(t)
		require.NoError(t, first.Signal(t.Context(), 0, s.subject, "place"))
		s.reaches(t, s.subject, saga.StateDone)
		w.RequireOnce(t, s.subject, saga.StateDone)
	})
	t.Run("a workflow that somebody has ended begins again when it is woken", func(t *testing.T) {
		w := sagatest.NewWorld()
		w.Answer("assess", saga.Wait(time.Time{}, "REVIEW"))
		s := newStage(t, server, w.Step("hold"), w.Step("assess"), w.Step("authorize"), w.Step("confirm"))
		e := s.engine(t)
		s.start(t, s.subject)
		s.reaches(t, s.subject, saga.StateWaiting)
		require.NoError(t, s.client.TerminateWorkflow(t.Context(), saga.Key(s.subject, "place"), "", "by mistake"))
		require.NoError(t, e.Retry(t.Context(), 0, s.subject, "place"))
		s.reaches(t, s.subject, saga.StateDone)
		w.RequireOnce(t, s.subject, saga.StateDone)
	})
}

// stage is a shard with a plan, and names that no other stage has.
type stage struct {
	db      *database.Database
	client  client.Client
	queue   string
	subject string
	book    saga.Book
}

func newStage(t *testing.T, server *temporaltest.Server, steps ...saga.Step) *stage {
	t.Helper()
	c, err := client.NewLazyClient(client.Options{
		HostPort: server.Address, Logger: temporallog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	book, err := saga.NewBook(&saga.Saga{Name: "place", Steps: steps})
	require.NoError(t, err)
	name := rand.Text()
	return &stage{db: opened(t), client: c, queue: name, subject: "ord_" + name, book: book}
}

// engine starts another engine, which stops with the test.
func (s *stage) engine(t *testing.T) *temporal.Engine {
	t.Helper()
	e := temporal.New(temporal.Options{
		Client: s.client, TaskQueue: s.queue, Shards: []*database.Database{s.db}, ShardOf: func(int) int { return 0 }, Sagas: s.book,
	})
	require.NoError(t, e.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, e.Stop(context.Background())) })
	return e
}

func (s *stage) start(t *testing.T, subjects ...string) {
	t.Helper()
	starts := make([]saga.Start, len(subjects))
	for i, subject := range subjects {
		starts[i] = saga.Start{Subject: subject, Saga: "place", Deadline: time.Now().Add(time.Hour)}
	}
	inTx(t, s.db, func(tx *sql.Tx) error {
		return temporal.NewStarter(s.db.Dialect(), time.Now).StartTx(t.Context(), tx, starts)
	})
}

// signal wakes the saga as a store does: the relay finds it in its own time.
func (s *stage) signal(t *testing.T) {
	t.Helper()
	inTx(t, s.db, func(tx *sql.Tx) error {
		return temporal.NewStarter(s.db.Dialect(), time.Now).SignalTx(t.Context(), tx, s.subject, "place")
	})
}

// reaches waits until operators see a state.
func (s *stage) reaches(t *testing.T, subject string, state saga.State) (r saga.Record) {
	t.Helper()
	reader := temporal.New(temporal.Options{Shards: []*database.Database{s.db}, ShardOf: func(int) int { return 0 }, Sagas: s.book})
	require.Eventually(t, func() (reached bool) {
		var err error
		r, err = reader.Find(t.Context(), 0, subject, "place")
		return err == nil && r.State == state
	}, 2*time.Minute, 20*time.Millisecond)
	return r
}
