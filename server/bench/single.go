package main

import (
	"context"
	"errors"
	"fmt"
)

// measureSingle measures what one caller waits for alone, in turns with the floor.
func (b *bench) measureSingle(ctx context.Context) (err error) {
	f, err := b.newFloor(ctx)
	if err != nil {
		return err
	}
	cfg, err := b.databases(ctx, "single")
	if err != nil {
		return err
	}
	p, err := b.serve(ctx, "single", environmentOf(cfg)...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	if err := p.stockUp(ctx); err != nil {
		return fmt.Errorf("put goods on the shelves: %w", err)
	}
	sagas, err := openShards(ctx, urlsOf(cfg))
	if err != nil {
		return err
	}
	defer sagas.close(context.WithoutCancel(ctx))
	var floors, ours []float64
	for turn := range createTurns + 1 {
		if _, _, err := sagas.rest(ctx); err != nil { // the floor has the machine to itself
			return err
		}
		floor, err := f.median(ctx, "one_pipelined", b.seconds/2)
		if err != nil {
			return err
		}
		r, err := runLoad(ctx, loadJob{Host: p.api, Do: doCreate, Connections: 1, Seconds: b.seconds / 2, Run: fmt.Sprint("single-", turn)})
		if err != nil {
			return err
		}
		if turn > 0 { // the first one warms up
			floors, ours = append(floors, floor), append(ours, r.P50)
		}
	}
	b.report.add(
		row{Row: "floor: p50 of one_pipelined.sql, one client", Value: median(floors), Unit: "ms"},
		row{Row: "CreateOrder, one connection: p50", Value: median(ours), Unit: "ms"}.to("one_pipelined.sql", median(floors)).atMost(2),
	)
	b.report.note("one client: %d turns of %.0f s each, a figure is the median of the turns' medians; pgbench logs each transaction (-l); "+
		"the sagas of the orders run meanwhile", createTurns, b.seconds/2)
	return nil
}
