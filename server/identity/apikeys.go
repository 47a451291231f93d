package identity

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/orderprocessing/orderprocessing/server/audit"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/contract"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store/principals"
)

// NewKey is what an API key is made from.
type NewKey struct {
	Name       string
	Roles      []auth.Role
	Scopes     []string // nil for all that the roles allow
	CustomerID string
	Expires    time.Time // zero for never
	RequestID  string
}

// CreateKey makes an API key and gives its secret, this once: the same request again fails with
// SECRET_ALREADY_TOLD.
func (s *Service) CreateKey(ctx context.Context, n NewKey) (k principals.Key, secret string, err error) {
	now := s.clock()
	caller := auth.CallerFrom(ctx)
	switch {
	case slices.Contains(n.Roles, auth.Customer) != (n.CustomerID != ""):
		return k, "", fault.Invalid(fault.ReasonCustomerRefused, "customer_id",
			"a key with the role of a customer names whose orders it sees, and no other key does")
	case !n.Expires.IsZero() && !n.Expires.After(now):
		return k, "", fault.Invalid(fault.ReasonTimePast, "expire_time", "the time is in the past")
	case !within(caller.Scopes, n.Scopes):
		return k, "", s.deny(ctx, "CreateApiKey", "", "wider than its maker", tooWide())
	}
	secret = newSecret()
	k, err = s.addKey(ctx, n, caller.ID, secret, caller.ID+" create "+n.RequestID)
	return k, secret, err
}

func (s *Service) addKey(ctx context.Context, n NewKey, maker, secret, request string) (principals.Key, error) {
	now := s.clock()
	k := principals.Key{
		ID: principals.KeyID{UUID: principals.NewID(now)}, Name: n.Name, Roles: auth.Normal(n.Roles), Scopes: n.Scopes,
		CustomerID: n.CustomerID, Maker: maker, Expires: n.Expires, Created: now,
	}
	stored := s.storedSecret(secret, request)
	if err := s.Store.AddKey(ctx, k, stored); err != nil {
		return k, err
	}
	k.Secrets = []principals.Secret{stored}
	return k, s.record(ctx, audit.Record{
		Actor: maker, Action: "identity.CreateApiKey", Object: k.ID.String(), Outcome: audit.Done,
		Detail: strings.TrimSpace(names(k.Roles) + " " + strings.Join(k.Scopes, ",")),
	})
}

// RotateKey gives an API key another secret and tells it, this once. The secrets before go on being good
// for as long as overlap. The same request again fails with SECRET_ALREADY_TOLD.
func (s *Service) RotateKey(ctx context.Context, keyID principals.KeyID, overlap time.Duration, requestID string) (k principals.Key, secret string, err error) {
	if k, err = s.Store.Key(ctx, keyID); err != nil {
		return k, "", err
	}
	if !within(auth.CallerFrom(ctx).Scopes, k.Scopes) {
		return k, "", s.deny(ctx, "RotateApiKey", keyID.String(), "wider than its maker", tooWide())
	}
	secret = newSecret()
	stored := s.storedSecret(secret, keyID.String()+" rotate "+requestID)
	if k, err = s.Store.AddSecret(ctx, keyID, stored, stored.Created.Add(overlap)); err != nil {
		return k, "", err
	}
	return k, secret, s.record(ctx, audit.Record{
		Action: "identity.RotateApiKey", Object: keyID.String(), Outcome: audit.Done, Detail: "overlap " + overlap.String(),
	})
}

// RevokeKey ends an API key. Revoking twice changes nothing.
func (s *Service) RevokeKey(ctx context.Context, keyID principals.KeyID) (principals.Key, error) {
	k, revoked, err := s.Store.RevokeKey(ctx, keyID, s.clock())
	if err != nil || !revoked {
		return k, err
	}
	return k, s.record(ctx, audit.Record{Action: "identity.RevokeApiKey", Object: keyID.String(), Outcome: audit.Done})
}

// Keys reads a page of API keys, newest first, and gives the token of the next one, empty on the last.
func (s *Service) Keys(ctx context.Context, p contract.Page) ([]principals.Key, string, error) {
	position, err := s.Pages.Read(p.List, p.Token)
	if err != nil {
		return nil, "", err
	}
	var before id.UUID
	copy(before[:], position)
	keys, err := s.Store.Keys(ctx, principals.KeyID{UUID: before}, p.Size+1) // one more, to know whether another page follows
	if err != nil || len(keys) <= p.Size {
		return keys, "", err
	}
	keys = keys[:p.Size]
	last := keys[len(keys)-1].ID
	return keys, s.Pages.Make(p.List, last.UUID[:]), nil
}

// secretPattern is what a secret looks like: what it begins with can be shown, the rest cannot.
var secretPattern = regexp.MustCompile(`^(opk_[0-9a-z]{12})_[0-9a-z]{26,64}$`)

func newSecret() string {
	return "opk_" + strings.ToLower(rand.Text()[:12]) + "_" + strings.ToLower(rand.Text())
}

// prefixOf gives what a secret begins with.
func prefixOf(secret string) (string, bool) {
	match := secretPattern.FindStringSubmatch(secret)
	if match == nil {
		return "", false
	}
	return match[1], true
}

func (s *Service) storedSecret(secret, request string) principals.Secret {
	prefix, _ := prefixOf(secret)
	return principals.Secret{Prefix: prefix, Hash: s.hashOfKey(secret), Created: s.clock(), Request: request}
}

// hashOfKey is how the secret of an API key is stored: whoever reads the table without the key cannot
// even check a guess.
func (s *Service) hashOfKey(secret string) []byte {
	mac := hmac.New(sha256.New, s.HashKey)
	mac.Write([]byte("api key\x00" + secret))
	return mac.Sum(nil)
}

// within tells whether scopes are no wider than others. Nil is all.
func within(wide, narrow []string) bool {
	if wide == nil {
		return true
	}
	return len(narrow) > 0 && !slices.ContainsFunc(narrow, func(scope string) bool {
		service, _, _ := strings.Cut(scope, "/")
		return !slices.Contains(wide, scope) && !slices.Contains(wide, service)
	})
}

func tooWide() error {
	return fault.New(fault.KindDenied, fault.ReasonScopeTooWide, "a key that is narrowed to scopes can make and rotate no wider one")
}
