package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	policyv1 "github.com/orderprocessing/orderprocessing/gen/policy/v1"
	"github.com/orderprocessing/orderprocessing/interceptors"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/ratelimit"
	"github.com/orderprocessing/orderprocessing/server/ratelimit/fallback"
	"github.com/orderprocessing/orderprocessing/server/ratelimit/gate"
	"github.com/orderprocessing/orderprocessing/server/ratelimit/memory"
	"github.com/orderprocessing/orderprocessing/server/ratelimit/redis"
	"github.com/orderprocessing/orderprocessing/server/redisclient"
)

const (
	// maxBuckets bounds what one process counts: about 40 bytes each.
	maxBuckets = 1_000_000
	// limitsPrefix begins the name of every bucket in Redis.
	limitsPrefix = "orderprocessing:limit:"
	// gatePatience is how long a call waits for a place: long enough for a burst, no more.
	gatePatience = 250 * time.Millisecond
)

// limiting makes limits that share what was counted.
type limiting struct {
	proxies        []netip.Prefix
	local, callers ratelimit.Buckets
}

// newLimits builds what the chain limits calls with, what makes others, and the part that closes it.
func newLimits(cfg config.Config, logger *slog.Logger, registry prometheus.Registerer) (*limiting, *interceptors.Limits, Part, error) {
	part := Part{Name: "limits", Stop: func(context.Context) error { return nil }}
	proxies, err := config.Networks(cfg.Server.TrustedProxies)
	if err != nil {
		return nil, nil, part, err
	}
	local := memory.New(maxBuckets, time.Now)
	m := &limiting{proxies: proxies, local: local, callers: local}
	if len(cfg.Limits.Redis) > 0 {
		client, err := redisclient.Open(config.Reveal(cfg.Limits.Redis)...)
		if err != nil {
			return nil, nil, part, fmt.Errorf("limits.redis: %w", err)
		}
		part.Stop = func(context.Context) error { return client.Close() }
		part.Checks = []Check{{Name: "redis-limits", Optional: true, Run: func(ctx context.Context) error { return client.Ping(ctx).Err() }}}
		m.callers = fallback.New(fallback.Options{
			Shared: redis.New(client, limitsPrefix), Local: local, Share: cfg.Limits.FallbackShare,
			Log: logger, Registry: registry,
		})
	}
	limits, err := m.of(cfg.Limits)
	if err == nil && cfg.Limits.Concurrency.Most > 0 {
		limits.Gate = gate.New(gateOptions(cfg.Limits.Concurrency))
	}
	return m, limits, part, err
}

// of makes the budgets of a configuration, without a gate.
func (m *limiting) of(l config.Limits) (*interceptors.Limits, error) {
	unlimited, err := config.Networks(l.UnlimitedNetworks)
	limits := &interceptors.Limits{
		Proxies: m.proxies, UnlimitedAddresses: unlimited,
		// Each process for itself: a flood must not reach Redis.
		Address: budget("address", l.Address, 1, m.local),
		Callers: map[policyv1.RateClass]*ratelimit.Budget{},
		Trusted: map[policyv1.RateClass]*ratelimit.Budget{},
	}
	for _, class := range []struct {
		name   string
		class  policyv1.RateClass
		budget config.Budget
	}{
		{"read", policyv1.RateClass_RATE_CLASS_READ, l.Read},
		{"list", policyv1.RateClass_RATE_CLASS_LIST, l.List},
		{"write", policyv1.RateClass_RATE_CLASS_WRITE, l.Write},
		{"bulk", policyv1.RateClass_RATE_CLASS_BULK, l.Bulk},
		{"login", policyv1.RateClass_RATE_CLASS_LOGIN, l.Login},
	} {
		limits.Callers[class.class] = budget(class.name, class.budget, 1, m.callers)
		limits.Trusted[class.class] = budget(class.name, class.budget, l.TrustedFactor, m.callers)
	}
	return limits, err
}

func gateOptions(c config.Concurrency) gate.Options {
	return gate.Options{Most: c.Most, Least: c.Least, Target: c.Target, Patience: gatePatience}
}

// budget is nil for what is without limit.
func budget(name string, b config.Budget, factor int, buckets ratelimit.Buckets) *ratelimit.Budget {
	if b.PerMinute == 0 {
		return nil
	}
	return ratelimit.NewBudget(name, ratelimit.Limit{PerMinute: b.PerMinute, Burst: b.Burst}.Times(float64(factor)), buckets)
}
