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
	CallTimeout time.Duration `mapstructure:"call_timeout" help:"how long one call of the payment gateway may take"`
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
	p.check("payments.call_timeout", s.CallTimeout > 0, "must be more than 0, such as 10s")
}
