package interceptors

import (
	"context"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

const apiKeyHeader = "X-Api-Key" //nolint:gosec // a name, in the form that net/http keeps

// authenticate is the interceptor that finds out who calls. Where anyone may call, credentials that
// are not good count as none: a caller must be able to log in although the token has expired.
func (c *Chain) authenticate(ctx context.Context, call *call, next func(context.Context) error) error {
	exchange := exchangeFrom(ctx)
	caller, err := c.callerOf(ctx, call.header, exchange)
	if err != nil {
		if !c.ruleOf(call.spec.Procedure).open() {
			c.tellDenied(ctx, call.spec.Procedure, auth.Caller{}, err)
			return err
		}
		caller = auth.Caller{}
	}
	if caller.ID != "" {
		trace.SpanFromContext(ctx).SetAttributes(attribute.String(telemetry.AttributeCaller, caller.ID))
		if exchange != nil {
			exchange.callerID = caller.ID
		}
	}
	return next(auth.WithCaller(ctx, caller))
}

func (c *Chain) callerOf(ctx context.Context, header http.Header, e *exchange) (auth.Caller, error) {
	credentials, err := credentialsOf(header)
	if err != nil {
		return auth.Caller{}, err
	}
	if e != nil && e.request.TLS != nil && len(e.request.TLS.VerifiedChains) > 0 {
		credentials.Certificate = e.request.TLS.VerifiedChains[0][0]
	}
	return c.options.Authenticator.Authenticate(ctx, credentials)
}

// credentialsOf reads the one token of a request. What it says of wrong ones does not quote them.
func credentialsOf(header http.Header) (auth.Credentials, error) {
	bearer, keys := header["Authorization"], header[apiKeyHeader]
	switch {
	case len(bearer)+len(keys) == 0:
		return auth.Credentials{}, nil
	case len(bearer)+len(keys) > 1:
		return auth.Credentials{}, malformedCredentials("send one token, in one header")
	case len(keys) == 1:
		return tokenOf(keys[0])
	}
	scheme, token, _ := strings.Cut(bearer[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return auth.Credentials{}, malformedCredentials("the header Authorization takes the scheme Bearer")
	}
	return tokenOf(token)
}

func tokenOf(text string) (auth.Credentials, error) {
	token := strings.TrimSpace(text)
	if token == "" {
		return auth.Credentials{}, malformedCredentials("the token is empty")
	}
	return auth.Credentials{Token: token}, nil
}

func malformedCredentials(text string) error {
	return fault.New(fault.KindUnauthenticated, fault.ReasonCredentialsMalformed, "%s", text)
}

// challenge is what RFC 6750 has a server answer to credentials that are missing or not good.
func challenge(reason fault.Reason) string {
	if reason == fault.ReasonCredentialsMissing {
		return `Bearer realm="` + ErrorDomain + `"`
	}
	return `Bearer realm="` + ErrorDomain + `", error="invalid_token"`
}
