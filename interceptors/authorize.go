package interceptors

import (
	"context"
	"errors"
	"slices"
	"strings"

	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"

	policyv1 "github.com/orderprocessing/orderprocessing/gen/policy/v1"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// rule is what a procedure demands of its caller. The zero rule lets nobody call.
type rule struct {
	roles []auth.Role
	owned bool
	audit *policyv1.Audit // nil for a method whose calls are not recorded
}

// open tells whether anyone may call.
func (r rule) open() bool { return slices.Contains(r.roles, auth.Anyone) }

// authorize is the interceptor that lets a caller pass whom the policy of the method names. Who may
// see which object is decided below, where the object is known; it only hears of refusals.
func (c *Chain) authorize(ctx context.Context, call *call, next func(context.Context) error) error {
	caller, procedure := auth.CallerFrom(ctx), call.spec.Procedure
	if c.ruleOf(procedure).open() && !caller.InScope(procedure) {
		caller = auth.Caller{} // a key is worth nothing beyond its scopes, where anyone may call too
		ctx = auth.WithCaller(ctx, caller)
	}
	if err := c.ruleOf(procedure).check(caller, procedure); err != nil {
		c.tellDenied(ctx, procedure, caller, err)
		return err
	}
	err := next(ctx)
	if fault.KindOf(err) == fault.KindDenied || errors.Is(err, auth.ErrNotTheirs) {
		c.tellDenied(ctx, procedure, caller, err)
	}
	return err
}

func (r rule) check(caller auth.Caller, procedure string) error {
	switch {
	case r.open():
		return nil
	case caller.ID == "":
		return fault.New(fault.KindUnauthenticated, fault.ReasonCredentialsMissing, "this needs credentials")
	case !slices.ContainsFunc(r.roles, caller.Is):
		return fault.New(fault.KindDenied, fault.ReasonRoleMissing, "none of your roles may do this")
	case !caller.InScope(procedure):
		return fault.New(fault.KindDenied, fault.ReasonScopeMissing, "your API key is not meant for this")
	}
	return nil
}

// tellDenied counts a refusal and tells whoever wants to know.
func (c *Chain) tellDenied(ctx context.Context, procedure string, caller auth.Caller, err error) {
	reason := fault.ReasonOf(err)
	c.metrics.refused(string(reason))
	if c.options.Denied != nil {
		c.options.Denied(ctx, procedure, caller, reason)
	}
}

// ruleOf gives the rule of a procedure. It is worked out once; there are only so many procedures, as
// no other reaches the interceptors.
func (c *Chain) ruleOf(procedure string) rule {
	if known, ok := c.rules.Load(procedure); ok {
		return known.(rule)
	}
	r := c.makeRule(procedure)
	c.rules.Store(procedure, r)
	return r
}

func (c *Chain) makeRule(procedure string) (r rule) {
	policy, ok := PolicyOf(procedure)
	service, _, _ := strings.Cut(strings.TrimPrefix(procedure, "/"), "/")
	switch {
	case ok:
		for _, role := range policy.GetRoles() {
			r.roles = append(r.roles, auth.Role(role)) //nolint:gosec // a defined value
		}
		r.audit = policy.GetAudit()
		r.owned = policy.GetOwnership() == policyv1.Ownership_OWNERSHIP_CUSTOMER
	case service == grpchealth.HealthV1ServiceName:
		r.roles = []auth.Role{auth.Anyone}
	case service == grpcreflect.ReflectV1ServiceName, service == grpcreflect.ReflectV1AlphaServiceName:
		r.roles = []auth.Role{auth.Staff, auth.Operator}
		if c.options.OpenReflection {
			r.roles = []auth.Role{auth.Anyone}
		}
	}
	return r
}
