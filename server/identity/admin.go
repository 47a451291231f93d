package identity

import (
	"context"
	"crypto/hmac"

	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// system is who does what nobody asked for.
const system = "system"

// FirstKey makes the API key of the first administrator and gives its secret; empty when it was made
// before. Of replicas that start together one makes it. source tells it from others, such as those of
// other data folders.
func (s *Service) FirstKey(ctx context.Context, source string) (string, error) {
	secret := newSecret()
	err := s.addAdmin(ctx, secret, system+" "+source)
	if fault.ReasonOf(err) == fault.ReasonSecretTold {
		return "", nil
	}
	return secret, err
}

// GivenKey makes an API key of an administrator with a secret that was chosen elsewhere, unless there
// is one. A key that was revoked stays so.
func (s *Service) GivenKey(ctx context.Context, secret string) error {
	prefix, ok := prefixOf(secret)
	if !ok {
		return fault.New(fault.KindInvalid, fault.ReasonCredentialsInvalid, "an API key is opk_, 12 letters or digits, _ and 26 more")
	}
	err := s.addAdmin(ctx, secret, system+" given "+prefix)
	if fault.ReasonOf(err) != fault.ReasonSecretTold {
		return err
	}
	_, kept, err := s.Store.KeyByPrefix(ctx, prefix)
	if err == nil && !hmac.Equal(kept.Hash, s.hashOfKey(secret)) {
		err = fault.New(fault.KindInvalid, fault.ReasonCredentialsInvalid, "another API key begins with %s; choose other letters", prefix)
	}
	return err
}

func (s *Service) addAdmin(ctx context.Context, secret, request string) error {
	admin := NewKey{Name: "administrator", Roles: []auth.Role{auth.Staff, auth.Operator}}
	_, err := s.addKey(ctx, admin, system, secret, request)
	return err
}
