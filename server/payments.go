package server

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/outbound"
	"github.com/orderprocessing/orderprocessing/server/pagetoken"
	"github.com/orderprocessing/orderprocessing/server/payments"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// money is what moves the money, and what of it must be stopped.
type money struct {
	cases   *payments.Service
	webhook http.Handler
	path    string           // of the webhook
	caller  *outbound.Caller // of the gateway; nil without one
	parts   []Part           // in the order of Process.Parts
}

// openMoney builds the use cases of money over the stores. Without a gateway, or where they run elsewhere,
// there are none. flow is told what happened to the money of an order unasked.
func openMoney(
	ctx context.Context, cfg config.Config, logger *slog.Logger, t *telemetry.Telemetry, stores *Stores, tokens *pagetoken.Tokens,
	flow *processes,
) (*money, error) {
	name := cfg.Payments.Gateway
	if !cfg.Payments.Enabled() || !cfg.Serves(config.ServicePayments) {
		return &money{}, nil
	}
	loop := &switched{}
	g, caller, closeGateway, err := openGateway(ctx, cfg, logger, t, loop)
	if err != nil {
		return nil, err
	}
	cases := payments.New(payments.Options{
		Store: stores.Shards, Orders: stores.Shards, Gateways: map[string]gateway.Gateway{name: g}, Current: name,
		Tokens: tokens, Now: time.Now, CallTimeout: cfg.Payments.CallTimeout, Moved: flow.paymentMoved,
		Tracer: t.Tracer, TraceOf: flow.traceOf,
	})
	webhook := payments.NewWebhookHandler(cases, name, logger)
	return &money{
		cases: cases, webhook: webhook, caller: caller, path: payments.WebhookPath + name,
		parts: []Part{
			{Name: "gateway", Stop: closeGateway, Checks: []Check{{Name: "gateway", Optional: true, Run: g.Ready}}},
			{Name: "payments", Stop: cases.Close},
			{
				Name:  "webhooks of the gateway",
				Start: func(context.Context) error { loop.to.Store(&webhook); return nil },
				Stop:  func(context.Context) error { loop.to.Store(nil); return nil },
			},
		},
	}, nil
}

// close ends what openMoney opened, before its parts were started.
func (m *money) close(ctx context.Context) error {
	if len(m.parts) == 0 {
		return nil
	}
	return m.parts[0].Stop(ctx)
}
