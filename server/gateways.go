package server

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"

	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/outbound"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway/resilient"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway/simulator"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway/stripe"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// openGateway builds the gateway of a configuration, guarded by a caller, and gives what ends it. webhooks takes
// the events of a simulator in the process; the others post theirs to the API port.
func openGateway(
	ctx context.Context, cfg config.Config, logger *slog.Logger, t *telemetry.Telemetry, webhooks http.Handler,
) (*resilient.Gateway, *outbound.Caller, func(context.Context) error, error) {
	var around func(http.RoundTripper) http.RoundTripper
	if t.Tracer != nil {
		around = telemetry.Transport
	}
	bare, closeBare, err := openBareGateway(ctx, cfg, logger, webhooks, around)
	if err != nil {
		return nil, nil, nil, err
	}
	timeout := cfg.Payments.CallTimeout
	caller := outbound.New("gateway", outbound.Options{
		Timeout: timeout, TryTimeout: timeout, Breaker: breakerOptions(cfg.Payments.Breaker), Log: logger, Metrics: t.Registry,
	})
	return resilient.New(bare, caller), caller, closeBare, nil
}

func openBareGateway(
	ctx context.Context, cfg config.Config, logger *slog.Logger, webhooks http.Handler, around func(http.RoundTripper) http.RoundTripper,
) (gateway.Gateway, func(context.Context) error, error) {
	p := cfg.Payments
	switch {
	case p.Gateway == config.GatewayStripe:
		g := stripe.New(stripe.Options{
			SecretKey: p.Stripe.SecretKey.Reveal(), WebhookSecrets: revealed(p.Stripe.WebhookSecret), Timeout: p.CallTimeout,
			Around: around,
		})
		return g, closer(g.Close), nil
	case p.Simulator.URL != "":
		g := simulator.NewGateway(p.Simulator.URL, simulator.ClientOptions{
			WebhookSecrets: revealed(p.Simulator.WebhookSecret), Timeout: p.CallTimeout, Around: around,
		})
		return g, closer(g.Close), nil
	}
	secret := p.Simulator.WebhookSecret.Reveal()
	if secret == "" {
		secret = rand.Text()
	}
	bank, err := simulator.New(ctx, simulator.Options{
		Database:       "sqlite:" + bankFile(cfg),
		WebhookHandler: webhooks, WebhookSecret: secret, Log: logger,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("open the simulated bank: %w", err)
	}
	return bank.Gateway(simulator.ClientOptions{Timeout: p.CallTimeout, Around: around}), bank.Close, nil
}

// revealed gives a secret that was set. Without one no signature is right.
func revealed(s config.Secret) []string {
	if s == "" {
		return nil
	}
	return []string{s.Reveal()}
}

func closer(end func()) func(context.Context) error {
	return func(context.Context) error {
		end()
		return nil
	}
}

// switched is a handler that is there at times only; it answers 503 while it is not.
type switched struct{ to atomic.Pointer[http.Handler] }

// ServeHTTP implements http.Handler.
func (s *switched) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if handler := s.to.Load(); handler != nil {
		(*handler).ServeHTTP(w, r)
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
}
