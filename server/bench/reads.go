package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/events"
	"github.com/orderprocessing/orderprocessing/server/store/shard"
)

// How many orders are stored when reads are measured; the many unless told otherwise.
const (
	fewOrders  = 10_000
	manyOrders = 1_000_000
)

// readTurns is how often the two sizes take turns; a figure is the median of them.
const readTurns = 5

// calm is how many orders a second are created when that is measured: no more than can be carried on.
const calm = 200

// readConnections is how many callers read at once.
const readConnections = 8

//go:embed seed/orders.sql
var seedOrders string

// measureReads measures what reading costs as the stores grow: the same calls of two servers in turns.
func (b *bench) measureReads(ctx context.Context) error {
	few, err := b.newShelf(ctx, "few", fewOrders)
	if err != nil {
		return err
	}
	defer few.process.stop() //nolint:errcheck // it only read
	many, err := b.newShelf(ctx, "many", b.many)
	if err != nil {
		return err
	}
	defer many.process.stop() //nolint:errcheck // it only read
	for _, call := range []struct{ name, do string }{
		{"GetOrder", doGet}, {"ListOrders, newest 50 of all shards", doList}, {"ListOrders, newest 50 of a customer", doListCustomer},
		{fmt.Sprintf("CreateOrder, %d/s", calm), doCreate},
	} {
		rate := 0.0
		if call.do == doCreate {
			rate = calm
		}
		var p50, p99 [2][]float64
		for turn := range readTurns + 1 {
			for i, s := range []*shelf{few, many} {
				r, err := runLoad(ctx, loadJob{
					Host: s.process.api, Do: call.do, Connections: readConnections, Rate: rate,
					Seconds: b.seconds / 2, Names: s.names[call.do], Run: fmt.Sprint("growth-", turn),
				})
				if err != nil {
					return err
				}
				if turn > 0 { // the first one warms up
					p50[i], p99[i] = append(p50[i], r.P50), append(p99[i], r.P99)
				}
			}
		}
		b.report.add(
			row{Row: call.name + ": p50 at 10,000", Value: median(p50[0]), Unit: "ms"},
			row{Row: "  p50 at " + grouped(b.many), Value: median(p50[1]), Unit: "ms"}.to("at 10,000", median(p50[0])),
			row{Row: "  p99 at 10,000", Value: median(p99[0]), Unit: "ms"},
			row{Row: "  p99 at " + grouped(b.many), Value: median(p99[1]), Unit: "ms"}.to("at 10,000", median(p99[0])).atMost(1.3),
		)
	}
	b.report.note("reads: two servers, one over 10,000 and one over %s stored orders, each with home and four shards on the one "+
		"Postgres, in turns of %.0f s, %d connections; a figure is the median of %d turns", grouped(b.many), b.seconds/2, readConnections, readTurns)
	return nil
}

// grouped writes a number as 1,000,000.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// shelf is a server with orders in its databases.
type shelf struct {
	process *process
	names   map[string]string // file, by what reads it
}

func (b *bench) newShelf(ctx context.Context, name string, orders int) (*shelf, error) {
	began := time.Now()
	cfg, err := b.databases(ctx, name)
	if err != nil {
		return nil, err
	}
	ids, err := seed(ctx, cfg, orders)
	if err != nil {
		return nil, fmt.Errorf("store %d orders: %w", orders, err)
	}
	fmt.Fprintf(os.Stderr, "bench: %s orders are stored after %.0f s\n", grouped(orders), time.Since(began).Seconds())
	customers := make([]string, orders/100)
	for i := range customers {
		customers[i] = fmt.Sprintf("cus_%07d", i)
	}
	s := &shelf{names: map[string]string{doGet: b.file(name, "orders"), doListCustomer: b.file(name, "customers")}}
	if err := os.WriteFile(s.names[doGet], []byte(strings.Join(ids, "\n")), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(s.names[doListCustomer], []byte(strings.Join(customers, "\n")), 0o600); err != nil {
		return nil, err
	}
	if s.process, err = b.serve(ctx, name, environmentOf(cfg)...); err != nil {
		return nil, err
	}
	if err := s.process.stockUp(ctx); err != nil {
		return nil, fmt.Errorf("put goods on the shelves: %w", err)
	}
	return s, nil
}

func (b *bench) file(names ...string) string { return filepath.Join(b.dir, strings.Join(names, "-")) }

// seed stores orders in all shards at once and gives the ids of some.
func seed(ctx context.Context, cfg config.Config, orders int) ([]string, error) {
	change, err := events.Marshal(order.Placed{Details: order.Details{
		CustomerID: "cus_@@@@@@@", Currency: "GBP", Lines: []order.Line{
			{SKU: "SKU-22423", Quantity: 6, UnitPrice: 255},
			{SKU: "SKU-47566", Quantity: 6, UnitPrice: 339},
			{SKU: "SKU-84879", Quantity: 8, UnitPrice: 275},
		},
	}})
	if err != nil {
		return nil, err
	}
	ranges := shard.Even(len(cfg.Store.Shards)).Ranges
	ids := make([][]string, len(ranges))
	errs := make([]error, len(ranges))
	var all sync.WaitGroup
	for i, r := range ranges {
		all.Go(func() { ids[i], errs[i] = seedShard(ctx, cfg.Store.Shards[i].Reveal(), r, orders, change) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return slices.Concat(ids...), nil
}

func seedShard(ctx context.Context, url string, r shard.Range, orders int, change []byte) (ids []string, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, seedOrders, int(r.First), int(r.Last), orders, change); err != nil {
		return nil, err
	}
	// As when they came over years: nothing of it is left to be written while it is read.
	for _, finish := range []string{"VACUUM ANALYZE", "CHECKPOINT"} {
		if _, err := conn.Exec(ctx, finish); err != nil {
			return nil, err
		}
	}
	rows, err := conn.Query(ctx, "SELECT id FROM orders ORDER BY md5(id::text) LIMIT 5000")
	if err != nil {
		return nil, err
	}
	some, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	for _, one := range some {
		ids = append(ids, order.ID{UUID: id.UUID(one)}.String())
	}
	return ids, err
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
