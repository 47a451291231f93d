package river

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	rq "github.com/riverqueue/river"

	"github.com/orderprocessing/orderprocessing/server/pause"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/saga/progress"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// worker does River's jobs.
type worker struct {
	rq.WorkerDefaults[batch]
	shard *shard
}

// portions of a job are begun one after the other, each when there are places for it.
const portions = 4

// Work carries every saga of the job to where it is finished or rests. A job that comes again, or
// whose sagas were taken over, finds nothing to do.
func (w *worker) Work(ctx context.Context, job *rq.Job[batch]) error {
	defer w.shard.turns.take(w.shard.staying)()
	var group sync.WaitGroup
	defer group.Wait()
	portion := max(1, w.shard.options.Workers/portions)
	for keys := range slices.Chunk(strings.Split(job.Args.Keys, "\n"), portion) {
		if err := w.work(ctx, &group, job.Queue, keys, job.Args.Ticket); err != nil {
			return err
		}
	}
	return nil
}

// work begins to carry sagas of one name. It reads them when there is a place for each: what waits in the
// database takes no memory.
func (w *worker) work(ctx context.Context, group *sync.WaitGroup, name string, keys []string, ticket int64) error {
	s, places := w.shard, w.shard.places[name]
	if err := places.Acquire(ctx, int64(len(keys))); err != nil {
		return err
	}
	var records []saga.Record
	var loaded map[string]any
	err := s.insist(ctx, "read the sagas of a job", func() (err error) {
		if records, err = s.progress.Held(ctx, keys, ticket); err == nil {
			loaded, err = s.load(ctx, records)
		}
		return err
	})
	if err != nil {
		records = nil
	}
	places.Release(int64(len(keys) - len(records)))
	for _, r := range records {
		group.Go(func() {
			defer places.Release(1)
			s.carry(ctx, s.options.Sagas[name], r, ticket, loaded[r.Subject])
		})
	}
	return err
}

// load reads what the sagas of one job work with: they are of one name, and those that are undone read
// for themselves.
func (s *shard) load(ctx context.Context, records []saga.Record) (map[string]any, error) {
	if len(records) == 0 || s.options.Sagas[records[0].Saga].Load == nil {
		return nil, nil
	}
	var subjects []string
	for _, r := range records {
		if !r.Undoing {
			subjects = append(subjects, r.Subject)
		}
	}
	if len(subjects) == 0 {
		return nil, nil
	}
	return s.options.Sagas[records[0].Saga].Load(ctx, subjects)
}

// carry takes a saga step by step to where it is finished or rests. What the machine calls durable
// is written before the next step begins. When the ticket has been taken away it stops.
func (s *shard) carry(ctx context.Context, plan *saga.Saga, r saga.Record, ticket int64, loaded any) {
	durable := false
	for {
		now := s.options.Now().UTC().Truncate(time.Microsecond)
		next, turn := plan.Next(r, now)
		durable = durable || next != r
		r = next
		if turn.Deed != saga.DeedNone && s.draining() {
			r.Rests, r.Wake, turn, durable = true, now, saga.Turn{}, true
		}
		if turn.Deed != saga.DeedNone && r.Wake.Sub(now) < turn.Deadline {
			r.Wake, durable = now.Add(s.options.Lease), true
		}
		if durable && !s.save(ctx, r, ticket, now) {
			return
		}
		if turn.Deed == saga.DeedNone {
			s.left(r, now)
			return
		}
		if turn.Deed == saga.DeedDo {
			turn.Call.Loaded = loaded
		}
		step, span := saga.Trace(ctx, s.options.Tracer, turn)
		result, err := plan.Perform(step, turn)
		if err != nil {
			s.options.Logger.WarnContext(step, "a step of a saga failed",
				slog.String(telemetry.LogSaga, turn.Call.Key), slog.Int(telemetry.LogAttempt, turn.Call.Attempt), slog.Any(telemetry.LogError, err))
		}
		saga.EndTrace(span, result, err)
		if result.Outcome == saga.OutcomeUnknown || result.Outcome == saga.OutcomeLater {
			s.options.Observer.StepRetried(plan.Name, turn.Call.Step)
		}
		r, durable = plan.After(r, turn, result, s.options.Now())
	}
}

func (s *shard) save(ctx context.Context, r saga.Record, ticket int64, now time.Time) (held bool) {
	lease := r.Wake.Sub(now)
	err := s.insist(ctx, "write the progress of a saga", func() (err error) {
		r.Updated = s.options.Now().UTC().Truncate(time.Microsecond)
		if !r.Rests && lease > 0 {
			r.Wake = r.Updated.Add(lease) // of what begins now
		}
		held, err = s.progress.Save(context.WithoutCancel(ctx), progress.Save{Record: r, Ticket: ticket})
		return err
	})
	return held && err == nil
}

// insisting is the pause between two tries of what the database could not do for now.
var insisting = saga.Retry{Base: 200 * time.Millisecond, Max: time.Second}

// insist does again what the database could not do for now: as soon as it is back the saga goes on. After a lease
// somebody else does that.
func (s *shard) insist(ctx context.Context, doing string, do func() error) error {
	for began, attempt := time.Now(), 1; ; attempt++ {
		err := do()
		if err == nil {
			return nil
		}
		if attempt == 1 { // many sagas say so at once
			s.failed(ctx, doing, err)
		}
		if !database.Classify(err).Retryable() || s.draining() || time.Since(began) > s.options.Lease {
			return err
		}
		if ended := pause.For(ctx, insisting.Pause(s.id, attempt)); ended != nil {
			return err
		}
	}
}

// left is called when a saga was put down.
func (s *shard) left(r saga.Record, now time.Time) {
	switch {
	case r.State.Finished():
		s.options.Observer.SagaFinished(r.Saga, r.State.String(), now.Sub(r.Created))
	case !s.draining():
		s.due(r.Wake)
	}
}
