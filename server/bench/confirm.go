package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/orderprocessing/orderprocessing/server"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/integrity"
	"github.com/orderprocessing/orderprocessing/server/saga/temporal/temporaltest"
)

const (
	// window is how many orders are on their way at the same time when the most is measured.
	window = 512
	// windowTemporal is the same for Temporal's development server, which takes less.
	windowTemporal = 128
	// ease is the share of the most at which the time to confirmation is measured.
	ease = .8
	// confirmConnections place the orders.
	confirmConnections = 64
)

// measureConfirm measures carrying orders from placed to confirmed.
func (b *bench) measureConfirm(ctx context.Context) error {
	most, err := b.confirmOnRiver(ctx)
	if err != nil {
		return err
	}
	b.report.note("placed → CONFIRMED: the real binary with risk.mode off and its embedded simulator of a bank, home and four shards in five databases "+
		"of the one Postgres; orders of three lines of %d products with plenty of stock, of 100,000 customers; the closed loop places an order "+
		"when fewer than %d are on their way, the open loop at its rate whatever happens; both take %.0f s, the others a quarter of that; "+
		"a time to confirmation is confirm_time − create_time", goods, window, b.sustain)
	b.report.note("commits, transactions and syncs are all of the Postgres server's, over all databases, from the first order until the last saga " +
		"rests; the bank's own database, a SQLite file, is not in them")
	return b.confirmOnTemporal(ctx, most)
}

// confirmOnRiver measures the default engine, and gives the most orders a second.
func (b *bench) confirmOnRiver(ctx context.Context) (float64, error) {
	c, err := b.newConfirming(ctx, "confirm")
	if err != nil {
		return 0, err
	}
	defer c.end(ctx)
	if _, err := c.run(ctx, "warm-up", loadJob{Do: doCreate, Window: window, Seconds: b.sustain / 8}); err != nil {
		return 0, err
	}
	most, err := c.run(ctx, "closed", loadJob{Do: doCreate, Window: window, Seconds: b.sustain})
	if err != nil {
		return 0, err
	}
	open, err := c.run(ctx, "open", loadJob{Do: doCreate, Rate: ease * most.rate, Seconds: b.sustain})
	if err != nil {
		return 0, err
	}
	hot, err := c.run(ctx, "hot", loadJob{Do: doCreateHot, Window: window, Seconds: b.sustain / 4})
	if err != nil {
		return 0, err
	}
	b.report.add(
		row{Row: "placed → CONFIRMED, closed loop", Value: most.rate, Unit: "orders/s"}.atLeast(1000),
		row{Row: "  p50 of the time to confirmation", Value: most.p50, Unit: "ms"},
		row{Row: "  p99 of it", Value: most.p99, Unit: "ms"},
		row{Row: "  commits an order", Value: most.effort.commits, Unit: "commits"},
		row{Row: "  transactions an order, those that only read too", Value: most.effort.transactions, Unit: "transactions"},
		row{Row: "  syncs of the log an order", Value: most.effort.syncs, Unit: "syncs"},
		row{Row: "  allocated an order", Value: most.allocated / (1 << 10), Unit: "KiB"},
		row{Row: "  CPU an order: server and its bank", Value: most.serverCPU, Unit: "µs"},
		row{Row: "  CPU an order: Postgres", Value: most.postgresCPU, Unit: "µs"},
		row{Row: "  resident memory of the server", Value: most.memory / (1 << 20), Unit: "MiB"}.atMost(150),
		row{Row: "placed → CONFIRMED, open loop at 80 %", Value: open.rate, Unit: "orders/s"}.to("offered", ease*most.rate),
		row{Row: "  p50 of the time to confirmation", Value: open.p50, Unit: "ms"},
		row{Row: "  p99 of it", Value: open.p99, Unit: "ms"}.atMost(5000),
		row{Row: "placed → CONFIRMED, everyone buys one of the products", Value: hot.rate, Unit: "orders/s"}.
			to("bought evenly", most.rate).atLeast(.5),
		row{Row: "  p99 of the time to confirmation", Value: hot.p99, Unit: "ms"},
	)
	return most.rate, c.audit(ctx)
}

// confirmOnTemporal measures the other engine, where its server has been built.
func (b *bench) confirmOnTemporal(ctx context.Context, river float64) (err error) {
	t, err := temporaltest.Start(ctx)
	if errors.Is(err, temporaltest.ErrMissing) {
		b.report.add(row{Row: "  the same on Temporal: make bin/temporal first", Unit: "(not measured)"})
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	c, err := b.newConfirming(ctx, "temporal", "ORDERPROCESSING_WORKFLOW_ENGINE="+config.EngineTemporal, "ORDERPROCESSING_TEMPORAL_ADDRESS="+t.Address)
	if err != nil {
		return err
	}
	defer c.end(ctx)
	most, err := c.run(ctx, "temporal", loadJob{Do: doCreate, Window: windowTemporal, Seconds: b.sustain / 4})
	if err != nil {
		return err
	}
	b.report.add(
		row{Row: "placed → CONFIRMED on Temporal, closed loop", Value: most.rate, Unit: "orders/s"}.to("River", river),
		row{Row: "  p50 of the time to confirmation", Value: most.p50, Unit: "ms"},
	)
	b.report.note("Temporal is the development server of its CLI, everything in its memory, on the same machine; at most %d orders on their way", windowTemporal)
	return c.audit(ctx)
}

// confirming is a server whose orders are followed until they are confirmed.
type confirming struct {
	*bench
	cfg        config.Config
	process    *process
	shards     shards
	urls       string // file with the shards' URLs
	postmaster int    // pid
}

func (b *bench) newConfirming(ctx context.Context, name string, environment ...string) (*confirming, error) {
	c := &confirming{bench: b, urls: b.file(name, "shards")}
	var err error
	if c.cfg, err = b.databases(ctx, name); err != nil {
		return nil, err
	}
	c.cfg.Data.Dir = filepath.Join(b.dir, name, "data") // of the bank
	urls := urlsOf(c.cfg)
	if err := os.WriteFile(c.urls, []byte(strings.Join(urls, "\n")), 0o600); err != nil {
		return nil, err
	}
	if c.postmaster, err = postmaster(ctx, urls[0]); err != nil {
		return nil, err
	}
	if c.shards, err = openShards(ctx, urls); err != nil {
		return nil, err
	}
	environment = append(append(environmentOf(c.cfg), "ORDERPROCESSING_RISK_MODE=off"), environment...)
	if c.process, err = b.serve(ctx, name, environment...); err != nil {
		return nil, err
	}
	if err := c.process.stockUp(ctx); err != nil {
		c.end(ctx)
		return nil, fmt.Errorf("put goods on the shelves: %w", err)
	}
	return c, nil
}

func (c *confirming) end(ctx context.Context) {
	c.shards.close(context.WithoutCancel(ctx))
	_ = c.process.stop() // it may have been stopped before
}

// carried sums up a run. Efforts, CPU (in µs) and bytes allocated are an order's.
type carried struct {
	rate                   float64 // confirmed within the run, a second
	p50, p99               float64 // milliseconds from placed to confirmed
	effort                 effort
	serverCPU, postgresCPU float64
	allocated              float64
	memory                 float64 // bytes
}

// run places orders, waits until all of them are confirmed, and tells how that went.
func (c *confirming) run(ctx context.Context, name string, j loadJob) (r carried, err error) {
	j.Host, j.Connections, j.Run, j.Shards = c.process.api, confirmConnections, name, c.urls
	before, err := c.reading(ctx)
	if err != nil {
		return r, err
	}
	c.profileTurn(ctx, c.process, name, j.Seconds)
	from := time.Now()
	placed, err := runLoad(ctx, j)
	if err != nil {
		return r, err
	}
	to := time.Now()
	r.memory = float64(c.process.memory("VmRSS"))
	if _, _, err := c.shards.rest(ctx); err != nil {
		return r, err
	}
	after, err := c.reading(ctx)
	if err != nil {
		return r, err
	}
	found, err := c.shards.confirmed(ctx, from, to)
	if err != nil {
		return r, err
	}
	if found.never > 0 || len(found.took) != placed.Answered {
		return r, fmt.Errorf("%s: of %d orders %d were confirmed and %d were not", name, placed.Answered, len(found.took), found.never)
	}
	orders := float64(placed.Answered)
	r.rate = float64(found.within) / to.Sub(from).Seconds()
	r.p50, r.p99 = percentiles(found.took)
	r.effort = effort{
		commits:      (after.commits - before.commits) / orders,
		transactions: (after.transactions - before.transactions) / orders,
		syncs:        (after.syncs - before.syncs) / orders,
	}
	r.serverCPU, r.postgresCPU = 1e6*(after.serverCPU-before.serverCPU)/orders, 1e6*(after.postgresCPU-before.postgresCPU)/orders
	r.allocated = (after.allocated - before.allocated) / orders
	return r, nil
}

// reading is what has been spent so far.
type reading struct {
	effort
	serverCPU, postgresCPU, allocated float64
}

func (c *confirming) reading(ctx context.Context) (r reading, err error) {
	time.Sleep(time.Second) // until Postgres has counted
	if r.effort, err = c.shards.effort(ctx); err != nil {
		return r, err
	}
	metrics, err := c.process.metrics(ctx)
	r.serverCPU, r.allocated = metrics["process_cpu_seconds_total"], metrics["go_memstats_alloc_bytes_total"]
	r.postgresCPU = cpuOf(c.postmaster)
	return r, err
}

// audit stops the server and holds all that is stored, the bank's ledger too, against what must always hold.
func (c *confirming) audit(ctx context.Context) (err error) {
	if err := c.process.stop(); err != nil {
		return fmt.Errorf("stop the server: %w", err)
	}
	stores, err := server.OpenStores(ctx, c.cfg, server.Observers{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stores.Close(ctx)) }()
	sources, end, err := server.OpenSources(ctx, c.cfg, stores)
	if err != nil {
		return err
	}
	found, err := integrity.Check(ctx, sources, nil)
	if err = errors.Join(err, end(ctx)); err != nil {
		return err
	}
	c.report.add(row{Row: "  violations that verify finds, the bank's ledger included", Value: float64(found.Violations), Unit: "violations"}.exactly(0))
	return nil
}
