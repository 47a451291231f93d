package config

import (
	"fmt"
	"net/netip"
	"time"
)

// Limits says how often callers may call, and how much at once. docs/limits.md explains it.
type Limits struct {
	Address           Budget        `mapstructure:"address"`
	Read              Budget        `mapstructure:"read"`
	List              Budget        `mapstructure:"list"`
	Write             Budget        `mapstructure:"write"`
	Bulk              Budget        `mapstructure:"bulk"`
	Login             Budget        `mapstructure:"login"`
	TrustedFactor     int           `mapstructure:"trusted_factor" help:"how many times the budgets of a caller staff, operators and services have"`
	UnlimitedNetworks []string      `mapstructure:"unlimited_networks" help:"networks whose requests are not counted by address, but for logins, comma separated"`
	Redis             []DatabaseURL `mapstructure:"redis" reload:"no" help:"Redis where replicas share the budgets, redis://host:6379; several are a cluster; empty counts in each process alone"`
	FallbackShare     float64       `mapstructure:"fallback_share" reload:"no" help:"part of each budget that a process gives while Redis is away, above 0 to 1; one by the number of replicas"`
	Concurrency       Concurrency   `mapstructure:"concurrency"`
}

// Budget is how often.
type Budget struct {
	PerMinute int `mapstructure:"per_minute" help:"units that come in a minute; 0 is without limit"`
	Burst     int `mapstructure:"burst" help:"units that may be saved up, and used at once"`
}

// Concurrency is how much at once.
type Concurrency struct {
	Most   int           `mapstructure:"most" help:"calls under way at once, streams apart, while answers are fast; 0 is without limit"`
	Least  int           `mapstructure:"least" help:"calls under way at once, however slow answers are"`
	Target time.Duration `mapstructure:"target" help:"an answer that takes longer is slow; while one in ten is, fewer calls are let in"`
}

func defaultLimits() Limits {
	return Limits{
		Address:           Budget{PerMinute: 60_000, Burst: 6_000},
		Read:              Budget{PerMinute: 6_000, Burst: 1_000},
		List:              Budget{PerMinute: 3_000, Burst: 500},
		Write:             Budget{PerMinute: 1_200, Burst: 300},
		Bulk:              Budget{PerMinute: 600, Burst: 600},
		Login:             Budget{PerMinute: 30, Burst: 30},
		TrustedFactor:     500,
		UnlimitedNetworks: []string{"127.0.0.0/8", "::1/128"},
		Redis:             []DatabaseURL{},
		FallbackShare:     0.5,
		Concurrency:       Concurrency{Most: 512, Least: 128, Target: 500 * time.Millisecond},
	}
}

// Networks reads networks in CIDR form, or single addresses; those of a valid Config can be read.
func Networks(texts []string) ([]netip.Prefix, error) {
	networks := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			address, err := netip.ParseAddr(text)
			if err != nil {
				return nil, fmt.Errorf("must name networks such as 10.0.0.0/8, not %q", text)
			}
			network = netip.PrefixFrom(address, address.BitLen())
		}
		networks = append(networks, network.Masked())
	}
	return networks, nil
}

func (p *problems) networks(key string, texts []string) {
	if _, err := Networks(texts); err != nil {
		p.check(key, false, err.Error())
	}
}

const (
	maxBudget = 60_000_000
	maxFactor = 1_000_000
)

func (p *problems) limits(l Limits) {
	for _, budget := range []struct {
		key   string
		value Budget
	}{
		{"limits.address", l.Address},
		{"limits.read", l.Read},
		{"limits.list", l.List},
		{"limits.write", l.Write},
		{"limits.bulk", l.Bulk},
		{"limits.login", l.Login},
	} {
		p.between(budget.key+".per_minute", budget.value.PerMinute, 0, maxBudget)
		if budget.value.PerMinute > 0 {
			p.check(budget.key+".burst", budget.value.Burst >= 1 && budget.value.Burst <= maxBudget, fmt.Sprintf("must be from 1 to %d", maxBudget))
		}
	}
	p.between("limits.trusted_factor", l.TrustedFactor, 1, maxFactor)
	p.networks("limits.unlimited_networks", l.UnlimitedNetworks)
	p.redis("limits.redis", l.Redis)
	p.check("limits.fallback_share", l.FallbackShare > 0 && l.FallbackShare <= 1, "must be above 0, and 1 at most")
	p.between("limits.concurrency.most", l.Concurrency.Most, 0, 100_000)
	if l.Concurrency.Most > 0 {
		p.check("limits.concurrency.least", l.Concurrency.Least >= 1 && l.Concurrency.Least <= l.Concurrency.Most,
			fmt.Sprintf("must be from 1 to %d, which is limits.concurrency.most", l.Concurrency.Most))
		p.check("limits.concurrency.target", l.Concurrency.Target > 0, "must be more than 0, such as 1s")
	}
}
