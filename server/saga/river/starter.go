package river

import (
	"context"
	"database/sql"
	"log/slog"
	"strings"
	"time"

	rq "github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"

	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/saga/progress"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// batch is a River job: the ticket under which to go on with sagas of one name. The keys are one
// text, because River's index on arguments has an entry for each value.
type batch struct {
	Ticket int64  `json:"ticket,string"` // as text: River reads numbers as floats
	Keys   string `json:"keys"`          // one a line
}

// Kind names the job to River.
func (batch) Kind() string { return "saga_batch" }

// The priorities: what was overdue comes first, or a backlog that is longer than the lease would
// send it to the end again and again.
const (
	priorityOverdue = 1
	priorityNew     = 2
)

const (
	maxKeys = 128 // of one job
	// startLease is how long a job of new sagas may wait in its queue before a sweep looks after
	// them.
	startLease = time.Minute
	// River tries a job again when the database was away; in the end the sweep makes a new one.
	maxJobAttempts = 5
)

// Starter starts sagas in one shard. It needs no engine: a store can have it before the sagas'
// steps exist. Make it with NewStarter.
type Starter struct {
	client  *rq.Client[*sql.Tx]
	dialect string
	tell    func(queue string) // who works on the same database of new jobs
	now     func() time.Time
}

var _ saga.Starter = (*Starter)(nil)

// NewStarter makes a starter for a database. An engine on the same db works at once on what it starts.
func NewStarter(db *database.Database, now func() time.Time) (*Starter, error) {
	var driver riverdriver.Driver[*sql.Tx] = riversqlite.New(nil)
	tell := db.Notices.Tell
	if db.Dialect() == database.Postgres {
		driver, tell = riverdatabasesql.New(nil), func(string) {} // River tells by NOTIFY
	}
	client, err := rq.NewClient(driver, &rq.Config{
		FetchCooldown: time.Millisecond, // of notifications: a commit that is not told waits for a poll
		Logger:        slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	return &Starter{client: client, dialect: db.Dialect(), tell: tell, now: now}, nil
}

// StartTx stores the sagas, and one job for each name and 128 subjects.
func (s *Starter) StartTx(ctx context.Context, tx *sql.Tx, starts []saga.Start) error {
	records, keys, ticket := s.begin(starts)
	if err := progress.InsertTx(ctx, tx, s.dialect, records, ticket); err != nil {
		return err
	}
	return s.enqueue(ctx, tx, keys, ticket, priorityNew)
}

// begin gives the records of sagas, and by name the keys of those that begin at once, under a ticket.
func (s *Starter) begin(starts []saga.Start) (records []saga.Record, keys map[string][]string, ticket int64) {
	now := s.now()
	records, keys = make([]saga.Record, len(starts)), map[string][]string{}
	for i, start := range starts {
		records[i] = saga.NewRecord(start, now, startLease)
		if !records[i].Rests {
			keys[start.Saga] = append(keys[start.Saga], records[i].Key())
		}
	}
	return records, keys, progress.NewTicket()
}

// SignalTx takes the saga over to a new job.
func (s *Starter) SignalTx(ctx context.Context, tx *sql.Tx, subject, name string) error {
	_, err := s.wake(ctx, tx, saga.Key(subject, name), false)
	return err
}

// wake puts an unfinished saga under a job of its own, and tells whether there was one.
func (s *Starter) wake(ctx context.Context, tx *sql.Tx, key string, again bool) (bool, error) {
	now, ticket := s.now().UTC().Truncate(time.Microsecond), progress.NewTicket()
	found, err := progress.WakeTx(ctx, tx, s.dialect, key, ticket, now, now.Add(startLease), again)
	if err != nil || !found {
		return found, err
	}
	_, name := saga.SplitKey(key)
	return true, s.enqueue(ctx, tx, map[string][]string{name: {key}}, ticket, priorityOverdue)
}

func (s *Starter) enqueue(ctx context.Context, tx *sql.Tx, keys map[string][]string, ticket int64, priority int) error {
	var jobs []rq.InsertManyParams
	for name, all := range keys {
		for len(all) > 0 {
			n := min(len(all), maxKeys)
			jobs = append(jobs, rq.InsertManyParams{
				Args:       batch{Ticket: ticket, Keys: strings.Join(all[:n], "\n")},
				InsertOpts: &rq.InsertOpts{Queue: name, Priority: priority, MaxAttempts: maxJobAttempts},
			})
			all = all[n:]
		}
	}
	if len(jobs) == 0 {
		return nil
	}
	if _, err := s.client.InsertManyTx(ctx, tx, jobs); err != nil {
		return err
	}
	for name := range keys {
		s.tell(name)
	}
	return nil
}
