package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// applyNext applies the next pending migration and tells its name; no name when none is left.
func (s *session) applyNext(ctx context.Context, files []file) (string, error) {
	var f *file
	var revision Revision
	err := s.retry(ctx, func() error {
		f = nil
		tx, err := s.conn.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		f, revision, err = s.next(ctx, tx, files)
		if err != nil || f == nil || f.alone {
			return err
		}
		return s.applyWhole(ctx, tx, *f, revision)
	})
	switch {
	case err != nil && f == nil && database.Classify(err) == database.Busy:
		return "", locked(s.db)
	case err != nil:
		return "", failed(s.db, "apply migrations", err)
	case f == nil:
		return "", nil
	case f.alone:
		return f.name, s.applyAlone(ctx, *f, revision)
	}
	return f.name, nil
}

// next finds what is to do, under the lock.
func (s *session) next(ctx context.Context, tx *sql.Tx, files []file) (*file, Revision, error) {
	revisions, err := readRevisions(ctx, tx)
	if err != nil {
		return nil, Revision{}, failed(s.db, "read the applied migrations", err)
	}
	h := compare(s.db, files, revisions)
	if h.half != nil && s.resume {
		for _, f := range files {
			if f.name == h.half.Name && f.checksum == h.half.Checksum {
				return &f, *h.half, nil
			}
		}
		return nil, Revision{}, changed(s.db, h.half.Name)
	}
	if h.problem != nil || len(h.pending) == 0 {
		return nil, Revision{}, h.problem
	}
	f := h.pending[0]
	return &f, Revision{Name: f.name, Checksum: f.checksum, Statements: len(f.statements), StartTime: now()}, nil
}

// applyWhole applies a file in one transaction, together with the record of it.
func (s *session) applyWhole(ctx context.Context, tx *sql.Tx, f file, r Revision) error {
	for i, statement := range f.statements {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return stopped(s.db, f, i, err)
		}
	}
	if s.db.Dialect() == database.SQLite {
		if err := checkKeys(ctx, tx, f); err != nil {
			return stopped(s.db, f, len(f.statements)-1, err)
		}
	}
	end := now()
	r.Done, r.EndTime = len(f.statements), &end
	if err := r.write(ctx, tx, s.db.Dialect()); err != nil {
		return failed(s.db, "record "+f.name, err)
	}
	if err := tx.Commit(); err != nil {
		return failed(s.db, "commit "+f.name, err)
	}
	return nil
}

// applyAlone applies a file statement by statement, and records how far it is after each.
func (s *session) applyAlone(ctx context.Context, f file, r Revision) error {
	record := func() error {
		if err := r.write(context.WithoutCancel(ctx), s.conn, s.db.Dialect()); err != nil {
			return failed(s.db, "record "+f.name, err)
		}
		return nil
	}
	if err := record(); err != nil {
		return err
	}
	for r.Done < len(f.statements) {
		err := s.retry(ctx, func() error {
			_, err := s.conn.ExecContext(ctx, f.statements[r.Done])
			return err
		})
		if err != nil {
			r.Error = err.Error()
			return errors.Join(stopped(s.db, f, r.Done, err), record())
		}
		r.Done, r.Error = r.Done+1, ""
		if r.Done == len(f.statements) {
			end := now()
			r.EndTime = &end
		}
		if err := record(); err != nil {
			return err
		}
	}
	return nil
}

// checkKeys finds a foreign key that a rebuilt table broke.
func checkKeys(ctx context.Context, tx *sql.Tx, f file) error {
	rows, err := tx.QueryContext(ctx, `PRAGMA foreign_key_check`)
	if err != nil {
		return err
	}
	defer rows.Close()
	if rows.Next() {
		return fmt.Errorf("%s leaves rows whose foreign key has no target", f.name)
	}
	return rows.Err()
}

// now is what both databases can keep.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
