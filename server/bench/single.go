package main

import (
	"context"
	"errors"
	"os"
)

// measureSingle measures what one caller waits for alone, in turns with the floor, which has one database: when
// there is one shard and when there are four, whose orders another replica carries on, and when the server
// does so itself meanwhile; and when nothing is stored, which is what is left of the call beside the database.
func (b *bench) measureSingle(ctx context.Context) (err error) {
	f, err := b.newFloor(ctx)
	if err != nil {
		return err
	}
	one, err := b.newCreating(ctx, "single", 1, waiting)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, one.end(ctx)) }()
	four, err := b.newCreating(ctx, "single-four", 4, waiting)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, four.end(ctx)) }()
	both, err := b.newCreating(ctx, "single-carry", 4)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, both.end(ctx)) }()
	fixed, err := b.serveFixed(ctx, os.DevNull) // nobody asks for the answer
	if err != nil {
		return err
	}
	defer fixed.stop() //nolint:errcheck // it stored nothing
	var floors, ofOne, ofFour, busy, alone []float64
	for range createTurns {
		floor, err := f.median(ctx, "one_pipelined", b.seconds/2)
		if err != nil {
			return err
		}
		var single, spread, carried load
		job := loadJob{Connections: 1, Seconds: b.seconds / 2, HTTP1: true}
		if err := errors.Join(one.turn(ctx, &single, job), four.turn(ctx, &spread, job), both.turn(ctx, &carried, job), both.rest(ctx)); err != nil {
			return err
		}
		job.Host, job.Do = fixed.api, doCreate
		call, err := runLoad(ctx, job)
		if err != nil {
			return err
		}
		floors, ofOne, ofFour, busy = append(floors, floor), append(ofOne, single.p50), append(ofFour, spread.p50), append(busy, carried.p50)
		alone = append(alone, call.P50)
	}
	b.report.add(
		row{Row: "floor: p50 of one_pipelined.sql, one client", Value: median(floors), Unit: "ms"},
		row{Row: "CreateOrder, one connection of HTTP/1.1, one shard: p50", Value: median(ofOne), Unit: "ms"}.to("one_pipelined.sql", median(floors)).atMost(2),
		row{Row: "  p50 with four shards", Value: median(ofFour), Unit: "ms"}.to("one_pipelined.sql", median(floors)),
		row{Row: "  p50 of the same call when nothing is stored", Value: median(alone), Unit: "ms"}.to("one_pipelined.sql", median(floors)),
		row{Row: "  p50 when the server carries them on meanwhile", Value: median(busy), Unit: "ms"}.to("one_pipelined.sql", median(floors)),
	)
	b.report.note("one client: %d turns of %.0f s each, a figure is the median of the turns' medians; pgbench logs each transaction (-l); "+
		"the orders wait for another replica (workflow.workers 0), or the same server carries them on as they come; "+
		"nothing is stored where CreateOrder gives back what it was given, in a server with the whole chain", createTurns, b.seconds/2)
	return nil
}
