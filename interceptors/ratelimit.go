package interceptors

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"net/netip"
	"sync/atomic"

	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus"

	policyv1 "github.com/orderprocessing/orderprocessing/gen/policy/v1"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/ratelimit"
	"github.com/orderprocessing/orderprocessing/server/ratelimit/gate"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// Limits say how often, and how much at once. A budget that is nil or missing is without limit.
type Limits struct {
	Proxies            []netip.Prefix // whose X-Forwarded-For is believed
	UnlimitedAddresses []netip.Prefix // that are not counted by address, but for logins

	Address *ratelimit.Budget                        // what one address may send, whoever calls
	Callers map[policyv1.RateClass]*ratelimit.Budget // what one caller may call; LOGIN: one address
	Trusted map[policyv1.RateClass]*ratelimit.Budget // the same for staff, operators and services
	Gate    *gate.Gate                               // how many calls at once
}

// limiter applies the limits.
type limiter struct {
	limits atomic.Pointer[Limits]
	seed   maphash.Seed
	calls  *prometheus.CounterVec
	shed   prometheus.Counter

	turnedAway *turnedAway
}

// The outcomes of asking a budget.
const (
	outcomeAllowed = "allowed"
	outcomeLimited = "limited"
)

func newLimiter(l Limits, registry prometheus.Registerer, writer *connect.ErrorWriter) (*limiter, error) {
	m := &limiter{
		turnedAway: newTurnedAway(writer),
		seed:       maphash.MakeSeed(),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: telemetry.MetricLimitCalls,
			Help: "Calls that were counted against a budget, by budget and outcome: allowed or limited.",
		}, []string{telemetry.LabelBudget, telemetry.LabelOutcome}),
		shed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: telemetry.MetricShedCalls,
			Help: "Calls that were turned away because too many were under way.",
		}),
	}
	m.limits.Store(&l)
	if registry == nil {
		return m, nil
	}
	return m, errors.Join(registry.Register(m.calls), registry.Register(m.shed), registry.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: telemetry.MetricConcurrency,
		Help: "Calls that may be under way at once; it shrinks while answers are slow. 0 is without limit.",
	}, func() float64 {
		if g := m.limits.Load().Gate; g != nil {
			return float64(g.Limit())
		}
		return 0
	})))
}

// SetLimits puts other limits in force, from the next call on. The chain must have been built with some.
func (c *Chain) SetLimits(l Limits) { c.limiter.limits.Store(&l) }

func (l *Limits) addresses() addresses { return addresses{l.Proxies, l.UnlimitedAddresses} }

// limitAddress counts a request against its address, before anything of its body is read. A client
// that TLS has proven is no stranger: its calls are counted when it is known who calls.
func (c *Chain) limitAddress(e *exchange) error {
	m, limits := c.limiter, c.limiter.limits.Load()
	e.client = limits.addresses().of(e.request)
	e.address = addressKey(e.client)
	if tls := e.request.TLS; tls != nil && len(tls.VerifiedChains) > 0 || !limits.addresses().counted(e.client) {
		return nil
	}
	return m.spend(e.request.Context(), e, limits.Address, e.address, 1)
}

// limitCaller is the interceptor that counts a call against what its caller may do. Who is nobody is
// counted by address.
func (c *Chain) limitCaller(ctx context.Context, _ *call, next func(context.Context) error) error {
	e := exchangeFrom(ctx)
	if c.limiter == nil || e == nil || e.procedure.policy == nil {
		return next(ctx)
	}
	m, policy, caller := c.limiter, e.procedure.policy, auth.CallerFrom(ctx)
	limits, class := m.limits.Load(), policy.GetRateClass()
	budget, key := limits.Callers[class], caller.ID
	switch {
	case class == policyv1.RateClass_RATE_CLASS_LOGIN:
		key = e.address // who tries credentials is whoever they say
	case caller.Is(auth.Staff), caller.Is(auth.Operator), caller.Is(auth.Service):
		budget = limits.Trusted[class]
	case caller.ID == "" && !limits.addresses().counted(e.client):
		return next(ctx)
	case caller.ID == "":
		key = e.address
	}
	if err := m.spend(ctx, e, budget, key, max(int(policy.GetCost()), 1)); err != nil {
		return err
	}
	return next(ctx)
}

// spend takes a call's cost from a budget, and tells the caller what is left.
func (m *limiter) spend(ctx context.Context, e *exchange, budget *ratelimit.Budget, key string, cost int) error {
	if budget == nil {
		return nil
	}
	result, err := budget.Spend(ctx, key, cost)
	if err != nil {
		return fmt.Errorf("count against the budget %s: %w", budget.Name(), err)
	}
	e.quotas.add(e.Header(), budget.Name(), result)
	if result.OK {
		m.calls.WithLabelValues(budget.Name(), outcomeAllowed).Inc()
		return nil
	}
	m.calls.WithLabelValues(budget.Name(), outcomeLimited).Inc()
	f := fault.New(fault.KindExhausted, fault.ReasonRateLimited, "too many calls: the budget %q is used up", budget.Name())
	f.RetryAfter = result.RetryAfter
	return f
}
