package auth_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

var (
	nobody   = auth.Caller{}
	customer = auth.Caller{ID: "usr_1", CustomerID: "cus_1", Roles: []auth.Role{auth.Customer}}
	unowning = auth.Caller{ID: "usr_2", Roles: []auth.Role{auth.Customer}}
	roleless = auth.Caller{ID: "key_1", CustomerID: "cus_1"}
	staff    = auth.Caller{ID: "usr_3", Roles: []auth.Role{auth.Staff}}
	operator = auth.Caller{ID: "usr_4", Roles: []auth.Role{auth.Operator}}
	service  = auth.Caller{ID: "spiffe://shop/orders", Roles: []auth.Role{auth.Service}}
)

func TestCaller(t *testing.T) {
	for name, tt := range map[string]struct {
		caller              auth.Caller
		own, others, guests bool
	}{
		"nobody":                           {nobody, false, false, false},
		"a customer":                       {customer, true, false, false},
		"a customer without a customer id": {unowning, false, false, false},
		"somebody without a role":          {roleless, false, false, false},
		"staff":                            {staff, true, true, true},
		"an operator":                      {operator, true, true, true},
		"a service":                        {service, true, true, true},
	} {
		t.Run(name+" may access", func(t *testing.T) {
			ctx := auth.WithCaller(t.Context(), tt.caller)
			for customerID, may := range map[string]bool{"cus_1": tt.own, "cus_2": tt.others, "": tt.guests} {
				require.Equal(t, may, tt.caller.MayAccess(customerID), customerID)
				err := auth.CheckAccess(ctx, customerID, fault.New(fault.KindNotFound, fault.ReasonOrderNotFound, "no"))
				require.Equal(t, may, err == nil, customerID)
				require.Equal(t, !may, errors.Is(err, auth.ErrNotTheirs))
			}
		})
	}
	t.Run("a list is narrowed to what is the customer's", func(t *testing.T) {
		for _, named := range []string{"", "cus_1"} {
			got, err := customer.Narrow(named)
			require.NoError(t, err)
			require.Equal(t, "cus_1", got)
		}
		for _, named := range []string{"", "cus_2"} {
			got, err := staff.Narrow(named)
			require.NoError(t, err)
			require.Equal(t, named, got)
		}
		_, err := customer.Narrow("cus_2")
		require.Equal(t, fault.ReasonCustomerNotYours, fault.ReasonOf(err))
		for _, caller := range []auth.Caller{nobody, unowning, roleless} {
			_, err := caller.Narrow("")
			require.Equal(t, fault.KindDenied, fault.KindOf(err))
		}
	})
}

// noTokens knows nobody, and says whether it was asked.
type noTokens struct{ asked bool }

func (n *noTokens) Authenticate(context.Context, auth.Credentials) (auth.Caller, error) {
	n.asked = true
	return auth.Caller{}, nil
}

func TestServices(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	certificate := func(change func(*x509.Certificate), names ...string) *x509.Certificate {
		c := &x509.Certificate{NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)}
		for _, name := range names {
			u, err := url.Parse(name)
			require.NoError(t, err)
			c.URIs = append(c.URIs, u)
		}
		if change != nil {
			change(c)
		}
		return c
	}
	const name = "spiffe://shop.internal/orders"
	for _, tt := range []struct {
		name        string
		certificate *x509.Certificate
		refused     bool
	}{
		{"a service of the trust domain", certificate(nil, name), false},
		{"another trust domain", certificate(nil, "spiffe://other.internal/orders"), true},
		{"another scheme", certificate(nil, "https://shop.internal/orders"), true},
		{"no name", certificate(nil), true},
		{"two names", certificate(nil, name, name), true},
		{"no service", certificate(nil, "spiffe://shop.internal/"), true},
		{"a path", certificate(nil, name+"/x"), true},
		{"a query", certificate(nil, name+"?x"), true},
		{"a port", certificate(nil, "spiffe://shop.internal:1/orders"), true},
		{"a user", certificate(nil, "spiffe://me@shop.internal/orders"), true},
		{"expired while the connection lasted", certificate(func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Second) }, name), true},
		{"not valid yet", certificate(func(c *x509.Certificate) { c.NotBefore = now.Add(time.Second) }, name), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tokens := &noTokens{}
			s := auth.Services{TrustDomain: "shop.internal", Tokens: tokens, Now: func() time.Time { return now }}
			caller, err := s.Authenticate(t.Context(), auth.Credentials{Certificate: tt.certificate})
			require.False(t, tokens.asked)
			if tt.refused {
				require.Equal(t, fault.ReasonCertificateRefused, fault.ReasonOf(err))
				require.Equal(t, auth.Caller{}, caller)
				return
			}
			require.NoError(t, err)
			require.Equal(t, auth.Caller{ID: name, Roles: []auth.Role{auth.Service}}, caller)
		})
	}
	t.Run("a token goes before a certificate", func(t *testing.T) {
		tokens := &noTokens{}
		s := auth.Services{TrustDomain: "shop.internal", Tokens: tokens, Now: func() time.Time { return now }}
		_, err := s.Authenticate(t.Context(), auth.Credentials{Token: "t", Certificate: certificate(nil, name)})
		require.NoError(t, err)
		require.True(t, tokens.asked)
	})
}
