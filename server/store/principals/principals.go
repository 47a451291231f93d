// Package principals keeps who may call, in the home database: users and their logins, API keys, and
// the keys that sign tokens. It keeps hashes, never a secret that one could call with. What they mean
// is up to its users.
package principals

import (
	"context"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// UserID names a user, `usr_…`.
type UserID struct{ id.UUID }

// String writes the id as callers know it.
func (i UserID) String() string { return i.Format("usr") }

// ParseUserID reads an id as callers know it, or fails with INVALID_ID.
func ParseUserID(text string) (UserID, error) {
	u, err := id.Parse("usr", text)
	return UserID{u}, err
}

// KeyID names an API key, `key_…`.
type KeyID struct{ id.UUID }

// String writes the id as callers know it.
func (i KeyID) String() string { return i.Format("key") }

// ParseKeyID reads an id as callers know it, or fails with INVALID_ID.
func ParseKeyID(text string) (KeyID, error) {
	u, err := id.Parse("key", text)
	return KeyID{u}, err
}

// NewID makes an id. Home has no slots.
func NewID(now time.Time) id.UUID { return id.New(now, 0) }

// Store keeps principals. Make it with New; it is safe for concurrent use. Its times are UTC, in
// microseconds.
type Store struct {
	database    *database.Database
	read, write *db.Client
}

// New makes a store over a migrated database, which its opener closes.
func New(d *database.Database) *Store {
	return &Store{
		database: d,
		read:     db.NewClient(db.Driver(entsql.OpenDB(d.Dialect(), d.Read))),
		write:    db.NewClient(db.Driver(entsql.OpenDB(d.Dialect(), d.Write))),
	}
}

// inTx runs fn in one transaction that may write.
func (s *Store) inTx(ctx context.Context, fn func(tx *db.Client) error) error {
	tx, err := s.database.Write.BeginTx(ctx, nil)
	if err != nil {
		return fromDriver(err)
	}
	defer func() { _ = tx.Rollback() }() // nothing to do after a commit
	if err := fn(db.NewClient(db.Driver(database.Driver(tx, s.database.Dialect())))); err != nil {
		return fromDriver(err)
	}
	return fromDriver(tx.Commit())
}

// rolesToRow packs roles: one bit for each.
func rolesToRow(roles []auth.Role) (bits int) {
	for _, role := range roles {
		bits |= 1 << role
	}
	return bits
}

// rolesFromRow gives roles in the order of their numbers.
func rolesFromRow(bits int) (roles []auth.Role) {
	for _, role := range auth.Assignable() {
		if bits&(1<<role) != 0 {
			roles = append(roles, role)
		}
	}
	return roles
}

// orNil is nil for the zero time, which stands for never.
func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// orZero is the zero time for nil.
func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}
