package server

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/pagetoken"
	"github.com/orderprocessing/orderprocessing/server/payments"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

const (
	// settleEvery is how often operations are looked for whose end is not known.
	settleEvery = 15 * time.Second
	// settleAtOnce is how many of a shard are settled each time.
	settleAtOnce = 100
)

// money is what moves the money, and what of it must be stopped.
type money struct {
	cases   *payments.Service
	webhook http.Handler
	path    string // of the webhook
	parts   []Part // in the order of Process.Parts
}

// openMoney builds the use cases of money over the stores. It gives nil when there is no gateway.
func openMoney(
	ctx context.Context, cfg config.Config, logger *slog.Logger, registry prometheus.Registerer, stores *Stores, tokens *pagetoken.Tokens,
) (*money, error) {
	name := cfg.Payments.Gateway
	if !cfg.Payments.Enabled() {
		return nil, nil //nolint:nilnil // see above
	}
	loop := &switched{}
	g, closeGateway, err := openGateway(ctx, cfg, logger, registry, loop)
	if err != nil {
		return nil, err
	}
	cases := payments.New(payments.Options{
		Store: stores.Shards, Orders: stores.Shards, Gateways: map[string]gateway.Gateway{name: g}, Current: name,
		Tokens: tokens, Now: time.Now, CallTimeout: cfg.Payments.CallTimeout,
	})
	webhook := payments.NewWebhookHandler(cases, name, logger)
	settling := &settler{cases: cases, waited: 3 * cfg.Payments.CallTimeout, logger: logger}
	return &money{
		cases: cases, webhook: webhook, path: payments.WebhookPath + name,
		parts: []Part{
			{Name: "gateway", Stop: closeGateway},
			{Name: "payments", Stop: cases.Close},
			{
				Name:  "webhooks of the gateway",
				Start: func(context.Context) error { loop.to.Store(&webhook); return nil },
				Stop:  func(context.Context) error { loop.to.Store(nil); return nil },
			},
			{Name: "settling of payments", Start: settling.start, Stop: settling.stop},
		},
	}, nil
}

// close ends what openMoney opened, before its parts were started.
func (m *money) close(ctx context.Context) error { return m.parts[0].Stop(ctx) }

// settler asks the gateway, again and again, what became of operations whose end is not known.
type settler struct {
	cases   *payments.Service
	waited  time.Duration // an operation is left alone for as long: its call may be under way
	logger  *slog.Logger
	end     context.CancelFunc
	running sync.WaitGroup
}

func (s *settler) start(ctx context.Context) error {
	ctx, s.end = context.WithCancel(ctx)
	s.running.Go(func() {
		ticker := time.NewTicker(settleEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				if _, err := s.cases.SettleOpen(ctx, s.waited, settleAtOnce); err != nil && ctx.Err() == nil {
					s.logger.Warn("some payments cannot be settled yet", slog.Any(telemetry.LogError, err))
				}
			}
		}
	})
	return nil
}

func (s *settler) stop(context.Context) error {
	s.end()
	s.running.Wait()
	return nil
}
