package progress

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// postgres passes a batch as arrays, one statement whatever the size, and what is new as database.Rows.
type postgres struct{}

func (postgres) bind(query string) string {
	for n := 1; strings.Contains(query, "?"); n++ {
		query = strings.Replace(query, "?", "$"+strconv.Itoa(n), 1)
	}
	return query
}

func (postgres) epoch(column string) string {
	return "EXTRACT(EPOCH FROM " + column + ")::double precision"
}

func (postgres) insert(records []saga.Record, ticket int64) (string, []any) {
	n := len(records)
	keys, subjects, names, traces := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	slots, tickets := make([]int16, n), make([]int64, n)
	wakes, deadlines, times := make([]time.Time, n), make([]time.Time, n), make([]time.Time, n)
	for i, r := range records {
		keys[i], subjects[i], names[i], traces[i] = r.Key(), r.Subject, r.Saga, r.Trace
		slots[i], tickets[i] = int16(r.Slot), leaves(r, ticket) //nolint:gosec // below 4096
		wakes[i], deadlines[i], times[i] = r.Wake, r.Deadline, r.Created
	}
	query, arrays := insertOne, n > 1
	if arrays {
		query = insertMany
	}
	return query, []any{
		database.Column(arrays, keys), database.Column(arrays, slots), database.Column(arrays, subjects),
		database.Column(arrays, names), database.Column(arrays, tickets), database.Column(arrays, wakes),
		database.Column(arrays, deadlines), database.Column(arrays, times), database.Column(arrays, traces),
	}
}

var insertOne, insertMany = insertFrom(false), insertFrom(true)

func insertFrom(arrays bool) string {
	return `INSERT INTO sagas (` + columns + `)
		SELECT k, slot, subject, saga, 1, false, 0, 0, '', '', ticket, wake, deadline, t, t, trace
		FROM ` + database.Rows(arrays, 1,
		"text", "smallint", "text", "text", "bigint", "timestamptz", "timestamptz", "timestamptz", "text") + `
			AS n(k, slot, subject, saga, ticket, wake, deadline, t, trace)
		ON CONFLICT (saga_key) DO NOTHING`
}

const postgresSave = `
	UPDATE sagas s SET state = p.state, undoing = p.undoing, step = p.step, attempts = p.attempts, reason = p.reason,
		cause = p.cause, ticket = p.leaves, wake_time = coalesce(p.wake, s.wake_time), update_time = p.t
	FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::smallint[], $5::boolean[], $6::smallint[], $7::integer[],
		$8::text[], $9::text[], $10::timestamptz[], $11::timestamptz[])
		AS p(k, ticket, leaves, state, undoing, step, attempts, reason, cause, wake, t)
	WHERE s.saga_key = p.k AND s.ticket = p.ticket
	RETURNING p.k, p.ticket`

func (postgres) save(ctx context.Context, db *database.Database, batch []Save) (map[holding]bool, error) {
	// All who write many take the rows in one order.
	batch = slices.SortedFunc(slices.Values(batch), func(a, b Save) int { return strings.Compare(a.Record.Key(), b.Record.Key()) })
	n := len(batch)
	keys, reasons, causes := make([]string, n), make([]string, n), make([]string, n)
	tickets, left := make([]int64, n), make([]int64, n)
	states, steps, attempts := make([]int16, n), make([]int16, n), make([]int32, n)
	undoing := make([]bool, n)
	wakes, times := make([]*time.Time, n), make([]time.Time, n)
	for i, save := range batch {
		r := save.Record
		keys[i], reasons[i], causes[i] = r.Key(), r.Reason, r.Cause
		tickets[i], left[i] = save.Ticket, leaves(r, save.Ticket)
		states[i], undoing[i] = int16(r.State), r.Undoing
		steps[i], attempts[i] = int16(r.Step), int32(min(r.Attempts, 1<<30)) //nolint:gosec // a few steps
		wakes[i], times[i] = wakeOf(&batch[i].Record), r.Updated
	}
	rows, err := db.Write.QueryContext(ctx, postgresSave,
		keys, tickets, left, states, undoing, steps, attempts, reasons, causes, wakes, times)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	held := make(map[holding]bool, n)
	for rows.Next() {
		var h holding
		if err := rows.Scan(&h.key, &h.ticket); err != nil {
			return nil, err
		}
		held[h] = true
	}
	return held, rows.Err()
}

func (postgres) held(keys []string, ticket int64) (string, []any) {
	return selected + ` WHERE saga_key = ANY($1::text[]) AND ticket = $2 AND state < 5`, []any{keys, ticket}
}

func (postgres) take(sagas []string, now time.Time, limit int, ticket int64, wake time.Time) (string, []any) {
	return `WITH due AS (
			SELECT saga_key FROM sagas WHERE state < 5 AND wake_time <= $1 AND saga = ANY($2::text[])
			ORDER BY wake_time LIMIT $3 FOR UPDATE SKIP LOCKED)
		UPDATE sagas s SET ticket = $4, wake_time = $5 FROM due WHERE s.saga_key = due.saga_key
		RETURNING s.saga_key, s.saga`, []any{now, sagas, limit, ticket, wake}
}

func (postgres) settle(keys []string, ticket int64, taken, check time.Time) (string, []any) {
	return `UPDATE sagas SET wake_time = greatest(deadline, $1::timestamptz)
		WHERE saga_key = ANY($2::text[]) AND ticket = $3 AND wake_time = $4 AND state < 5`, []any{check, keys, ticket, taken}
}

func (postgres) hurry(keys []string, ticket int64, now time.Time) (string, []any) {
	return `UPDATE sagas SET wake_time = $1 WHERE saga_key = ANY($2::text[]) AND ticket = $3 AND state < 5`, []any{now, keys, ticket}
}

func (p postgres) wake(key string, ticket int64, now, wake time.Time, again bool) (string, []any) {
	query, args := wakeStatement(key, ticket, now, wake, again)
	return p.bind(query), args
}

// wakeStatement is the same in both dialects.
func wakeStatement(key string, ticket int64, now, wake time.Time, again bool) (string, []any) {
	set := ""
	if again {
		set = ", attempts = 0, state = CASE WHEN state <> 4 THEN state WHEN undoing THEN 3 ELSE 1 END"
	}
	return "UPDATE sagas SET ticket = ?, wake_time = ?, update_time = ?" + set + " WHERE saga_key = ? AND state < 5",
		[]any{ticket, wake, now, key}
}
