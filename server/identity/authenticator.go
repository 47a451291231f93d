package identity

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/auth/oidc"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store/principals"
)

const (
	// freshFor is how long a proof serves: a caller that was revoked is out so soon.
	freshFor = 5 * time.Second
	// staleFor is how long one serves while the database does not answer.
	staleFor = time.Minute
	// askAgain is how long to leave a database alone that did not answer.
	askAgain = time.Second
	// proofTimeout bounds one proof, which several callers may wait for.
	proofTimeout = 5 * time.Second
	// maxProofs bounds the memory: some tens of megabytes.
	maxProofs = 100_000
	// touchEvery is how often the use of a key is noted.
	touchEvery = time.Minute
)

// Authenticator proves who calls, by access token or API key. Proofs are remembered for seconds;
// certificates are for auth.Services. Make it with NewAuthenticator; it is safe for concurrent use.
type Authenticator struct {
	service *Service
	outside *oidc.Issuer // nil for none
	proofs  *lru.Cache[[sha256.Size]byte, proof]
	flights singleflight.Group
}

var _ auth.Authenticator = (*Authenticator)(nil)

// proof is who a token stands for.
type proof struct {
	caller  auth.Caller
	expires time.Time // of the token; zero for never
	fresh   time.Time // until when it serves
	stale   time.Time // until when it serves while the database does not answer
}

// NewAuthenticator makes an authenticator over the use cases. outside is an issuer whose tokens are
// taken too; it may be nil.
func NewAuthenticator(s *Service, outside *oidc.Issuer) *Authenticator {
	proofs, _ := lru.New[[sha256.Size]byte, proof](maxProofs) // fails for no size only
	return &Authenticator{service: s, outside: outside, proofs: proofs}
}

// Authenticate proves who a caller is.
func (a *Authenticator) Authenticate(ctx context.Context, c auth.Credentials) (auth.Caller, error) {
	if c.Token == "" {
		return auth.Caller{}, nil
	}
	return a.remembered(ctx, c.Token)
}

// remembered gives a proof that is fresh, or proves anew, once for all who ask at the same time.
func (a *Authenticator) remembered(ctx context.Context, token string) (auth.Caller, error) {
	key := sha256.Sum256([]byte(token))
	known, ok := a.proofs.Get(key)
	if ok && a.service.Now().Before(known.fresh) {
		return known.caller, nil
	}
	flight := a.flights.DoChan(string(key[:]), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), proofTimeout)
		defer cancel()
		return a.renew(ctx, key, token)
	})
	select {
	case result := <-flight:
		caller, _ := result.Val.(auth.Caller)
		return caller, result.Err
	case <-ctx.Done():
		return auth.Caller{}, ctx.Err()
	}
}

func (a *Authenticator) renew(ctx context.Context, key [sha256.Size]byte, token string) (auth.Caller, error) {
	p, err := a.prove(ctx, token)
	now := a.service.Now()
	if err == nil {
		p.fresh, p.stale = p.until(now.Add(freshFor)), p.until(now.Add(staleFor))
		a.proofs.Add(key, p)
		return p.caller, nil
	}
	if fault.KindOf(err) == fault.KindUnauthenticated {
		a.proofs.Remove(key)
		return auth.Caller{}, err
	}
	if known, ok := a.proofs.Get(key); ok && now.Before(known.stale) {
		known.fresh = known.until(now.Add(askAgain))
		a.proofs.Add(key, known)
		return known.caller, nil
	}
	return auth.Caller{}, err
}

// until is a time, or the end of the token if that comes first.
func (p proof) until(t time.Time) time.Time {
	if !p.expires.IsZero() && p.expires.Before(t) {
		return p.expires
	}
	return t
}

func (a *Authenticator) prove(ctx context.Context, token string) (proof, error) {
	if prefix, ok := prefixOf(token); ok {
		return a.ofKey(ctx, prefix, token)
	}
	if a.outside != nil && issuerOf(token) == a.outside.Issuer {
		caller, expires, err := a.outside.Verify(ctx, token)
		return proof{caller: caller, expires: expires}, err
	}
	return a.ofUser(ctx, token)
}

func (a *Authenticator) ofKey(ctx context.Context, prefix, token string) (p proof, err error) {
	k, secret, err := a.service.Store.KeyByPrefix(ctx, prefix)
	if fault.ReasonOf(err) == fault.ReasonAPIKeyNotFound {
		return p, notGood("the API key is not good here")
	}
	if err != nil {
		return p, err
	}
	now := a.service.clock()
	if !hmac.Equal(secret.Hash, a.service.hashOfKey(token)) || !k.Stands(now) || !secret.Stands(now) {
		return p, notGood("the API key is not good here, or not any more")
	}
	if now.Sub(k.LastUsed) > touchEvery {
		_ = a.service.Store.TouchKey(ctx, k.ID, now) // a note that is missing must not keep anyone out
	}
	p = proof{caller: auth.Caller{ID: k.ID.String(), Roles: k.Roles, CustomerID: k.CustomerID}, expires: k.Expires}
	if len(k.Scopes) > 0 {
		p.caller.Scopes = k.Scopes
	}
	if !secret.Expires.IsZero() {
		p.expires = p.until(secret.Expires)
	}
	return p, nil
}

// ofUser takes what the user may be from the store, not from the token: it may have changed.
func (a *Authenticator) ofUser(ctx context.Context, token string) (p proof, err error) {
	claims, expires, err := a.service.Tokens.Verify(ctx, token)
	if err != nil {
		return p, err
	}
	userID, err1 := principals.ParseUserID(claims.Subject)
	sessionID, err2 := parseSession(claims.Session)
	if err1 != nil || err2 != nil {
		return p, notGood("the token is not good here")
	}
	login, err := a.service.Store.Session(ctx, sessionID)
	if err != nil {
		return p, err
	}
	user, err := a.service.Store.User(ctx, userID)
	if err != nil && fault.ReasonOf(err) != fault.ReasonUserNotFound {
		return p, err
	}
	if err != nil || !login.Stands(a.service.clock()) || login.UserID != userID || len(user.Roles) == 0 {
		return p, notGood("the login that the token belongs to has ended")
	}
	p = proof{caller: auth.Caller{ID: claims.Subject, Roles: user.Roles}, expires: expires}
	if p.caller.Is(auth.Customer) {
		p.caller.CustomerID = user.CustomerID
	}
	return p, nil
}

// issuerOf reads who a token says it is from, to know who can check it; empty when it does not say.
func issuerOf(token string) string {
	_, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return ""
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	_ = json.Unmarshal(raw, &claims) // what cannot be read says nothing
	return claims.Issuer
}

func notGood(message string) error {
	return fault.New(fault.KindUnauthenticated, fault.ReasonCredentialsInvalid, "%s", message)
}
