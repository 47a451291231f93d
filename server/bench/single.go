package main

import (
	"context"
	"errors"
)

// measureSingle measures what one caller waits for alone, in turns with the floor: when another replica carries
// the orders on, and when the server does so itself meanwhile.
func (b *bench) measureSingle(ctx context.Context) (err error) {
	f, err := b.newFloor(ctx)
	if err != nil {
		return err
	}
	alone, err := b.newCreating(ctx, "single", waiting)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, alone.end(ctx)) }()
	both, err := b.newCreating(ctx, "single-carry")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, both.end(ctx)) }()
	var floors, ours, busy []float64
	for range createTurns {
		floor, err := f.median(ctx, "one_pipelined", b.seconds/2)
		if err != nil {
			return err
		}
		var quiet, carried load
		one := loadJob{Connections: 1, Seconds: b.seconds / 2, HTTP1: true}
		if err := errors.Join(alone.turn(ctx, &quiet, one), both.turn(ctx, &carried, one), both.rest(ctx)); err != nil {
			return err
		}
		floors, ours, busy = append(floors, floor), append(ours, quiet.p50), append(busy, carried.p50)
	}
	b.report.add(
		row{Row: "floor: p50 of one_pipelined.sql, one client", Value: median(floors), Unit: "ms"},
		row{Row: "CreateOrder, one connection of HTTP/1.1: p50", Value: median(ours), Unit: "ms"}.to("one_pipelined.sql", median(floors)).atMost(2),
		row{Row: "  p50 when the server carries them on meanwhile", Value: median(busy), Unit: "ms"}.to("one_pipelined.sql", median(floors)),
	)
	b.report.note("one client: %d turns of %.0f s each, a figure is the median of the turns' medians; pgbench logs each transaction (-l); "+
		"the orders wait for another replica (workflow.workers 0), or the same server carries them on as they come", createTurns, b.seconds/2)
	return nil
}
