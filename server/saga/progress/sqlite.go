package progress

import (
	"context"
	"encoding/json"
	"time"

	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// sqlite writes row by row in one transaction: there are no round trips to save.
type sqlite struct{}

func (sqlite) bind(query string) string { return query }

func (sqlite) epoch(column string) string {
	return "CAST(unixepoch(" + column + ", 'subsec') AS REAL)"
}

func (sqlite) insert(records []saga.Record, ticket int64) (string, []any) {
	const width = 16
	args := make([]any, 0, width*len(records))
	for _, r := range records {
		args = append(args, r.Key(), r.Slot, r.Subject, r.Saga, r.State, r.Undoing, r.Step, r.Attempts, r.Reason, r.Cause,
			leaves(r, ticket), r.Wake, r.Deadline, r.Created, r.Updated, r.Trace)
	}
	return `INSERT INTO sagas (` + columns + `) VALUES ` + placeholders(len(records), width) +
		` ON CONFLICT (saga_key) DO NOTHING`, args
}

const sqliteSave = `UPDATE sagas SET state = ?, undoing = ?, step = ?, attempts = ?, reason = ?, cause = ?, ticket = ?, wake_time = coalesce(?, wake_time), update_time = ?
	WHERE saga_key = ? AND ticket = ?`

func (sqlite) save(ctx context.Context, db *database.Database, batch []Save) (map[holding]bool, error) {
	tx, err := db.Write.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	update, err := tx.PrepareContext(ctx, sqliteSave)
	if err != nil {
		return nil, err
	}
	defer update.Close()
	held := make(map[holding]bool, len(batch))
	for _, save := range batch {
		r := save.Record
		result, err := update.ExecContext(ctx, r.State, r.Undoing, r.Step, r.Attempts, r.Reason, r.Cause,
			leaves(r, save.Ticket), wakeOf(&save.Record), r.Updated, r.Key(), save.Ticket)
		if err != nil {
			return nil, err
		}
		if n, err := result.RowsAffected(); err != nil {
			return nil, err
		} else if n > 0 {
			held[holding{r.Key(), save.Ticket}] = true
		}
	}
	return held, tx.Commit()
}

func (sqlite) held(keys []string, ticket int64) (string, []any) {
	return selected + ` WHERE saga_key IN (SELECT value FROM json_each(?)) AND ticket = ? AND state < 5`, []any{list(keys), ticket}
}

func (sqlite) take(sagas []string, now time.Time, limit int, ticket int64, wake time.Time) (string, []any) {
	return `UPDATE sagas SET ticket = ?, wake_time = ? WHERE saga_key IN (
			SELECT saga_key FROM sagas WHERE state < 5 AND wake_time <= ? AND saga IN (SELECT value FROM json_each(?))
			ORDER BY wake_time LIMIT ?)
		RETURNING saga_key, saga`, []any{ticket, wake, now, list(sagas), limit}
}

func (sqlite) settle(keys []string, ticket int64, taken, check time.Time) (string, []any) {
	return `UPDATE sagas SET wake_time = max(deadline, ?)
		WHERE saga_key IN (SELECT value FROM json_each(?)) AND ticket = ? AND wake_time = ? AND state < 5`, []any{check, list(keys), ticket, taken}
}

func (sqlite) hurry(keys []string, ticket int64, now time.Time) (string, []any) {
	return `UPDATE sagas SET wake_time = ?
		WHERE saga_key IN (SELECT value FROM json_each(?)) AND ticket = ? AND state < 5`, []any{now, list(keys), ticket}
}

func (sqlite) wake(key string, ticket int64, now, wake time.Time, again bool) (string, []any) {
	return wakeStatement(key, ticket, now, wake, again)
}

// list is a JSON array of strings.
func list(values []string) string {
	text, _ := json.Marshal(values) // strings always can be
	return string(text)
}
