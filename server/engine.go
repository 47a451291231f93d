package server

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/sdk/client"
	temporallog "go.temporal.io/sdk/log"

	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/orders"
	"github.com/orderprocessing/orderprocessing/server/peers"
	"github.com/orderprocessing/orderprocessing/server/risk"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/saga/river"
	"github.com/orderprocessing/orderprocessing/server/saga/temporal"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
	"github.com/orderprocessing/orderprocessing/server/workflow"
)

// newStarter starts sagas in a database, for the engine of the configuration to find.
func newStarter(cfg config.Config, d *database.Database) (saga.Starter, error) {
	if cfg.Workflow.Engine == config.EngineTemporal {
		return temporal.NewStarter(d.Dialect(), time.Now), nil
	}
	return river.NewStarter(d, time.Now)
}

// engineHost is what an engine works with.
type engineHost struct {
	end func() // lets go of it, when the engine has stopped
	// checks tell whether it is there. Orders are taken without it, and go on when it is back.
	checks []Check
}

// openEngine builds the engine of the configuration, and gives what it works with.
func openEngine(
	cfg config.Config, logger *slog.Logger, t *telemetry.Telemetry, stores *Stores, sagas saga.Book, crowded func() bool,
) (saga.Engine, *engineHost, error) {
	owner := func(slot int) int { return stores.Shards.Owner(id.Slot(slot)) } //nolint:gosec // below 4096
	observer, saved := telemetry.NewSagas(t.Registry), stores.observe("sagas")
	if cfg.Workflow.Engine == config.EngineRiver {
		engine, err := river.New(river.Options{
			Shards: stores.Databases, ShardOf: owner, Sagas: sagas, Workers: cfg.Workflow.Workers, Crowded: crowded,
			Logger: logger, Observer: observer, Tracer: t.Tracer, Saved: saved,
		})
		return engine, &engineHost{end: func() {}}, err
	}
	c, err := client.NewLazyClient(client.Options{
		HostPort: cfg.Temporal.Address, Namespace: cfg.Temporal.Namespace, Logger: temporallog.NewStructuredLogger(logger),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("build the client of Temporal (temporal.address): %w", err)
	}
	return temporal.New(temporal.Options{
			Client: c, Shards: stores.Databases, ShardOf: owner, Sagas: sagas, Workers: cfg.Workflow.Workers, Logger: logger,
			Observer: observer, Tracer: t.Tracer, Saved: saved,
		}), &engineHost{end: c.Close, checks: []Check{{Name: "temporal", Optional: true, Run: func(ctx context.Context) error {
			_, err := c.CheckHealth(ctx, &client.CheckHealthRequest{})
			return err
		}}}}, nil
}

// processes is what carries orders on between calls.
type processes struct {
	crowded  func() bool // whether callers are turned away now
	hub      *orders.Hub
	workflow *workflow.Workflow
	book     saga.Book
	engine   saga.Engine
	host     *engineHost
	orders   *peers.Orders // where orders run elsewhere; nil here
}

// paymentTimeout bounds one attempt at moving money.
func paymentTimeout(cfg config.Config) time.Duration { return cfg.Payments.CallTimeout + 5*time.Second }

// open builds the sagas and their engine, where orders run, and where operators look after them.
func (p *processes) open(
	cfg config.Config, logger *slog.Logger, t *telemetry.Telemetry, stores *Stores, with *shop, switches *switches,
) (err error) {
	if !cfg.Serves(config.ServiceOrders) && !cfg.Serves(config.ServiceOperations) {
		p.host = &engineHost{end: func() {}}
		return nil
	}
	o := workflow.Options{
		Orders: p.hub.Over(stores.Shards), Stock: with.stock, Risk: newRisk(cfg.Risk, stores, switches),
		PaymentTimeout: paymentTimeout(cfg), Now: time.Now,
	}
	if with.money != nil {
		o.Payments = with.money
	}
	p.workflow = workflow.New(o)
	if p.book, err = p.workflow.Sagas(); err != nil {
		return err
	}
	p.engine, p.host, err = openEngine(cfg, logger, t, stores, p.book, p.crowded)
	return err
}

// part starts and stops the engine. It works where orders run and somebody is to work; operators only tell
// it what to do.
func (p *processes) part(cfg config.Config) Part {
	if !cfg.Serves(config.ServiceOrders) || cfg.Workflow.Workers == 0 {
		return Part{Name: "engine of sagas", Stop: func(context.Context) error { p.host.end(); return nil }}
	}
	return Part{
		Name:  "engine of sagas",
		Start: p.engine.Start,
		Stop: func(ctx context.Context) error {
			defer p.host.end()
			return p.engine.Stop(ctx)
		},
	}
}

// paymentMoved lets an order know that something happened to its money that it did not ask for itself.
func (p *processes) paymentMoved(ctx context.Context, orderID order.ID) error {
	if p.orders != nil {
		return p.orders.PaymentMoved(ctx, orderID)
	}
	waits, err := p.workflow.Summarize(ctx, orderID)
	if err != nil || !waits {
		return err
	}
	return p.engine.Signal(ctx, int(orderID.Slot()), orderID.String(), workflow.Place)
}

// traceOf gives the traceparent of the call that placed an order; empty when that was not traced, the saga
// is forgotten, or orders run elsewhere.
func (p *processes) traceOf(ctx context.Context, orderID order.ID) string {
	if p.engine == nil {
		return ""
	}
	r, err := p.engine.Find(ctx, int(orderID.Slot()), orderID.String(), workflow.Place)
	if err != nil {
		return ""
	}
	return r.Trace
}

// newRisk builds the use cases of risk.
func newRisk(cfg config.Risk, stores *Stores, switches *switches) *risk.Service {
	return risk.New(risk.Options{
		Store: stores.Shards, Rules: riskRules(cfg), NoteAt: cfg.NoteAt, Mode: switches.riskMode, Now: time.Now,
	})
}
