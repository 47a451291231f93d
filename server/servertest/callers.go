package servertest

import (
	"bytes"
	"context"
	"crypto/rand"
	"net/http"
	"sync"

	"github.com/orderprocessing/orderprocessing/gen/identity/v1/identityv1connect"
	"github.com/orderprocessing/orderprocessing/gen/inventory/v1/inventoryv1connect"
	"github.com/orderprocessing/orderprocessing/gen/operations/v1/operationsv1connect"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/gen/payments/v1/paymentsv1connect"
	"github.com/orderprocessing/orderprocessing/server/auth"
)

// everything is who calls unless a test says otherwise.
var everything = auth.Caller{ID: "test", Roles: []auth.Role{auth.Staff, auth.Operator, auth.Service}}

// As gives clients that call as somebody else: with a token that the server knows, or without any
// for the zero Caller.
func (s *Server) As(caller auth.Caller) Clients {
	token := ""
	if caller.ID != "" {
		token = s.Token(caller)
	}
	return s.WithToken(token)
}

// Token makes a token of a caller.
func (s *Server) Token(caller auth.Caller) string {
	token := rand.Text()
	s.callers.known.Store(token, caller)
	return token
}

// WithToken gives clients that call with a token, good or not; without any when it is empty.
func (s *Server) WithToken(token string) Clients {
	c := &http.Client{Transport: withToken{s.callers.transport, token}}
	return Clients{
		HTTP:       c,
		Orders:     ordersv1connect.NewOrderServiceClient(c, s.URL),
		Shipments:  ordersv1connect.NewShipmentServiceClient(c, s.URL),
		Operations: operationsv1connect.NewOperationsServiceClient(c, s.URL),
		Returns:    ordersv1connect.NewReturnServiceClient(c, s.URL),
		Inventory:  inventoryv1connect.NewInventoryServiceClient(c, s.URL),
		Payments:   paymentsv1connect.NewPaymentServiceClient(c, s.URL),
		Identity:   identityv1connect.NewIdentityServiceClient(c, s.URL),
	}
}

// callers is an Authenticator that knows the tokens it made, and asks another one about the rest.
type callers struct {
	known     *sync.Map // of the token: auth.Caller
	next      auth.Authenticator
	transport *http.Transport
}

func newCallers(known *sync.Map) *callers {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	protocols.SetHTTP2(true)
	return &callers{known: known, transport: &http.Transport{Protocols: protocols}}
}

// before puts the callers before another Authenticator.
func (c *callers) before(next auth.Authenticator) auth.Authenticator {
	c.next = next
	return c
}

// Authenticate implements auth.Authenticator.
func (c *callers) Authenticate(ctx context.Context, credentials auth.Credentials) (auth.Caller, error) {
	if caller, ok := c.known.Load(credentials.Token); ok {
		return caller.(auth.Caller), nil
	}
	return c.next.Authenticate(ctx, credentials)
}

// withToken sends each request with a token, unless it has credentials of its own.
type withToken struct {
	*http.Transport
	token string
}

// RoundTrip implements http.RoundTripper.
func (t withToken) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.token != "" && r.Header.Get("Authorization") == "" {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+t.token)
	}
	return t.Transport.RoundTrip(r)
}

// Logs is what a server has logged, at every level. It is safe for concurrent use.
type Logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *Logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String gives all that was logged so far.
func (l *Logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
