package temporal_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"
	"go.temporal.io/sdk/testsuite"
	"go.uber.org/goleak"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/saga/progress"
	"github.com/orderprocessing/orderprocessing/server/saga/sagatest"
	"github.com/orderprocessing/orderprocessing/server/saga/temporal"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/migrate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func opened(tb testing.TB) *database.Database {
	tb.Helper()
	db, err := database.Open(tb.Context(), "sqlite://"+tb.TempDir()+"/shard.db", database.Options{})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, db.Close()) })
	_, err = migrate.Up(tb.Context(), db)
	require.NoError(tb, err)
	return db
}

// TestSuite runs in the SDK's environment, which skips time. It has one workflow at a time and no
// crashes: what they promise is Temporal's own promise.
func TestSuite(t *testing.T) {
	db := opened(t)
	sagatest.Run(t, sagatest.Backend{Play: func(tb testing.TB, s sagatest.Scenario) map[string]saga.Record {
		tb.Helper()
		_, err := db.Write.ExecContext(tb.Context(), "DELETE FROM sagas")
		require.NoError(tb, err)
		book, err := saga.NewBook(s.Saga)
		require.NoError(tb, err)
		records := map[string]saga.Record{}
		for _, subject := range s.Subjects {
			r := play(tb, db, book, s, subject)
			records[r.Key()] = r
		}
		return records
	}})
}

func play(tb testing.TB, db *database.Database, book saga.Book, s sagatest.Scenario, subject string) saga.Record {
	tb.Helper()
	start := saga.Start{Subject: subject, Saga: s.Saga.Name, Deadline: sagatest.Origin().Add(time.Hour)}
	if s.Deadline > 0 {
		start.Deadline = sagatest.Origin().Add(s.Deadline)
	}
	if s.Begins > 0 {
		start.At = sagatest.Origin().Add(s.Begins)
	}
	r := saga.NewRecord(start, sagatest.Origin(), time.Minute)
	inTx(tb, db, func(tx *sql.Tx) error {
		stored := r
		stored.Rests = false
		return progress.InsertTx(tb.Context(), tx, db.Dialect(), []saga.Record{stored}, temporal.Ticket)
	})
	engine := temporal.New(temporal.Options{
		Shards: []*database.Database{db}, ShardOf: func(int) int { return 0 }, Sagas: book,
	})
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(silent{})
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartTime(sagatest.Origin())
	env.SetTestTimeout(time.Minute) // of an activity, for real; 3 s are little on a busy machine
	engine.Register(tb, env)
	for _, signal := range s.Signals {
		env.RegisterDelayedCallback(func() { env.SignalWorkflow(temporal.SignalName, nil) }, signal.After)
	}
	env.ExecuteWorkflow(temporal.WorkflowName, temporal.Input{Record: r})
	require.True(tb, env.IsWorkflowCompleted())
	require.NoError(tb, env.GetWorkflowError())
	var last saga.Record
	require.NoError(tb, env.GetWorkflowResult(&last))
	stored, err := engine.Find(tb.Context(), 0, subject, s.Saga.Name)
	require.NoError(tb, err)
	require.Equal(tb, last.State, stored.State, "operators see what became of it")
	return last
}

func TestEngine_relay(t *testing.T) {
	db, now := opened(t), time.Now
	starter := temporal.NewStarter(db.Dialect(), now)
	world := sagatest.NewWorld()
	book, err := saga.NewBook(&saga.Saga{Name: "place", Steps: []saga.Step{world.Step("hold")}})
	require.NoError(t, err)
	inTx(t, db, func(tx *sql.Tx) error {
		return starter.StartTx(t.Context(), tx, []saga.Start{
			{Subject: "ord_1", Saga: "place", Deadline: now().Add(time.Hour)},
			{Subject: "ord_2", Saga: "place", Deadline: now().Add(time.Hour), At: now().Add(time.Minute)},
		})
	})
	c := &mocks.Client{}
	engine := temporal.New(temporal.Options{Client: c, Shards: []*database.Database{db}, ShardOf: func(int) int { return 0 }, Sagas: book})
	expect := func(key string, err error) {
		c.On("SignalWithStartWorkflow", mock.Anything, key, temporal.SignalName, nil, mock.MatchedBy(func(o client.StartWorkflowOptions) bool {
			return o.TaskQueue == "orderprocessing"
		}), temporal.WorkflowName, mock.Anything).Return(nil, err).Once()
	}
	t.Run("what is due is handed over once, and what starts later is not", func(t *testing.T) {
		expect("ord_1/place", nil)
		require.Equal(t, 1, temporal.Relay(t, engine))
		require.Equal(t, 0, temporal.Relay(t, engine))
		c.AssertExpectations(t)
	})
	t.Run("a signal is handed over, to a workflow that has ended too", func(t *testing.T) {
		require.NoError(t, engine.Signal(t.Context(), 0, "ord_1", "place"))
		expect("ord_1/place", serviceerror.NewWorkflowExecutionAlreadyStarted("", "", ""))
		require.Equal(t, 1, temporal.Relay(t, engine))
		c.AssertExpectations(t)
	})
	t.Run("nothing can be retried that is not there", func(t *testing.T) {
		require.Equal(t, fault.KindNotFound, fault.KindOf(engine.Retry(t.Context(), 0, "ord_9", "place")))
		require.NoError(t, engine.Retry(t.Context(), 0, "ord_2", "place"))
	})
}

func inTx(tb testing.TB, db *database.Database, fn func(*sql.Tx) error) {
	tb.Helper()
	tx, err := db.Write.BeginTx(context.WithoutCancel(tb.Context()), nil)
	require.NoError(tb, err)
	require.NoError(tb, fn(tx))
	require.NoError(tb, tx.Commit())
}

// silent is a logger that says nothing.
type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}
