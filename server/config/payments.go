package config

import (
	"fmt"
	"net/url"
	"time"
)

// What payments.gateway may be, besides empty, which is none as well.
const (
	GatewaySimulator = "simulator"
	GatewayStripe    = "stripe"
	GatewayNone      = "none"
)

// Payments says who moves the money.
type Payments struct {
	Gateway     string        `mapstructure:"gateway" help:"who moves the money: simulator, stripe or none"`
	Simulator   Simulator     `mapstructure:"simulator"`
	Stripe      Stripe        `mapstructure:"stripe"`
	CallTimeout time.Duration `mapstructure:"call_timeout" reload:"yes" help:"how long one call of the payment gateway may take; while the process runs it can be lowered, and raised again to what it started with"`
	Breaker     Breaker       `mapstructure:"breaker" reload:"yes"`
}

// Breaker says when a gateway that fails is left alone. A change begins with a closed one.
type Breaker struct {
	FailureRate float64       `mapstructure:"failure_rate" help:"part of the calls within window that fails before the gateway is left alone, above 0 to 1"`
	MinCalls    int           `mapstructure:"min_calls" help:"fewer calls within window prove nothing"`
	Window      time.Duration `mapstructure:"window" help:"time over which calls of the gateway are counted"`
	OpenFor     time.Duration `mapstructure:"open_for" help:"how long the gateway is left alone before it is tried again"`
}

func defaultBreaker() Breaker {
	return Breaker{FailureRate: 0.5, MinCalls: 20, Window: 10 * time.Second, OpenFor: 5 * time.Second}
}

// Simulator is the simulated bank.
type Simulator struct {
	URL           string `mapstructure:"url" help:"the simulated bank, such as http://127.0.0.1:8090, which several replicas need; empty for one in the process, its ledger in bank.db in data.dir"`
	WebhookSecret Secret `mapstructure:"webhook_secret" help:"signs what the simulated bank tells us, the same on both sides; empty for one made at each start"`
}

// Stripe is an account at Stripe.
type Stripe struct {
	SecretKey     Secret `mapstructure:"secret_key" help:"key of the account at Stripe, sk_… or better a restricted one, rk_…"`
	WebhookSecret Secret `mapstructure:"webhook_secret" help:"signing secret of the webhook endpoint at Stripe, whsec_…; empty takes no webhooks"`
}

// Enabled tells whether anybody moves money.
func (p Payments) Enabled() bool { return p.Gateway != "" && p.Gateway != GatewayNone }

func (p *problems) payments(s Payments) {
	if s.Gateway != "" {
		p.oneOf("payments.gateway", s.Gateway, GatewaySimulator, GatewayStripe, GatewayNone)
	}
	if s.Simulator.URL != "" {
		u, err := url.Parse(s.Simulator.URL)
		p.check("payments.simulator.url", err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "",
			"must be a URL such as http://127.0.0.1:8090")
	}
	p.check("payments.stripe.secret_key", s.Gateway != GatewayStripe || s.Stripe.SecretKey != "",
		fmt.Sprintf("is needed when payments.gateway is %s", GatewayStripe))
	b := s.Breaker
	p.check("payments.breaker.failure_rate", b.FailureRate > 0 && b.FailureRate <= 1, "must be above 0, and 1 at most")
	p.between("payments.breaker.min_calls", b.MinCalls, 1, 100_000)
	p.check("payments.breaker.window", b.Window >= time.Second, "must be 1s or more")
	p.check("payments.breaker.open_for", b.OpenFor > 0, "must be more than 0, such as 5s")
	p.check("payments.call_timeout", s.CallTimeout > 0, "must be more than 0, such as 10s")
}
