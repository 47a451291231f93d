package temporal

import (
	"context"
	"log/slog"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/saga/progress"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// The names that Temporal keeps. They are stable for ever.
const (
	workflowName = "saga"
	performName  = "perform"
	signalName   = "wake"
)

// maxTurns is after how many turns a workflow begins a new history.
const maxTurns = 500

// Input is what the workflow starts with.
type Input struct {
	Record   saga.Record
	Signaled bool // the start came with a signal that means nothing
}

// registry is a worker, or a test's environment.
type registry interface {
	RegisterWorkflowWithOptions(w any, options workflow.RegisterOptions)
	RegisterActivityWithOptions(a any, options activity.RegisterOptions)
}

func (e *Engine) register(r registry) {
	r.RegisterWorkflowWithOptions(e.carry, workflow.RegisterOptions{Name: workflowName})
	r.RegisterActivityWithOptions(e.perform, activity.RegisterOptions{Name: performName})
}

// carry is the workflow: it takes a saga through to its end and gives the last record. All that it
// decides follows from the record, the plan and the workflow's own clock, so it replays.
func (e *Engine) carry(ctx workflow.Context, in Input) (saga.Record, error) {
	plan, r := e.options.Sagas[in.Record.Saga], in.Record
	if plan == nil {
		return r, temporal.NewApplicationError("no saga "+r.Saga, "unknown saga") // a newer worker knows it
	}
	wakes := workflow.GetSignalChannel(ctx, signalName)
	if in.Signaled {
		wakes.ReceiveAsync(nil)
	}
	told := r.State
	for turns := 0; ; turns++ {
		var turn saga.Turn
		r, turn = plan.Next(r, workflow.Now(ctx))
		r.Updated = workflow.Now(ctx).UTC().Truncate(time.Microsecond)
		if r.State != told {
			if err := e.tell(ctx, r); err != nil {
				return r, err
			}
			told = r.State
		}
		if r.State.Finished() {
			return r, nil
		}
		if turns >= maxTurns {
			for wakes.ReceiveAsync(nil) { // the next history does not know of them
				r = saga.Resume(r)
			}
			return r, workflow.NewContinueAsNewError(ctx, workflowName, Input{Record: r})
		}
		if turn.Deed == saga.DeedNone {
			if err := rest(ctx, wakes, &r); err != nil {
				return r, err
			}
			continue
		}
		r, _ = plan.After(r, turn, e.act(ctx, plan, turn), workflow.Now(ctx))
	}
}

// rest sleeps until the record's time or a signal. Whoever signals what is stuck has put it right.
func rest(ctx workflow.Context, wakes workflow.ReceiveChannel, r *saga.Record) error {
	timed, cancel := workflow.WithCancel(ctx)
	defer cancel()
	selector := workflow.NewSelector(ctx)
	var err error
	selector.AddFuture(workflow.NewTimer(timed, r.Wake.Sub(workflow.Now(ctx))), func(f workflow.Future) { err = f.Get(ctx, nil) })
	selector.AddReceive(wakes, func(c workflow.ReceiveChannel, _ bool) {
		c.Receive(ctx, nil)
		if r.State == saga.StateStuck {
			r.Attempts = 0
		}
	})
	selector.Select(ctx)
	*r = saga.Resume(*r)
	return err
}

// act does a turn as an activity: a local one, without a round trip of its own, where it is cheap
// to do again. The rules of package saga retry, not Temporal. An activity that was lost is an
// unknown outcome.
func (e *Engine) act(ctx workflow.Context, plan *saga.Saga, turn saga.Turn) saga.Result {
	const slack = 5 * time.Second // perform ends by itself before that
	once := &temporal.RetryPolicy{MaximumAttempts: 1}
	var result saga.Result
	var err error
	if turn.Deed == saga.DeedDo && plan.Steps[turn.Step].Cheap {
		ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: turn.Deadline + slack, RetryPolicy: once})
		err = workflow.ExecuteLocalActivity(ctx, e.perform, plan.Name, turn).Get(ctx, &result)
	} else {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: turn.Deadline + slack, RetryPolicy: once})
		err = workflow.ExecuteActivity(ctx, performName, plan.Name, turn).Get(ctx, &result)
	}
	if err != nil {
		return saga.Unknown(saga.ReasonOf(err))
	}
	return result
}

// tell writes the record for operators. It is tried until the database takes it.
func (e *Engine) tell(ctx workflow.Context, r saga.Record) error {
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout: 30 * time.Second, RetryPolicy: &temporal.RetryPolicy{InitialInterval: 100 * time.Millisecond, MaximumInterval: time.Minute},
	})
	return workflow.ExecuteLocalActivity(ctx, e.report, r).Get(ctx, nil)
}

// perform is the activity that does a turn.
func (e *Engine) perform(ctx context.Context, name string, turn saga.Turn) (saga.Result, error) {
	ctx, span := saga.Trace(ctx, e.options.Tracer, turn)
	result, err := e.options.Sagas[name].Perform(ctx, turn)
	if err != nil {
		e.options.Logger.WarnContext(ctx, "a step of a saga failed",
			slog.String(telemetry.LogSaga, turn.Call.Key), slog.Int(telemetry.LogAttempt, turn.Call.Attempt), slog.Any(telemetry.LogError, err))
	}
	saga.EndTrace(span, result, err)
	if result.Outcome == saga.OutcomeUnknown || result.Outcome == saga.OutcomeLater {
		e.options.Observer.StepRetried(name, turn.Call.Step)
	}
	return result, nil
}

// report is the local activity that writes a record. The row stays the workflow's, and a wake that the relay
// has yet to hand over stays due.
func (e *Engine) report(ctx context.Context, r saga.Record) error {
	if r.State.Finished() {
		e.options.Observer.SagaFinished(r.Saga, r.State.String(), r.Updated.Sub(r.Created))
	}
	r.Rests, r.Wake = false, time.Time{}
	_, err := e.relays[e.options.ShardOf(r.Slot)].progress.Save(ctx, progress.Save{Record: r, Ticket: ticket})
	return err
}
