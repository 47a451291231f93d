// Package operations is the use cases of those who run the system: where things are, whether they are
// as promised, what is stuck. It also holds the handler that offers them by contract.
package operations

import (
	"context"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/orderprocessing/orderprocessing/server/contract"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/flags"
	"github.com/orderprocessing/orderprocessing/server/integrity"
	"github.com/orderprocessing/orderprocessing/server/pagetoken"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/shard"
)

// Home keeps the shard map.
type Home interface {
	// ShardMap reads the map of n shards.
	ShardMap(ctx context.Context, n int) (shard.Map, error)
}

// Options make the use cases.
type Options struct {
	Audit  integrity.Sources // the shards, and what else is checked
	Kinds  []string          // of the shards' databases, as many as there are shards
	Home   Home
	Sagas  saga.Operator
	Book   saga.Book // names the steps
	Tokens *pagetoken.Tokens
	// Verified is told of each check that came to its end; nil for nobody.
	Verified func(integrity.Report)
	// Replicas tells how the replicas do; nil when there are none.
	Replicas func() []store.ReplicaStatus
	// Flags keeps how feature flags are set; nil when another provider does.
	Flags Flags
}

// Flags keeps how feature flags are set.
type Flags interface {
	List(ctx context.Context) ([]flags.State, error)
	Set(ctx context.Context, c flags.Change) (flags.State, error)
}

// Service is the use cases. Make it with New; it is safe for concurrent use.
type Service struct{ Options }

// New makes the use cases.
func New(o Options) *Service { return &Service{Options: o} }

// Shard is a database that owns slots.
type Shard struct {
	Database  string // its kind
	Slots     int
	Reachable bool
}

// pingTimeout is how long a shard may take to answer before it counts as away.
const pingTimeout = 2 * time.Second

// ListShards asks every shard for a sign of life, all at once, and gives them in their order.
func (s *Service) ListShards(ctx context.Context) ([]Shard, error) {
	m, err := s.ShardMap(ctx)
	if err != nil {
		return nil, err
	}
	shards := make([]Shard, len(s.Kinds))
	for _, r := range m.Ranges {
		shards[r.Shard].Slots += int(r.Last) - int(r.First) + 1
	}
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	var group errgroup.Group
	for i, one := range s.Audit.Shards() {
		shards[i].Database = s.Kinds[i]
		group.Go(func() error {
			shards[i].Reachable = one.Ping(ctx) == nil
			return nil
		})
	}
	return shards, group.Wait()
}

// ListReplicas tells how the replicas do, in the order of the configuration.
func (s *Service) ListReplicas() []store.ReplicaStatus {
	if s.Replicas == nil {
		return nil
	}
	return s.Replicas()
}

// ShardMap reads which shard owns which slots.
func (s *Service) ShardMap(ctx context.Context) (shard.Map, error) {
	return s.Home.ShardMap(ctx, len(s.Kinds))
}

// Verify reads everything that is stored and tells where it breaks a promise. progress is told how many
// orders were read so far; its error ends the check.
func (s *Service) Verify(ctx context.Context, progress func(orders int64) error) (integrity.Report, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	report, err := integrity.Check(ctx, s.Audit, func(orders int64) {
		if err := progress(orders); err != nil {
			cancel(err)
		}
	})
	if cause := context.Cause(ctx); cause != nil {
		return report, cause
	}
	if err == nil && s.Verified != nil {
		s.Verified(report)
	}
	return report, err
}

// Saga is how far a saga has come, with the name of its step.
type Saga struct {
	saga.Record
	StepName string
}

// ListSagas reads a page of the sagas in a state, by key, and gives the token of the next one, empty on
// the last.
func (s *Service) ListSagas(ctx context.Context, p contract.Page, state saga.State) ([]Saga, string, error) {
	after, err := s.Tokens.Read(p.List, p.Token)
	if err != nil {
		return nil, "", err
	}
	records, err := s.Sagas.List(ctx, saga.Page{State: state, After: string(after), Limit: p.Size + 1})
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(records) > p.Size {
		records = records[:p.Size]
		next = s.Tokens.Make(p.List, []byte(records[p.Size-1].Key()))
	}
	found := make([]Saga, len(records))
	for i, r := range records {
		found[i] = s.named(r)
	}
	return found, next, nil
}

// GetSaga reads one saga.
func (s *Service) GetSaga(ctx context.Context, subject, name string) (Saga, error) {
	slot, err := slotOf(subject)
	if err != nil {
		return Saga{}, err
	}
	r, err := s.Sagas.Find(ctx, slot, subject, name)
	return s.named(r), err
}

// RetrySaga makes an unfinished saga go on at once.
func (s *Service) RetrySaga(ctx context.Context, subject, name string) (Saga, error) {
	slot, err := slotOf(subject)
	if err != nil {
		return Saga{}, err
	}
	if err := s.Sagas.Retry(ctx, slot, subject, name); err != nil {
		return Saga{}, err
	}
	return s.GetSaga(ctx, subject, name)
}

// named adds the name of the step; a saga that this process does not know has none.
func (s *Service) named(r saga.Record) Saga {
	plan := s.Book[r.Saga]
	switch {
	case plan == nil || r.State.Finished():
		return Saga{Record: r}
	case r.Step < 0:
		return Saga{r, "undone"}
	case r.Step >= len(plan.Steps):
		return Saga{r, "done"}
	}
	return Saga{r, plan.Steps[r.Step].Name}
}

// slotOf reads the slot out of an id of any kind.
func slotOf(subject string) (int, error) {
	prefix, _, found := strings.Cut(subject, "_")
	u, err := id.Parse(prefix, subject)
	if err != nil || !found {
		return 0, fault.Invalid(fault.ReasonInvalidID, "subject", "a subject is an id such as ord_ and 26 characters of base32")
	}
	return int(u.Slot()), nil
}
