// Package tokens gives access tokens: JWTs signed with Ed25519 (RFC 7519, 8037, 9068), short-lived,
// whose keys are made, published, used and dropped in turn without a restart. Whether the login behind
// a token still stands is up to others, as is where keys are stored.
package tokens

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

const (
	// Life is how long an access token is good.
	Life = 10 * time.Minute
	// leeway is how far the clocks of two replicas may be apart.
	leeway = 30 * time.Second
	// maxBytes is more than a token of ours has.
	maxBytes = 4 << 10
	// mediaType tells an access token from tokens for other ends (RFC 9068).
	mediaType = "at+jwt"
)

// algorithms are the ones that a token may be signed with; what a token itself says counts for nothing.
var algorithms = []jose.SignatureAlgorithm{jose.EdDSA}

// Claims are what a token says besides how long.
type Claims struct {
	Subject    string // usr_…
	Session    string // the login it belongs to
	Roles      []auth.Role
	CustomerID string
}

// wire is a token's own claims.
type wire struct {
	Session    string   `json:"sid"`
	Roles      []string `json:"roles"`
	CustomerID string   `json:"customer_id,omitempty"`
}

// Options are what tokens are made with.
type Options struct {
	Keys     Keys
	Issuer   string
	Audience string
	Secret   string // seals the keys where they are stored; empty for not sealed
	Now      func() time.Time
}

// Tokens makes and checks access tokens. Make it with New; it is safe for concurrent use.
type Tokens struct {
	Options
	ring *ring
}

// New makes tokens over stored keys; the first one is made now if there is none. It fails with
// KEY_SECRET_WRONG when the keys are sealed with another secret.
func New(ctx context.Context, o Options) (*Tokens, error) {
	ring, err := newRing(o)
	if err != nil {
		return nil, err
	}
	t := &Tokens{Options: o, ring: ring}
	_, err = ring.signer(ctx)
	return t, err
}

// Sign makes a token, and tells when it ends.
func (t *Tokens) Sign(ctx context.Context, c Claims) (token string, expires time.Time, err error) {
	signer, err := t.ring.signer(ctx)
	if err != nil {
		return "", expires, err
	}
	now := t.Now().UTC().Truncate(time.Second)
	expires = now.Add(Life)
	token, err = jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: t.Issuer, Subject: c.Subject, Audience: jwt.Audience{t.Audience}, ID: rand.Text(),
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(expires),
	}).Claims(toWire(c)).Serialize()
	return token, expires, err
}

// Verify checks a token and gives what it says. It fails with TOKEN_EXPIRED or CREDENTIALS_INVALID.
func (t *Tokens) Verify(ctx context.Context, token string) (c Claims, expires time.Time, err error) {
	if len(token) > maxBytes {
		return c, expires, invalid(errors.New("too long"))
	}
	parsed, err := jwt.ParseSigned(token, algorithms)
	if err != nil {
		return c, expires, invalid(err)
	}
	header := parsed.Headers[0] // there is one: it is no JSON serialization
	if header.ExtraHeaders[jose.HeaderType] != mediaType {
		return c, expires, invalid(errors.New("no access token"))
	}
	public, err := t.ring.verifier(ctx, header.KeyID)
	if err != nil {
		return c, expires, err
	}
	var standard jwt.Claims
	var own wire
	if err := parsed.Claims(public, &standard, &own); err != nil {
		return c, expires, invalid(err)
	}
	if err := t.check(standard); err != nil {
		return c, expires, err
	}
	return fromWire(standard.Subject, own), standard.Expiry.Time(), nil
}

// check looks at every claim that a token must have.
func (t *Tokens) check(c jwt.Claims) error {
	if c.Subject == "" || c.ID == "" || c.Expiry == nil || c.NotBefore == nil || c.IssuedAt == nil {
		return invalid(errors.New("a claim is missing"))
	}
	if c.Expiry.Time().Sub(c.IssuedAt.Time()) > Life {
		return invalid(errors.New("good for too long"))
	}
	err := c.ValidateWithLeeway(jwt.Expected{Issuer: t.Issuer, AnyAudience: jwt.Audience{t.Audience}, Time: t.Now()}, leeway)
	if errors.Is(err, jwt.ErrExpired) {
		return fault.New(fault.KindUnauthenticated, fault.ReasonTokenExpired, "the access token has expired; refresh it")
	}
	if err != nil {
		return invalid(err)
	}
	return nil
}

// JWKS gives the keys that tokens may be signed with now or soon, for others to check them.
func (t *Tokens) JWKS(ctx context.Context) (jose.JSONWebKeySet, error) { return t.ring.published(ctx) }

func toWire(c Claims) wire {
	w := wire{Session: c.Session, Roles: make([]string, len(c.Roles)), CustomerID: c.CustomerID}
	for i, role := range c.Roles {
		w.Roles[i] = role.String()
	}
	return w
}

func fromWire(subject string, w wire) Claims {
	c := Claims{Subject: subject, Session: w.Session, CustomerID: w.CustomerID}
	for _, name := range w.Roles {
		if role, ok := auth.ParseRole(name); ok {
			c.Roles = append(c.Roles, role)
		}
	}
	return c
}

func invalid(cause error) error {
	return fault.New(fault.KindUnauthenticated, fault.ReasonCredentialsInvalid, "the token is not good here").Because(cause)
}
