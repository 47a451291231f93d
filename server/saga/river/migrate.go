package river

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/pause"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// migrateAttempts is how often migrating is tried against others who migrate too. Each of River's
// migrations commits with its number, so whoever comes second fails, leaves nothing behind, and
// finds on the next attempt what is left to do.
const migrateAttempts = 20

// Migrate makes River's own tables, or brings them up to date. Any number of replicas may do it at
// once.
func Migrate(ctx context.Context, db *database.Database) error {
	m, err := migrator(db)
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		_, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil)
		if err == nil && db.Dialect() == database.Postgres {
			_, err = db.Write.ExecContext(ctx, relax)
		}
		if err == nil || attempt == migrateAttempts {
			return err
		}
		wait := saga.Retry{Base: 20 * time.Millisecond, Max: 500 * time.Millisecond}.Pause(db.String(), attempt)
		if ended := pause.For(ctx, wait); ended != nil {
			return errors.Join(err, ended)
		}
	}
}

// relax takes what they say out of the checks of River's jobs, which Postgres parses and plans anew for every
// statement that writes one: two fifths of its work for one job. What they say is up to River's client, and to what
// insertJobs has. Their names stay, for River's next migrations. Nobody who works may wait long for it.
const relax = `
DO $$
DECLARE changes text;
BEGIN
  PERFORM set_config('lock_timeout', '200ms', true);
  SELECT string_agg(format('DROP CONSTRAINT %1$I, ADD CONSTRAINT %1$I CHECK (true)', conname), ', ') INTO changes
  FROM pg_constraint
  WHERE conrelid = 'river_job'::regclass AND contype = 'c' AND pg_get_constraintdef(oid) <> 'CHECK (true)';
  IF changes IS NOT NULL THEN
    EXECUTE 'ALTER TABLE river_job ' || changes;
  END IF;
END $$`

// Verify fails unless River's tables are up to date.
func Verify(ctx context.Context, db *database.Database) error {
	m, err := migrator(db)
	if err != nil {
		return err
	}
	result, err := m.Validate(ctx)
	if err != nil || result.OK {
		return err
	}
	return fault.New(fault.KindPrecondition, ReasonPending,
		"the database %s lacks tables of the job queue; run orderprocessing migrate up", db)
}

// ReasonPending is the reason that package migrate has for the same.
const ReasonPending fault.Reason = "MIGRATION_PENDING"

func migrator(db *database.Database) (*rivermigrate.Migrator[*sql.Tx], error) {
	var driver riverdriver.Driver[*sql.Tx] = riversqlite.New(db.Write)
	if db.Dialect() == database.Postgres {
		driver = riverdatabasesql.New(db.Write)
	}
	return rivermigrate.New(driver, &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
}
