package temporal

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/saga/progress"
)

// Register makes a test's environment know the workflow and its activities.
func (e *Engine) Register(tb testing.TB, r registry) {
	tb.Helper()
	for _, relay := range e.relays {
		relay.progress = progress.New(relay.db, nil)
		tb.Cleanup(func() { relay.progress.Close(context.Background()) })
	}
	e.register(r)
}

// Names for tests.
const (
	Ticket       = ticket
	WorkflowName = workflowName
	SignalName   = signalName
)

// Relay hands over what is due now, and tells how many.
func Relay(tb testing.TB, e *Engine) int {
	tb.Helper()
	r := e.relays[0]
	r.progress = progress.New(r.db, nil)
	n, err := r.relay(tb.Context())
	require.NoError(tb, err)
	return n
}
