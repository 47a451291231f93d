package principals

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/ent/db/apikey"
	"github.com/orderprocessing/orderprocessing/ent/db/apikeysecret"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// Key is what a program calls with.
type Key struct {
	ID         KeyID
	Name       string
	Roles      []auth.Role
	Scopes     []string // nil for all that the roles allow
	CustomerID string
	Maker      string    // who made it; may be empty
	Expires    time.Time // zero for never
	Revoked    time.Time // zero for not
	LastUsed   time.Time // zero for not yet
	Created    time.Time
	Secrets    []Secret // newest first, those that have ended too
}

// Stands tells whether a key is good at a time, with a secret that is.
func (k Key) Stands(now time.Time) bool {
	return k.Revoked.IsZero() && (k.Expires.IsZero() || now.Before(k.Expires))
}

// Secret is one secret of a key.
type Secret struct {
	Prefix  string // how the secret begins
	Hash    []byte // keyed, of all of it
	Created time.Time
	Expires time.Time // zero for never
	Request string    // who asked for it, and the request's id
}

// Stands tells whether a secret is good at a time.
func (s Secret) Stands(now time.Time) bool { return s.Expires.IsZero() || now.Before(s.Expires) }

// AddKey stores a new key with its secret. It fails with SECRET_ALREADY_TOLD when the request made one
// before.
func (s *Store) AddKey(ctx context.Context, k Key, secret Secret) error {
	return s.inTx(ctx, func(tx *db.Client) error {
		err := tx.APIKey.Create().SetID(uuid.UUID(k.ID.UUID)).SetDisplayName(k.Name).SetRoles(rolesToRow(k.Roles)).
			SetScopes(k.Scopes).SetCustomerID(k.CustomerID).SetMaker(k.Maker).SetNillableExpireTime(orNil(k.Expires)).
			SetCreateTime(k.Created).SetUpdateTime(k.Created).Exec(ctx)
		if err != nil {
			return err
		}
		return addSecret(ctx, tx, k.ID, secret)
	})
}

// AddSecret stores another secret of a key; those before end at the given time, if not earlier. It
// fails with API_KEY_NOT_FOUND, API_KEY_ENDED, or with SECRET_ALREADY_TOLD when the request made one
// before.
func (s *Store) AddSecret(ctx context.Context, keyID KeyID, secret Secret, endOthers time.Time) (k Key, err error) {
	err = s.inTx(ctx, func(tx *db.Client) error {
		// The update comes first: it makes others who change the key wait.
		row, err := tx.APIKey.UpdateOneID(uuid.UUID(keyID.UUID)).SetUpdateTime(secret.Created).Save(ctx)
		if k, err = keyFromRow(row, err); err != nil {
			return err
		}
		if !k.Stands(secret.Created) {
			return fault.New(fault.KindPrecondition, fault.ReasonAPIKeyEnded, "the API key was revoked or has expired")
		}
		if err := addSecret(ctx, tx, keyID, secret); err != nil {
			return err
		}
		_, err = tx.APIKeySecret.Update().Where(
			apikeysecret.KeyID(uuid.UUID(keyID.UUID)), apikeysecret.IDNEQ(secret.Prefix),
			apikeysecret.Or(apikeysecret.ExpireTimeIsNil(), apikeysecret.ExpireTimeGT(endOthers)),
		).SetExpireTime(endOthers).Save(ctx)
		if err != nil {
			return err
		}
		k, err = withSecrets(ctx, tx, k)
		return err
	})
	return k, err
}

func addSecret(ctx context.Context, tx *db.Client, keyID KeyID, secret Secret) error {
	err := tx.APIKeySecret.Create().SetID(secret.Prefix).SetKeyID(uuid.UUID(keyID.UUID)).SetHash(secret.Hash).
		SetCreateTime(secret.Created).SetRequest(secret.Request).Exec(ctx)
	if database.Classify(err) == database.Unique {
		return secretTold()
	}
	return err
}

// KeyByPrefix reads the key that a secret is of, and that secret. It fails with API_KEY_NOT_FOUND.
func (s *Store) KeyByPrefix(ctx context.Context, prefix string) (Key, Secret, error) {
	row, err := s.read.APIKeySecret.Get(ctx, prefix)
	if db.IsNotFound(err) {
		return Key{}, Secret{}, keyNotFound()
	}
	if err != nil {
		return Key{}, Secret{}, fromDriver(err)
	}
	k, err := keyFromRow(s.read.APIKey.Get(ctx, row.KeyID))
	return k, secretFromRow(row), err
}

// Key reads a key without its secrets. It fails with API_KEY_NOT_FOUND.
func (s *Store) Key(ctx context.Context, keyID KeyID) (Key, error) {
	return keyFromRow(s.read.APIKey.Get(ctx, uuid.UUID(keyID.UUID)))
}

// Keys reads the keys before one, newest first, at most limit. The zero KeyID begins with the newest.
func (s *Store) Keys(ctx context.Context, before KeyID, limit int) ([]Key, error) {
	query := s.read.APIKey.Query().Order(db.Desc(apikey.FieldID)).Limit(limit)
	if !before.IsZero() {
		query = query.Where(apikey.IDLT(uuid.UUID(before.UUID)))
	}
	rows, err := query.All(ctx)
	if err != nil {
		return nil, fromDriver(err)
	}
	keys, ids := make([]Key, len(rows)), make([]uuid.UUID, len(rows))
	for i, row := range rows {
		keys[i], _ = keyFromRow(row, nil)
		ids[i] = row.ID
	}
	secrets, err := s.read.APIKeySecret.Query().Where(apikeysecret.KeyIDIn(ids...)).All(ctx)
	if err != nil {
		return nil, fromDriver(err)
	}
	for i := range keys {
		keys[i].Secrets = secretsOf(keys[i].ID, secrets)
	}
	return keys, nil
}

// RevokeKey ends a key and tells whether it had not ended so before. It fails with API_KEY_NOT_FOUND.
func (s *Store) RevokeKey(ctx context.Context, keyID KeyID, now time.Time) (k Key, revoked bool, err error) {
	err = s.inTx(ctx, func(tx *db.Client) error {
		changed, err := tx.APIKey.Update().Where(apikey.ID(uuid.UUID(keyID.UUID)), apikey.RevokeTimeIsNil()).
			SetRevokeTime(now).SetUpdateTime(now).Save(ctx)
		if err != nil {
			return err
		}
		revoked = changed == 1
		if k, err = keyFromRow(tx.APIKey.Get(ctx, uuid.UUID(keyID.UUID))); err != nil {
			return err
		}
		k, err = withSecrets(ctx, tx, k)
		return err
	})
	return k, revoked, err
}

// TouchKey notes that a key was used.
func (s *Store) TouchKey(ctx context.Context, keyID KeyID, now time.Time) error {
	_, err := s.write.APIKey.Update().Where(apikey.ID(uuid.UUID(keyID.UUID))).SetLastUseTime(now).Save(ctx)
	return fromDriver(err)
}

func withSecrets(ctx context.Context, tx *db.Client, k Key) (Key, error) {
	rows, err := tx.APIKeySecret.Query().Where(apikeysecret.KeyID(uuid.UUID(k.ID.UUID))).All(ctx)
	k.Secrets = secretsOf(k.ID, rows)
	return k, err
}

func secretsOf(keyID KeyID, rows []*db.APIKeySecret) (secrets []Secret) {
	for _, row := range rows {
		if id.UUID(row.KeyID) == keyID.UUID {
			secrets = append(secrets, secretFromRow(row))
		}
	}
	slices.SortFunc(secrets, func(a, b Secret) int { return b.Created.Compare(a.Created) })
	return secrets
}

func secretFromRow(row *db.APIKeySecret) Secret {
	return Secret{
		Prefix: row.ID, Hash: row.Hash, Created: row.CreateTime.UTC(), Expires: orZero(row.ExpireTime), Request: row.Request,
	}
}

func keyFromRow(row *db.APIKey, err error) (Key, error) {
	if db.IsNotFound(err) {
		return Key{}, keyNotFound()
	}
	if err != nil {
		return Key{}, fromDriver(err)
	}
	return Key{
		ID: KeyID{id.UUID(row.ID)}, Name: row.DisplayName, Roles: rolesFromRow(row.Roles), Scopes: row.Scopes,
		CustomerID: row.CustomerID, Maker: row.Maker, Expires: orZero(row.ExpireTime), Revoked: orZero(row.RevokeTime),
		LastUsed: orZero(row.LastUseTime), Created: row.CreateTime.UTC(),
	}, nil
}
