package progress

import (
	"context"
	"time"

	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// statements are what the dialects say differently.
type statements interface {
	bind(query string) string // with question marks
	epoch(column string) string
	insert(records []saga.Record, ticket int64) (string, []any)
	save(ctx context.Context, db *database.Database, batch []Save) (held map[holding]bool, err error)
	held(keys []string, ticket int64) (string, []any)
	take(sagas []string, now time.Time, limit int, ticket int64, wake time.Time) (string, []any)
	settle(keys []string, ticket int64, taken, check time.Time) (string, []any)
	hurry(keys []string, ticket int64, now time.Time) (string, []any)
	wake(key string, ticket int64, now, wake time.Time, again bool) (string, []any)
}

func statementsOf(dialect string) statements {
	if dialect == database.Postgres {
		return postgres{}
	}
	return sqlite{}
}

const columns = `saga_key, slot, subject, saga, state, undoing, step, attempts, reason, cause, ticket, wake_time, deadline, create_time, update_time, trace`
