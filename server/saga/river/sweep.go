package river

import (
	"context"
	"database/sql"
	"time"

	"github.com/orderprocessing/orderprocessing/server/saga/progress"
)

// maxSweep is how many sagas one transaction of a sweep takes.
const maxSweep = 512

// sweepAndPause sweeps and tells how long to rest: until the next tick, or what is due before.
func (s *shard) sweepAndPause(ctx context.Context) time.Duration {
	s.mu.Lock()
	now := s.options.Now()
	if !s.soonest.After(now) {
		s.soonest = time.Time{}
	}
	s.mu.Unlock()
	if now.Sub(s.adopted) >= adoptEvery {
		s.adopted = now
		if err := s.adopt(ctx); err != nil {
			s.failed(ctx, "take over sagas of those who are gone", err)
		}
	}
	if err := s.sweep(ctx); err != nil {
		s.failed(ctx, "sweep sagas", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	pause := s.options.SweepEvery
	if !s.soonest.IsZero() {
		pause = min(pause, max(time.Millisecond, s.soonest.Sub(s.options.Now())))
	}
	return pause
}

// due remembers that this process put a saga off until then.
func (s *shard) due(at time.Time) {
	s.mu.Lock()
	sooner := s.soonest.IsZero() || at.Before(s.soonest)
	if sooner {
		s.soonest = at
	}
	s.mu.Unlock()
	if sooner && at.Sub(s.options.Now()) < s.options.SweepEvery {
		s.sweeper.Nudge()
	}
}

// sweep turns what is due into jobs: what rested until now, and what has been silent for longer
// than its lease because whoever had it is gone. Replicas that sweep at once take different ones.
func (s *shard) sweep(ctx context.Context) error {
	for {
		now := s.options.Now().UTC().Truncate(time.Microsecond)
		next, err := s.progress.NextWake(ctx)
		if err != nil || next.IsZero() || next.After(now) {
			return err
		}
		n := 0
		if err := s.inTx(ctx, func(tx *sql.Tx) (err error) {
			var due progress.Due
			ticket := progress.NewTicket()
			due, n, err = s.progress.Take(ctx, tx, s.names, now, maxSweep, ticket, now.Add(max(s.options.Lease, startLease)))
			if err != nil || n == 0 {
				return err
			}
			return s.starter.enqueue(ctx, tx, due, ticket, priorityOverdue)
		}); err != nil || n < maxSweep {
			return err
		}
	}
}
