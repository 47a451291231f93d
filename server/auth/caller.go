// Package auth says who calls and what they may do. It knows no transport and no storage: identity
// proves who a caller is, the interceptors compare that with the policy of the method.
package auth

import (
	"context"
	"crypto/x509"
	"slices"
)

// Role is what a caller is allowed to be. The numbers are those of policy.v1.
type Role uint8

// The roles.
const (
	Anyone   Role = 1 // without credentials
	Customer Role = 2 // acts on their own orders
	Staff    Role = 3 // acts for customers
	Operator Role = 4 // may also change how the system runs
	Service  Role = 5 // another service of this product, known by its certificate
)

// Caller is who calls. The zero Caller is nobody: they have no role but Anyone.
type Caller struct {
	// ID names the caller for ever: usr_…, key_…, or the URI of a service. Empty for nobody.
	ID string
	// CustomerID is whose orders a customer may see and change. Empty for all others.
	CustomerID string
	Roles      []Role
	// Scopes narrow an API key to services, such as orders.v1.OrderService, or to their methods, such
	// as orders.v1.OrderService/GetOrder. Nil is all that the roles allow.
	Scopes []string
}

// Is tells whether the caller has a role.
func (c Caller) Is(role Role) bool { return role == Anyone || slices.Contains(c.Roles, role) }

// Credentials are what a caller presents. At most one of them is looked at, in this order.
type Credentials struct {
	Token       string            // of `Authorization: Bearer` or `X-API-Key`
	Certificate *x509.Certificate // of the client, verified by TLS
}

// Authenticator proves who a caller is. It fails with a fault of KindUnauthenticated when the
// credentials are not good, and gives the zero Caller when there are none.
type Authenticator interface {
	Authenticate(ctx context.Context, c Credentials) (Caller, error)
}

type callerKey struct{}

// WithCaller gives a context that knows who calls.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerFrom gives who calls; the zero Caller when nobody said.
func CallerFrom(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}
