package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/orderprocessing/orderprocessing/server"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/integrity"
)

// createTurns is how often the floor and the server take turns.
const createTurns = 3

// floorClients is how many connections pgbench has.
const floorClients = 32

// waiting makes a server take orders and leave their sagas to other replicas.
const waiting = "ORDERPROCESSING_WORKFLOW_WORKERS=0"

// measureCreate measures taking orders, in turns with the floor, so that both have the same machine: alone, as
// the floor does, and with the same server carrying the orders on meanwhile.
func (b *bench) measureCreate(ctx context.Context) (err error) {
	f, err := b.newFloor(ctx)
	if err != nil {
		return err
	}
	alone, err := b.newCreating(ctx, "create", 4, waiting)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, alone.end(ctx)) }()
	both, err := b.newCreating(ctx, "carry", 4)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, both.end(ctx)) }()
	var pipelined, one, narrow, wide, older, busy load
	for range createTurns {
		err := errors.Join(
			alone.floor(ctx, f, "one_pipelined", &pipelined), alone.turn(ctx, &narrow, loadJob{Connections: 64}),
			alone.floor(ctx, f, "one_pipelined", &pipelined), alone.turn(ctx, &wide, loadJob{Connections: 256}),
			alone.floor(ctx, f, "one", &one),
			alone.floor(ctx, f, "one_pipelined", &pipelined), alone.turn(ctx, &older, loadJob{Connections: 256, HTTP1: true}),
			both.floor(ctx, f, "one_pipelined", &pipelined), both.turn(ctx, &busy, loadJob{Connections: 256}), both.rest(ctx))
		if err != nil {
			return err
		}
	}
	var fifty load
	if err := alone.floor(ctx, f, "batch50", &fifty); err != nil {
		return err
	}
	b.report.add(
		row{Row: "floor: one_pipelined.sql, 32 clients", Value: pipelined.rate(), Unit: "orders/s"},
		row{Row: "floor: one.sql, 32 clients", Value: one.rate(), Unit: "orders/s"}.to("one_pipelined.sql", pipelined.rate()),
		row{Row: "floor: batch50.sql, 32 clients", Value: 50 * fifty.rate(), Unit: "orders/s"}.to("one_pipelined.sql", pipelined.rate()),
	)
	b.reportCreate("CreateOrder, 64 connections", narrow, pipelined, one, .5, 0, 0)
	b.reportCreate("CreateOrder, 256 connections", wide, pipelined, one, 1, 2.5, 25)
	b.reportCreate("CreateOrder, 256 connections over HTTP/1.1", older, pipelined, one, 1, 2.5, 25)
	b.reportCreate("CreateOrder, 256 connections, orders carried on meanwhile", busy, pipelined, one, 0, 0, 0)
	b.report.add(row{Row: "orders confirmed a second while none are placed", Value: both.carried / both.resting, Unit: "orders/s"})
	b.noteCreate()
	return errors.Join(alone.audit(ctx), both.audit(ctx))
}

// newCreating is a warm server over databases of its own, so many shards, with goods on its shelves.
func (b *bench) newCreating(ctx context.Context, name string, shards int, environment ...string) (*creating, error) {
	c := &creating{bench: b, name: name}
	var err error
	if c.cfg, err = b.databasesOf(ctx, name, shards); err != nil {
		return nil, err
	}
	if c.process, err = b.serve(ctx, name, append(environmentOf(c.cfg), environment...)...); err != nil {
		return nil, err
	}
	if c.shards, err = openShards(ctx, urlsOf(c.cfg)); err == nil {
		c.postmaster, err = postmaster(ctx, urlsOf(c.cfg)[0])
	}
	if err == nil {
		err = c.process.stockUp(ctx)
	}
	if err == nil {
		err = c.turn(ctx, new(load), loadJob{Connections: 64, Seconds: b.seconds / 2})
	}
	if err != nil {
		return nil, errors.Join(err, c.end(ctx))
	}
	return c, nil
}

// end stops the server.
func (c *creating) end(ctx context.Context) error {
	c.shards.close(context.WithoutCancel(ctx))
	return c.process.stop()
}

// reportCreate reports a load; a target of 0 is none.
func (b *bench) reportCreate(name string, l, pipelined, one load, ofPipelined, ofOne, kibibytes float64) {
	b.report.add(
		row{Row: name, Value: l.rate(), Unit: "orders/s"}.to("one_pipelined.sql", pipelined.rate()).atLeast(ofPipelined),
		row{Row: "  the same", Value: l.rate(), Unit: "orders/s"}.to("one.sql", one.rate()).atLeast(ofOne),
		row{Row: "  p50", Value: l.p50, Unit: "ms"},
		row{Row: "  p99", Value: l.p99, Unit: "ms"},
		row{Row: "  orders a commit", Value: l.batched / l.batches, Unit: "orders"},
		row{Row: "  resident memory of the server", Value: l.memory / (1 << 20), Unit: "MiB"}.atMost(150),
		row{Row: "  allocated an order", Value: l.allocated / l.orders / (1 << 10), Unit: "KiB"}.atMost(kibibytes),
		row{Row: "  CPU an order: server", Value: 1e6 * l.serverCPU / l.orders, Unit: "µs"},
		row{Row: "  CPU an order: load client", Value: 1e6 * l.clientCPU / l.orders, Unit: "µs"},
		row{Row: "  CPU an order: Postgres", Value: 1e6 * l.postgresCPU / l.orders, Unit: "µs"}.
			to("Postgres in one_pipelined.sql", 1e6*pipelined.postgresCPU/pipelined.orders),
	)
}

// load sums up the turns of one load.
type load struct {
	turns                             float64
	orders, seconds                   float64
	p50, p99                          float64 // milliseconds, the mean of the turns'
	batches, batched                  float64 // commits and the orders in them
	allocated                         float64 // bytes, by the server
	memory                            float64 // bytes, the most after a turn
	serverCPU, clientCPU, postgresCPU float64 // seconds
}

func (l load) rate() float64 { return l.orders / l.seconds }

// creating is the server that takes the orders, and how many it acknowledged.
type creating struct {
	*bench
	name         string
	cfg          config.Config
	process      *process
	postmaster   int // pid
	shards       shards
	acknowledged int
	turns        int
	carried      float64 // orders that were carried on after a turn
	resting      float64 // seconds that this took
}

// rest waits until all orders are confirmed that were acknowledged.
func (c *creating) rest(ctx context.Context) error {
	carried, took, err := c.shards.rest(ctx)
	c.carried += float64(carried)
	c.resting += took.Seconds()
	return err
}

func (c *creating) floor(ctx context.Context, f *floor, script string, l *load) error {
	cpu := cpuOf(c.postmaster)
	rate, err := f.run(ctx, script, floorClients, c.seconds)
	l.postgresCPU += cpuOf(c.postmaster) - cpu
	l.orders += rate * c.seconds
	l.seconds += c.seconds
	return err
}

// turn runs a load, for as long as all do unless it says otherwise, and adds what it saw.
func (c *creating) turn(ctx context.Context, l *load, j loadJob) error {
	c.turns++
	j.Do, j.Host, j.Seconds, j.Run = doCreate, c.process.api, cmp.Or(j.Seconds, c.seconds), fmt.Sprint("turn-", c.turns)
	before, err := c.process.metrics(ctx)
	if err != nil {
		return err
	}
	c.profileTurn(ctx, c.process, fmt.Sprintf("%s-%d-%d", c.name, c.turns, j.Connections), j.Seconds)
	cpu := cpuOf(c.postmaster)
	r, err := runLoad(ctx, j)
	if err != nil {
		return err
	}
	l.postgresCPU += cpuOf(c.postmaster) - cpu
	after, err := c.process.metrics(ctx)
	if err != nil {
		return err
	}
	c.acknowledged += r.Answered
	delta := func(name string) float64 { return after[name] - before[name] }
	l.orders += float64(r.Answered)
	l.seconds += r.Seconds
	l.p50 += (r.P50 - l.p50) / (l.turns + 1)
	l.p99 += (r.P99 - l.p99) / (l.turns + 1)
	l.turns++
	l.batches += delta(`orderprocessing_store_batch_size_count{written="creates"}`)
	l.batched += delta(`orderprocessing_store_batch_size_sum{written="creates"}`)
	l.allocated += delta("go_memstats_alloc_bytes_total")
	l.serverCPU += delta("process_cpu_seconds_total")
	l.clientCPU += r.CPU
	l.memory = max(l.memory, float64(c.process.memory("VmRSS")))
	return nil
}

// audit makes sure that every order that was acknowledged is stored, once and whole.
func (c *creating) audit(ctx context.Context) error {
	stores, err := server.OpenStores(ctx, c.cfg, server.Observers{})
	if err != nil {
		return err
	}
	defer stores.Close(ctx) //nolint:errcheck // it was only read
	found, err := integrity.Check(ctx, stores.Sources(), nil)
	if err != nil {
		return err
	}
	c.report.add(
		row{Row: "orders stored afterwards", Value: float64(found.Orders), Unit: "orders"}.to("acknowledged", float64(c.acknowledged)).exactly(1),
		row{Row: "violations that verify finds", Value: float64(found.Violations), Unit: "violations"}.exactly(0),
	)
	return nil
}

// noteCreate says how the figures of creating were taken.
func (b *bench) noteCreate() {
	b.report.note("CreateOrder: %d turns of %.0f s each, each after a turn of one_pipelined.sql, and as many of one.sql between them; the server is the real binary with its default settings, "+
		"its JSON access log written to a file, home and four shards in five databases of the one Postgres; each order is stored with its saga and the job that "+
		"carries it on: another replica's work (workflow.workers 0), or, where it says so, of the server itself, as far as it comes during the turn; it goes on until "+
		"all rest before the floor's next turn, and CPU and bytes are of both; rate and CPU are of all turns, p50 and p99 the mean of the turns'", createTurns, b.seconds)
	b.report.note("the load client is a process of its own, Connect with protobuf, one call at a time on each connection: over h2c, each an HTTP/2 " +
		"connection written on the framer of golang.org/x/net/http2, or over HTTP/1.1 where it says so, whose heads it reads itself; one " +
		"thread waits for all connections at once (epoll), as those of pgbench do, unless calls are paced; every answer is decoded")
	b.report.note("pgbench runs -M prepared with 2 threads, over TCP on the loopback interface as the server does")
}
