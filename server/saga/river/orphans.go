package river

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"github.com/orderprocessing/orderprocessing/server/saga/progress"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// adoptEvery is how often to look for jobs of those who are gone.
const adoptEvery = 3 * time.Second

// appear shows that this worker lives: on Postgres by a lock of a session, which ends with its process,
// on SQLite, whose file one process serves, by listening.
func (s *shard) appear(ctx context.Context) error {
	if s.pool == nil {
		s.leave = s.db.Notices.Listen(s.id, s.bell.ring)
		return nil
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock("+lockOf+")", s.id); err != nil {
		conn.Release()
		return err
	}
	s.life = conn
	return nil
}

// lockOf is the number of a worker's lock.
const lockOf = "hashtextextended('sagas ' || $1::text, 0)"

// disappear is what a process that ends does without being told to.
func (s *shard) disappear(ctx context.Context) {
	if s.leave != nil {
		s.leave()
		s.leave = nil
	}
	if s.life != nil {
		_ = s.life.Conn().Close(ctx) // its lock ends with it
		s.life.Release()
		s.life = nil
	}
}

// adopt lets the sagas go on of which somebody was at work who is gone, without waiting for their leases.
// Somebody who lives all the same finds their tickets taken, and stops.
func (s *shard) adopt(ctx context.Context) error {
	if s.pool != nil && (s.life == nil || s.life.Ping(ctx) != nil) {
		s.disappear(ctx)
		if err := s.appear(ctx); err != nil {
			return err
		}
	}
	workers, err := s.workers(ctx)
	if err != nil {
		return err
	}
	for _, worker := range workers {
		if worker == s.id || s.pool == nil && s.db.Notices.Listens(worker) {
			continue
		}
		if err := s.inTx(ctx, func(tx *sql.Tx) error { return s.takeOver(ctx, tx, worker) }); err != nil {
			return err
		}
	}
	return nil
}

// workerOf is who works on a job that runs.
func (s *shard) workerOf() string {
	if s.db.Dialect() == database.Postgres {
		return "attempted_by[cardinality(attempted_by)]"
	}
	return "json_extract(attempted_by, '$[#-1]')"
}

// workers names those who have jobs that run.
func (s *shard) workers(ctx context.Context) (workers []string, err error) {
	rows, err := s.db.Read.QueryContext(ctx, "SELECT DISTINCT "+s.workerOf()+" FROM river_job WHERE state = 'running'") //nolint:gosec // our own words
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var worker string
		if err := rows.Scan(&worker); err != nil {
			return nil, err
		}
		workers = append(workers, worker)
	}
	return workers, rows.Err()
}

// takeOver deletes the jobs of a worker unless it lives, and makes their sagas due.
func (s *shard) takeOver(ctx context.Context, tx *sql.Tx, worker string) error {
	query := "DELETE FROM river_job WHERE state = 'running' AND " + s.workerOf() + " = ? RETURNING json(args)" //nolint:gosec // our own words
	if s.pool != nil {
		gone := false
		if err := tx.QueryRowContext(ctx, "SELECT pg_try_advisory_xact_lock("+lockOf+")", worker).Scan(&gone); err != nil || !gone {
			return err
		}
		query = strings.NewReplacer("?", "$1", "json(args)", "args::text").Replace(query)
	}
	batches, err := readBatches(ctx, tx, query, worker)
	if err != nil {
		return err
	}
	now := s.options.Now().UTC().Truncate(time.Microsecond)
	for _, b := range batches {
		if err := progress.HurryTx(ctx, tx, s.db.Dialect(), strings.Split(b.Keys, "\n"), b.Ticket, now); err != nil {
			return err
		}
	}
	return nil
}

func readBatches(ctx context.Context, tx *sql.Tx, query string, args ...any) (batches []batch, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		var b batch
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(text), &b); err != nil {
			return nil, err
		}
		batches = append(batches, b)
	}
	return batches, rows.Err()
}
