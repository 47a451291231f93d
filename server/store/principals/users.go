package principals

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/ent/db/user"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// User is a person who logs in.
type User struct {
	ID               UserID
	Email            string // in lower case
	Name             string // may be empty
	PasswordHash     string // PHC string
	Roles            []auth.Role
	CustomerID       string
	RequestID        string // of the registration
	Created, Updated time.Time
}

// AddUser stores a new user. It fails with EMAIL_TAKEN.
func (s *Store) AddUser(ctx context.Context, u User) error {
	err := s.write.User.Create().SetID(uuid.UUID(u.ID.UUID)).SetEmail(u.Email).SetDisplayName(u.Name).
		SetPasswordHash(u.PasswordHash).SetRoles(rolesToRow(u.Roles)).SetCustomerID(u.CustomerID).SetRequestID(u.RequestID).
		SetCreateTime(u.Created).SetUpdateTime(u.Updated).Exec(ctx)
	if database.Classify(err) == database.Unique {
		return fault.New(fault.KindExists, fault.ReasonEmailTaken, "a user with this address has registered already")
	}
	return fromDriver(err)
}

// User reads a user, or fails with USER_NOT_FOUND.
func (s *Store) User(ctx context.Context, userID UserID) (User, error) {
	return userFromRow(s.read.User.Get(ctx, uuid.UUID(userID.UUID)))
}

// UserByEmail reads the user with an address in lower case, or fails with USER_NOT_FOUND.
func (s *Store) UserByEmail(ctx context.Context, email string) (User, error) {
	return userFromRow(s.read.User.Query().Where(user.Email(email)).Only(ctx))
}

// SetPassword replaces the hash of a password, and may end all logins of the user.
func (s *Store) SetPassword(ctx context.Context, userID UserID, hash string, endLogins bool, now time.Time) error {
	return s.inTx(ctx, func(tx *db.Client) error {
		_, err := userFromRow(tx.User.UpdateOneID(uuid.UUID(userID.UUID)).SetPasswordHash(hash).SetUpdateTime(now).Save(ctx))
		if err != nil || !endLogins {
			return err
		}
		return revokeSessions(ctx, tx, userID, now)
	})
}

// SetRoles replaces what a user may be, and gives the user before and after. Without roles all logins
// end. It fails with USER_NOT_FOUND.
func (s *Store) SetRoles(ctx context.Context, userID UserID, roles []auth.Role, now time.Time) (before, after User, err error) {
	err = s.inTx(ctx, func(tx *db.Client) error {
		if before, err = userFromRow(tx.User.Get(ctx, uuid.UUID(userID.UUID))); err != nil {
			return err
		}
		if after, err = userFromRow(tx.User.UpdateOneID(uuid.UUID(userID.UUID)).SetRoles(rolesToRow(roles)).SetUpdateTime(now).Save(ctx)); err != nil {
			return err
		}
		if len(roles) > 0 {
			return nil
		}
		return revokeSessions(ctx, tx, userID, now)
	})
	return before, after, err
}

func userFromRow(row *db.User, err error) (User, error) {
	if db.IsNotFound(err) {
		return User{}, userNotFound()
	}
	if err != nil {
		return User{}, fromDriver(err)
	}
	return User{
		ID: UserID{id.UUID(row.ID)}, Email: row.Email, Name: row.DisplayName, PasswordHash: row.PasswordHash,
		Roles: rolesFromRow(row.Roles), CustomerID: row.CustomerID, RequestID: row.RequestID,
		Created: row.CreateTime.UTC(), Updated: row.UpdateTime.UTC(),
	}, nil
}
