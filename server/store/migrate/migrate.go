// Package migrate brings a database's tables up to this program's version, once, however many
// replicas start together, and refuses a database whose history is not the one it knows.
// The SQL itself is in ent/migrations.
package migrate

import (
	"context"
	"io/fs"
	"time"

	"github.com/orderprocessing/orderprocessing/ent/migrations"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// Migrator applies a set of migrations. The zero value applies the ones in ent/migrations.
type Migrator struct {
	Files    fs.FS         // one folder a dialect; nil means ent/migrations
	LockWait time.Duration // how long to wait for another replica that migrates; 0 means 1 minute
	Resume   bool          // continue a half-applied migration at the statement that stopped it
}

// Up applies what is pending and tells the names of the files that it applied itself.
func Up(ctx context.Context, db *database.Database) ([]string, error) {
	return Migrator{}.Up(ctx, db)
}

// Verify fails unless every migration of this program is applied, whole and unchanged. Later ones
// of a newer program are fine.
func Verify(ctx context.Context, db *database.Database) error { return Migrator{}.Verify(ctx, db) }

// Inspect tells how far a database is.
func Inspect(ctx context.Context, db *database.Database) (Status, error) {
	return Migrator{}.Status(ctx, db)
}

// Up applies what is pending and tells the names of the files that it applied itself.
func (m Migrator) Up(ctx context.Context, db *database.Database) ([]string, error) {
	files, err := readFiles(m.files(), db.Dialect())
	if err != nil {
		return nil, err
	}
	if h, err := readHistory(ctx, db, files); err != nil || len(h.pending) == 0 && h.problem == nil {
		return nil, err // nothing to lock for
	}
	s, err := m.begin(ctx, db)
	if err != nil {
		return nil, err
	}
	defer s.end()
	var applied []string
	for {
		name, err := s.applyNext(ctx, files)
		if err != nil || name == "" {
			return applied, err
		}
		applied = append(applied, name)
	}
}

// Verify fails unless every migration is applied, whole and unchanged. Later ones of a newer
// program are fine.
func (m Migrator) Verify(ctx context.Context, db *database.Database) error {
	files, err := readFiles(m.files(), db.Dialect())
	if err != nil {
		return err
	}
	h, err := readHistory(ctx, db, files)
	if err != nil {
		return err
	}
	if h.problem == nil && len(h.pending) > 0 {
		return pending(db, h.pending)
	}
	return h.problem
}

func (m Migrator) files() fs.FS {
	if m.Files == nil {
		return migrations.Files
	}
	return m.Files
}

func (m Migrator) wait() time.Duration {
	if m.LockWait == 0 {
		return time.Minute
	}
	return m.LockWait
}
