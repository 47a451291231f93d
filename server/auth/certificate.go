package auth

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

// Services is an Authenticator that knows the services of this product by their certificates, and
// asks another about tokens. A token goes before a certificate, so that a service can act as another.
type Services struct {
	// TrustDomain is the domain that services belong to: spiffe://<TrustDomain>/<service>.
	TrustDomain string
	Tokens      Authenticator
	Now         func() time.Time
}

// Authenticate implements Authenticator.
func (s Services) Authenticate(ctx context.Context, c Credentials) (Caller, error) {
	if c.Token != "" || c.Certificate == nil {
		return s.Tokens.Authenticate(ctx, c)
	}
	// TLS has looked at the times when the connection began; that may be long ago.
	if now := s.Now(); now.After(c.Certificate.NotAfter) || now.Before(c.Certificate.NotBefore) {
		return Caller{}, refuse("the client certificate has expired, or is not valid yet")
	}
	if len(c.Certificate.URIs) != 1 {
		return Caller{}, refuse("the client certificate must name one service, as a URI")
	}
	id := c.Certificate.URIs[0]
	if id.Scheme != "spiffe" || id.Host != s.TrustDomain || !isService(id) {
		return Caller{}, refuse("the client certificate names no service of this trust domain")
	}
	return Caller{ID: id.String(), Roles: []Role{Service}}, nil
}

// isService tells whether the path names one service and the URI nothing else.
func isService(u *url.URL) bool {
	name := strings.TrimPrefix(u.Path, "/")
	return name != "" && !strings.Contains(name, "/") && u.RawQuery == "" && u.Fragment == "" && u.User == nil
}

func refuse(text string) error {
	return fault.New(fault.KindUnauthenticated, fault.ReasonCertificateRefused, "%s", text)
}
