package migrate

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"time"

	"github.com/orderprocessing/orderprocessing/server/pause"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// lockKey is the advisory lock of whoever migrates a Postgres database.
const lockKey = 0x6f72646572 // "order"

// lockPause is how often a lock is asked for again.
const lockPause = 100 * time.Millisecond

// settings hold while we migrate. A statement that cannot have its lock soon gives way, because
// all later statements on that table queue behind it; it is tried again. Work may take long.
var settings = map[string][]string{
	database.Postgres: {
		`SET lock_timeout = '2s'`,
		`SET statement_timeout = 0`,
		`SET idle_in_transaction_session_timeout = 0`,
	},
	// Tables are rebuilt by dropping them. The keys are checked before the commit.
	database.SQLite: {`PRAGMA foreign_keys = off`},
}

// session is one connection that migrates, while no other does.
type session struct {
	db       *database.Database
	conn     *sql.Conn
	deadline time.Time // for locks
	resume   bool
}

// begin takes the lock. SQLite has none beside its transactions, so there each one looks again at
// what is pending.
func (m Migrator) begin(ctx context.Context, db *database.Database) (*session, error) {
	conn, err := db.Write.Conn(ctx)
	if err != nil {
		return nil, failed(db, "connect", err)
	}
	s := &session{db: db, conn: conn, deadline: time.Now().Add(m.wait()), resume: m.Resume}
	for _, setting := range settings[db.Dialect()] {
		if err == nil {
			_, err = conn.ExecContext(ctx, setting)
		}
	}
	if err == nil && db.Dialect() == database.Postgres {
		err = s.lock(ctx)
	}
	if err == nil {
		err = s.retry(ctx, func() error {
			_, err := conn.ExecContext(ctx, translate(db.Dialect(), table))
			return err
		})
	}
	if err != nil {
		s.end()
		if database.Classify(err) == database.Busy {
			return nil, locked(db)
		}
		return nil, failed(db, "prepare", err)
	}
	return s, nil
}

// lock asks again and again. To wait inside the database would hold a snapshot there, and CREATE
// INDEX CONCURRENTLY of whoever has the lock would wait for us.
func (s *session) lock(ctx context.Context) error {
	for {
		var got bool
		err := s.conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, lockKey).Scan(&got)
		if err != nil || got {
			return err
		}
		if !s.rest(ctx) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return locked(s.db)
		}
	}
}

// retry runs fn again while it fails for a lock and time is left. fn leaves nothing behind then.
func (s *session) retry(ctx context.Context, fn func() error) error {
	for {
		err := fn()
		switch database.Classify(err) {
		case database.Busy, database.Deadlock, database.Conflict:
		default:
			return err
		}
		if !s.rest(ctx) {
			return err
		}
	}
}

// rest waits a moment, and tells whether there is time for another try.
func (s *session) rest(ctx context.Context) bool {
	return pause.For(ctx, lockPause) == nil && time.Now().Before(s.deadline)
}

// releaseTimeout bounds how long giving the lock back may take.
const releaseTimeout = 2 * time.Second

// end closes the connection rather than give it back: the lock and the settings go with it. The lock
// is given back before, since Postgres may notice a closed connection only a moment later.
func (s *session) end() {
	if s.db.Dialect() == database.Postgres {
		ctx, cancel := context.WithTimeout(context.Background(), releaseTimeout)
		defer cancel()
		_, _ = s.conn.ExecContext(ctx, `SELECT pg_advisory_unlock_all()`) // closing it does as well
	}
	_ = s.conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = s.conn.Close()
}
