package principals

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/orderprocessing/orderprocessing/ent/db"
	entlogin "github.com/orderprocessing/orderprocessing/ent/db/login"
	"github.com/orderprocessing/orderprocessing/ent/db/refreshtoken"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
)

// Session is one login, from its password to its last refresh.
type Session struct {
	ID               id.UUID
	UserID           UserID
	Created, Expires time.Time
	Revoked          time.Time // zero for not
}

// Stands tells whether a login is good at a time.
func (s Session) Stands(now time.Time) bool { return s.Revoked.IsZero() && now.Before(s.Expires) }

// sweepAtOnce is how many logins that are over a new one takes away.
const sweepAtOnce = 50

// AddSession stores a new login with its first refresh token, given by its hash, and takes some away
// that are over.
func (s *Store) AddSession(ctx context.Context, login Session, tokenHash string) error {
	return s.inTx(ctx, func(tx *db.Client) error {
		over, err := tx.Login.Query().Where(entlogin.ExpireTimeLT(login.Created)).Limit(sweepAtOnce).IDs(ctx)
		if err != nil {
			return err
		}
		if len(over) > 0 {
			if _, err := tx.RefreshToken.Delete().Where(refreshtoken.SessionIDIn(over...)).Exec(ctx); err != nil {
				return err
			}
			if _, err := tx.Login.Delete().Where(entlogin.IDIn(over...)).Exec(ctx); err != nil {
				return err
			}
		}
		err = tx.Login.Create().SetID(uuid.UUID(login.ID)).SetUserID(uuid.UUID(login.UserID.UUID)).
			SetCreateTime(login.Created).SetExpireTime(login.Expires).Exec(ctx)
		if err != nil {
			return err
		}
		return tx.RefreshToken.Create().SetID(tokenHash).SetSessionID(uuid.UUID(login.ID)).Exec(ctx)
	})
}

// Session reads a login; the zero Session, which does not stand, when there is none.
func (s *Store) Session(ctx context.Context, sessionID id.UUID) (Session, error) {
	row, err := s.read.Login.Get(ctx, uuid.UUID(sessionID))
	if db.IsNotFound(err) {
		return Session{}, nil
	}
	if err != nil {
		return Session{}, fromDriver(err)
	}
	return sessionFromRow(row), nil
}

// UseRefreshToken uses up a refresh token and stores the next one of its login; both are given by
// their hashes. Of callers with the same token one succeeds. For all others it was used before:
// reused is true and the login has ended. Otherwise it fails with REFRESH_TOKEN_INVALID.
func (s *Store) UseRefreshToken(ctx context.Context, hash, next string, now time.Time) (login Session, reused bool, err error) {
	err = s.inTx(ctx, func(tx *db.Client) error {
		// The update comes first: it makes others with the same token wait.
		used, err := tx.RefreshToken.Update().Where(refreshtoken.ID(hash), refreshtoken.UseTimeIsNil()).SetUseTime(now).Save(ctx)
		if err != nil {
			return err
		}
		if login, err = sessionOf(ctx, tx, hash); err != nil {
			return err
		}
		if !login.Stands(now) {
			return refreshInvalid()
		}
		if used == 0 {
			reused = true
			return revokeSession(ctx, tx, login.ID, now)
		}
		return tx.RefreshToken.Create().SetID(next).SetSessionID(uuid.UUID(login.ID)).Exec(ctx)
	})
	return login, reused, err
}

// EndSession ends the login of a refresh token. It fails with REFRESH_TOKEN_INVALID when there is none.
func (s *Store) EndSession(ctx context.Context, hash string, now time.Time) (login Session, err error) {
	err = s.inTx(ctx, func(tx *db.Client) error {
		if login, err = sessionOf(ctx, tx, hash); err != nil {
			return err
		}
		return revokeSession(ctx, tx, login.ID, now)
	})
	return login, err
}

func sessionOf(ctx context.Context, tx *db.Client, hash string) (Session, error) {
	token, err := tx.RefreshToken.Get(ctx, hash)
	if db.IsNotFound(err) {
		return Session{}, refreshInvalid()
	}
	if err != nil {
		return Session{}, err
	}
	row, err := tx.Login.Get(ctx, token.SessionID)
	if err != nil {
		return Session{}, err
	}
	return sessionFromRow(row), nil
}

func revokeSession(ctx context.Context, tx *db.Client, sessionID id.UUID, now time.Time) error {
	_, err := tx.Login.Update().Where(entlogin.ID(uuid.UUID(sessionID)), entlogin.RevokeTimeIsNil()).SetRevokeTime(now).Save(ctx)
	return err
}

func revokeSessions(ctx context.Context, tx *db.Client, userID UserID, now time.Time) error {
	_, err := tx.Login.Update().Where(entlogin.UserID(uuid.UUID(userID.UUID)), entlogin.RevokeTimeIsNil()).SetRevokeTime(now).Save(ctx)
	return err
}

func sessionFromRow(row *db.Login) Session {
	return Session{
		ID: id.UUID(row.ID), UserID: UserID{id.UUID(row.UserID)},
		Created: row.CreateTime.UTC(), Expires: row.ExpireTime.UTC(), Revoked: orZero(row.RevokeTime),
	}
}
