package replica

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orderprocessing/orderprocessing/server/store/coalesce"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

const (
	watchEvery   = 250 * time.Millisecond
	watchTimeout = time.Second
	// unheard is how old what is known of a shard may be before a standby that has all of that is not
	// called up to date any more.
	unheard = 2 * (watchEvery + watchTimeout)
	// askTimeout is how long a call waits to learn a position.
	askTimeout = 200 * time.Millisecond
	askQueue   = 4096
	// maxMarks bounds how far back a lag is known exactly: five minutes.
	maxMarks = 1200
)

// primary is a shard's own database, as its standbys are compared with it.
type primary struct {
	database *database.Database
	ask      *coalesce.Writer[struct{}, uint64] // how far its log has come
	now      atomic.Pointer[identity]           // nil until it was looked at

	mu    sync.Mutex
	marks []mark // sorted
}

// mark says that all that was written before a time is in the log before a position.
type mark struct {
	time time.Time
	log  uint64
}

func newPrimary(d *database.Database) *primary {
	return &primary{database: d, ask: newAsk(d, `SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint`)}
}

// newAsk asks a database for one position, once for all who wait for it.
func newAsk(d *database.Database, query string) *coalesce.Writer[struct{}, uint64] {
	return coalesce.New(func(ctx context.Context, batch []struct{}) []coalesce.Result[uint64] {
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		var at uint64
		err := d.Read.QueryRowContext(ctx, query).Scan(&at)
		results := make([]coalesce.Result[uint64], len(batch))
		for i := range results {
			results[i] = coalesce.Result[uint64]{Value: at, Err: err}
		}
		return results
	}, askQueue, askQueue, nil)
}

// look marks how far the log has come by now. A primary that does not answer, or is just being
// replaced, stays as it was known.
func (p *primary) look(ctx context.Context) {
	at := time.Now()
	seen, log, err := askPrimary(ctx, p.database)
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if before := p.now.Swap(&seen); before != nil && *before != seen {
		p.marks = nil // another log
	}
	if len(p.marks) == maxMarks {
		p.marks = append(p.marks[:0], p.marks[1:]...)
	}
	p.marks = append(p.marks, mark{at, log})
}

// lag tells by how much somebody who has replayed the log up to a position is behind: in bytes, and
// the time since when; the zero time when that is longer ago than is known.
func (p *primary) lag(replayed uint64) (bytes int64, since time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.marks) == 0 {
		return 0, time.Time{}
	}
	if last := p.marks[len(p.marks)-1]; last.log > replayed {
		bytes = int64(last.log - replayed) //nolint:gosec // a log is shorter
	}
	for i := len(p.marks) - 1; i >= 0; i-- {
		if p.marks[i].log <= replayed {
			return bytes, p.marks[i].time
		}
	}
	return bytes, time.Time{}
}

// watch looks at once and then again and again.
func watch(ctx context.Context, look func(context.Context)) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		round, cancel := context.WithTimeout(ctx, watchTimeout)
		look(round)
		cancel()
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}
