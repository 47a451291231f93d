package replica

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/orderprocessing/orderprocessing/server/store/coalesce"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// member is a standby as it is known.
type member struct {
	Replica
	place int
	ask   *coalesce.Writer[struct{}, uint64] // how far it has replayed
	owner atomic.Int64                       // the shard that it was last found to copy, or -1
	state atomic.Pointer[state]              // nil while it is left
	told  string                             // what the log said last; of the one who watches
}

// state is how a standby that serves was found.
type state struct {
	system   uint64
	replayed uint64
	lagBytes int64
	lag      time.Duration // behind what is known of the shard
	age      time.Duration // lag, or how long nothing was heard from the shard
}

func newMember(place int, r Replica) *member {
	m := &member{Replica: r, place: place, ask: newAsk(r.Database, `SELECT coalesce(pg_last_wal_replay_lsn() - '0/0', 0)::bigint`)}
	m.owner.Store(-1)
	return m
}

// Why a standby that answers is left.
var (
	errNoStandby = errors.New("it is no standby: it was promoted, or never was one")
	errStranger  = errors.New("it copies none of the shards")
	errOldBranch = errors.New("it follows, as far as it tells, a primary that was replaced")
)

// look finds out how a standby does, and leaves it or takes it back.
func (r *Replicas) look(ctx context.Context, m *member) {
	found, owner, err := r.find(ctx, m)
	if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
		return // it is we who go
	}
	if owner >= 0 {
		m.owner.Store(int64(owner))
	}
	m.state.Store(found)
	r.metrics.tell(m, found)
	now := "serves"
	if err != nil {
		now = err.Error()
	}
	if now == m.told {
		return
	}
	m.told = now
	name := slog.String(telemetry.LogDatabase, m.Database.String())
	if err != nil {
		r.options.Log.Warn("a replica is left alone", name, slog.Any(telemetry.LogError, err))
		return
	}
	r.options.Log.Info("a replica serves", name)
}

// find asks a standby who it is and how far it has come.
func (r *Replicas) find(ctx context.Context, m *member) (*state, int, error) {
	is, standby, replayed, err := askStandby(ctx, m.Database)
	if err != nil {
		return nil, -1, err
	}
	for i, p := range r.primaries {
		now := p.now.Load()
		if now == nil || now.system != is.system || now.database != is.database {
			continue
		}
		switch {
		case !standby:
			return nil, i, errNoStandby
		case is.timeline < now.timeline:
			return nil, i, errOldBranch
		}
		bytes, since := p.lag(replayed)
		found := &state{system: is.system, replayed: replayed, lagBytes: bytes}
		switch {
		case since.IsZero(): // behind since before we looked
			found.lag = maxMarks * watchEvery
		case bytes > 0:
			found.lag = time.Since(since)
		}
		if found.age = found.lag; time.Since(since) > unheard {
			found.age = max(found.age, min(time.Since(since), maxMarks*watchEvery))
		}
		return found, i, nil
	}
	return nil, -1, errStranger
}

// replayedNow asks a standby how far it has come since it was last looked at.
func (m *member) replayedNow(ctx context.Context) (uint64, error) { return m.ask.Do(ctx, struct{}{}) }
