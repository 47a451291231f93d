package flags

import (
	"context"
	"fmt"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/ent/db/flag"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// Store keeps how flags are set, in the home database. Make it with NewStore.
type Store struct{ read, write *db.Client }

// NewStore makes a store over a migrated database, which its opener closes.
func NewStore(d *database.Database) *Store {
	return &Store{
		read:  db.NewClient(db.Driver(entsql.OpenDB(d.Dialect(), d.Read))),
		write: db.NewClient(db.Driver(entsql.OpenDB(d.Dialect(), d.Write))),
	}
}

// All reads the settings of all flags that somebody has set, by key.
func (s *Store) All(ctx context.Context) (map[string]Setting, error) {
	rows, err := s.read.Flag.Query().All(ctx)
	if err != nil {
		return nil, fromDriver(err)
	}
	all := make(map[string]Setting, len(rows))
	for _, row := range rows {
		all[row.ID] = settingFromRow(row)
	}
	return all, nil
}

// Versions adds up the versions of all settings: it changes with each of them.
func (s *Store) Versions(ctx context.Context) (int64, error) {
	var sums []struct {
		Sum *int64 `json:"sum"`
	}
	if err := s.read.Flag.Query().Aggregate(db.As(db.Sum(flag.FieldVersion), "sum")).Scan(ctx, &sums); err != nil {
		return 0, fromDriver(err)
	}
	if len(sums) == 0 || sums[0].Sum == nil {
		return 0, nil
	}
	return *sums[0].Sum, nil
}

// Change stores what decide makes of the current setting, whose version is 0 when there is none. The
// same setting again is no change. Somebody else who is faster makes it fail with CONCURRENT_CHANGE.
func (s *Store) Change(ctx context.Context, key string, decide func(Setting) (Setting, error)) (Setting, error) {
	row, err := s.write.Flag.Get(ctx, key)
	if err != nil && !db.IsNotFound(err) {
		return Setting{}, fromDriver(err)
	}
	current := Setting{}
	if err == nil {
		current = settingFromRow(row)
	}
	next, err := decide(current)
	if err != nil || current.Version > 0 && next.same(current) {
		return current, err
	}
	next.Version = current.Version + 1
	if current.Version == 0 {
		err = s.write.Flag.Create().SetID(key).SetEnabled(next.Enabled).SetDefaultVariant(next.Default).
			SetRollout(next.Rollout).SetTargets(next.Targets).SetVersion(next.Version).
			SetUpdateActor(next.Actor).SetUpdateTime(next.Updated).Exec(ctx)
		if database.Classify(err) == database.Unique {
			return Setting{}, lost()
		}
		return next, fromDriver(err)
	}
	n, err := s.write.Flag.Update().Where(flag.ID(key), flag.Version(current.Version)).
		SetEnabled(next.Enabled).SetDefaultVariant(next.Default).SetRollout(next.Rollout).SetTargets(next.Targets).
		SetVersion(next.Version).SetUpdateActor(next.Actor).SetUpdateTime(next.Updated).Save(ctx)
	if err == nil && n == 0 {
		return Setting{}, lost()
	}
	return next, fromDriver(err)
}

func settingFromRow(row *db.Flag) Setting {
	return Setting{
		Enabled: row.Enabled, Default: row.DefaultVariant, Rollout: row.Rollout, Targets: row.Targets,
		Version: row.Version, Actor: row.UpdateActor, Updated: row.UpdateTime.UTC().Truncate(time.Microsecond),
	}
}

func lost() error {
	return fault.New(fault.KindConflict, fault.ReasonConcurrentChange, "somebody else set the flag at the same time; read it again")
}

// fromDriver turns what a driver says into a fault, by its code.
func fromDriver(err error) error {
	if err == nil {
		return nil
	}
	switch database.Classify(err) {
	case database.Unavailable, database.DiskFull, database.Canceled, database.Busy, database.Conflict, database.Deadlock:
		return fault.New(fault.KindUnavailable, fault.ReasonDatabaseDown, "the flags cannot be reached; try again").Because(err)
	default:
		return fmt.Errorf("flags: %w", err)
	}
}
