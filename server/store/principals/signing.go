package principals

import (
	"context"

	"github.com/orderprocessing/orderprocessing/ent/db/signingkey"
	"github.com/orderprocessing/orderprocessing/server/auth/tokens"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

var _ tokens.Keys = (*Store)(nil)

// SigningKeys gives all keys that sign tokens, by number.
func (s *Store) SigningKeys(ctx context.Context) ([]tokens.Key, error) {
	rows, err := s.read.SigningKey.Query().Order(signingkey.ByID()).All(ctx)
	if err != nil {
		return nil, fromDriver(err)
	}
	keys := make([]tokens.Key, len(rows))
	for i, row := range rows {
		keys[i] = tokens.Key{
			Number: row.ID, ID: row.Kid, Public: row.Public, Private: row.Private, Sealed: row.Sealed,
			Signs: row.SignTime.UTC(), Created: row.CreateTime.UTC(),
		}
	}
	return keys, nil
}

// AddSigningKey stores a key, unless its number is taken.
func (s *Store) AddSigningKey(ctx context.Context, k tokens.Key) error {
	err := s.write.SigningKey.Create().SetID(k.Number).SetKid(k.ID).SetPublic(k.Public).SetPrivate(k.Private).
		SetSealed(k.Sealed).SetSignTime(k.Signs).SetCreateTime(k.Created).Exec(ctx)
	if database.Classify(err) == database.Unique {
		return nil
	}
	return fromDriver(err)
}

// SealSigningKey replaces the private half of a key that was not sealed.
func (s *Store) SealSigningKey(ctx context.Context, number int, private []byte) error {
	_, err := s.write.SigningKey.Update().Where(signingkey.ID(number), signingkey.Sealed(false)).
		SetPrivate(private).SetSealed(true).Save(ctx)
	return fromDriver(err)
}

// DropSigningKeys deletes the keys with lower numbers.
func (s *Store) DropSigningKeys(ctx context.Context, below int) error {
	_, err := s.write.SigningKey.Delete().Where(signingkey.IDLT(below)).Exec(ctx)
	return fromDriver(err)
}
