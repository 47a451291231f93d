// Package oidc takes the tokens of an outside issuer: OpenID Connect discovery, its published keys, and
// claims that say what a caller may be. How the issuer knows its users is up to the issuer.
package oidc

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

const (
	// callTimeout bounds one request to the issuer.
	callTimeout = 5 * time.Second
	// discoverEvery is how often the issuer's settings and keys are read from scratch: a key that the
	// issuer withdrew is good for no longer. New keys are read when they are met.
	discoverEvery = 15 * time.Minute
	// maxBytes is more than a token of an issuer should have.
	maxBytes = 16 << 10
)

// algorithms are asymmetric ones only: none that takes a public key for a shared secret.
var algorithms = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512,
	oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
}

// Options say whose tokens are taken and how they are read.
type Options struct {
	Issuer        string // its URL, exactly as its tokens say it
	Audience      string // one that its tokens must be for
	RolesClaim    string // names roles: a text, or a list of texts
	CustomerClaim string // names the customer; may be empty
	Now           func() time.Time
	Transport     http.RoundTripper // nil for the standard one
}

// Issuer checks tokens. Make it with New; it is safe for concurrent use.
type Issuer struct {
	Options
	client *http.Client

	mu           sync.Mutex
	keys         oidc.KeySet
	discoveredAt time.Time
}

// New makes an issuer. It is asked for the first time when a token of it comes.
func New(o Options) *Issuer {
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	return &Issuer{Options: o, client: &http.Client{Timeout: callTimeout, Transport: newRemembering(o.Transport, o.Now)}}
}

// Verify checks a token and tells who calls, and until when the token says so. It fails with
// TOKEN_EXPIRED or CREDENTIALS_INVALID, and with DEPENDENCY_UNAVAILABLE when the issuer does not answer.
func (i *Issuer) Verify(ctx context.Context, token string) (c auth.Caller, expires time.Time, err error) {
	if len(token) > maxBytes {
		return c, expires, invalid(errors.New("too long"))
	}
	remote, err := i.keySet(ctx)
	if err != nil {
		return c, expires, err
	}
	keys := &noting{KeySet: remote}
	verified, err := oidc.NewVerifier(i.Issuer, keys, &oidc.Config{
		ClientID: i.Audience, SupportedSigningAlgs: algorithms, Now: i.Now,
	}).Verify(ctx, token)
	if expired := (*oidc.TokenExpiredError)(nil); errors.As(err, &expired) {
		return c, expires, fault.New(fault.KindUnauthenticated, fault.ReasonTokenExpired, "the token has expired; get another one from its issuer")
	}
	if errors.Is(keys.err, errAway) {
		return c, expires, away(keys.err)
	}
	if err != nil {
		return c, expires, invalid(err)
	}
	claims := map[string]any{}
	if err := verified.Claims(&claims); err != nil || verified.Subject == "" {
		return c, expires, invalid(errors.Join(errors.New("no subject"), err))
	}
	return i.caller(verified.Subject, claims), verified.Expiry, nil
}

// caller reads the claims. A customer whom no claim names is none: an order without a customer belongs
// to a guest, not to everybody.
func (i *Issuer) caller(subject string, claims map[string]any) auth.Caller {
	c := auth.Caller{ID: i.Issuer + "#" + subject}
	for _, name := range texts(claims[i.RolesClaim]) {
		if role, ok := auth.ParseRole(name); ok {
			c.Roles = append(c.Roles, role)
		}
	}
	c.Roles = auth.Normal(c.Roles)
	if c.Is(auth.Customer) && i.CustomerClaim != "" {
		c.CustomerID, _ = claims[i.CustomerClaim].(string)
	}
	if c.CustomerID == "" {
		c.Roles = slices.DeleteFunc(c.Roles, func(role auth.Role) bool { return role == auth.Customer })
	}
	return c
}

// texts reads a text or a list of texts.
func texts(claim any) []string {
	if one, ok := claim.(string); ok {
		return []string{one}
	}
	list, _ := claim.([]any)
	var all []string
	for _, item := range list {
		if one, ok := item.(string); ok {
			all = append(all, one)
		}
	}
	return all
}

// keySet gives the issuer's keys, as they were discovered not long ago. Those from before serve on when
// the issuer does not answer.
func (i *Issuer) keySet(ctx context.Context) (oidc.KeySet, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.keys != nil && i.Now().Sub(i.discoveredAt) < discoverEvery {
		return i.keys, nil
	}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, i.client), i.Issuer)
	var settings struct {
		KeysURL string `json:"jwks_uri"`
	}
	if err == nil {
		err = provider.Claims(&settings)
	}
	switch {
	case err == nil:
		i.keys = oidc.NewRemoteKeySet(oidc.ClientContext(context.WithoutCancel(ctx), i.client), settings.KeysURL)
		i.discoveredAt = i.Now()
	case i.keys == nil:
		return nil, away(err)
	}
	return i.keys, nil
}

// noting notes why a signature could not be checked: go-oidc gives a text only.
type noting struct {
	oidc.KeySet
	err error
}

// VerifySignature implements oidc.KeySet.
func (n *noting) VerifySignature(ctx context.Context, token string) (payload []byte, err error) {
	payload, n.err = n.KeySet.VerifySignature(ctx, token)
	return payload, n.err
}

func invalid(cause error) error {
	return fault.New(fault.KindUnauthenticated, fault.ReasonCredentialsInvalid, "the token is not good here").Because(cause)
}

func away(cause error) error {
	f := fault.New(fault.KindUnavailable, fault.ReasonDependencyDown, "the issuer of the token does not answer; try again").Because(cause)
	f.RetryAfter = rememberFailure
	return f
}
