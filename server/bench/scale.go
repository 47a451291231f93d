package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
)

//go:embed slowcommit.sql
var slowCommit string

// shardCounts are the numbers of shards that are compared, the first with the others.
var shardCounts = []int{1, 2, 4, 8}

// draftersOfShard is how many connections each shard has: so few that the latency of its commits, and
// not the processors, bounds what they come to.
const draftersOfShard = 2

// measureShards measures whether shards add up when the latency of commits is the limit.
func (b *bench) measureShards(ctx context.Context) error {
	rates := make([][]float64, len(shardCounts))
	processes := make([]*process, len(shardCounts))
	for i, n := range shardCounts {
		p, err := b.newSlow(ctx, n)
		if err != nil {
			return err
		}
		defer p.stop() //nolint:errcheck // nobody looks at its data
		processes[i] = p
	}
	for turn := range createTurns + 1 {
		for i, n := range shardCounts {
			r, err := runLoad(ctx, loadJob{
				Host: processes[i].api, Do: doDraft, Connections: n * draftersOfShard, Spread: n, Seconds: b.seconds / 2,
				Run: fmt.Sprintf("scale-%d-%d", n, turn),
			})
			if err != nil {
				return err
			}
			if turn > 0 { // the first one warms up
				rates[i] = append(rates[i], float64(r.Answered)/r.Seconds)
			}
		}
	}
	one := median(rates[0])
	b.report.add(row{Row: "CreateOrder, commits 5 ms slower, one shard", Value: one, Unit: "orders/s"})
	for i, n := range shardCounts[1:] {
		b.report.add(row{Row: fmt.Sprintf("  %d shards", n), Value: median(rates[i+1]), Unit: "orders/s"}.
			to(fmt.Sprintf("%d × one", n), float64(n)*one).atLeast(.9))
	}
	b.report.note("shards: four servers in turns of %.0f s, with 1, 2, 4 and 8 databases of the one Postgres; a trigger makes each transaction that adds orders wait "+
		"5 ms before it commits (server/bench/slowcommit.sql); %d connections a shard, each of customers of that shard, create drafts, which no saga follows; "+
		"a figure is the median of %d turns", b.seconds/2, draftersOfShard, createTurns)
	return nil
}

// newSlow is a server over so many shards with slow commits.
func (b *bench) newSlow(ctx context.Context, shards int) (*process, error) {
	name := fmt.Sprint("scale", shards)
	cfg, err := b.databasesOf(ctx, name, shards)
	if err != nil {
		return nil, err
	}
	for _, url := range urlsOf(cfg) {
		err = errors.Join(err, execute(ctx, url, slowCommit))
	}
	if err != nil {
		return nil, fmt.Errorf("slow commits: %w", err)
	}
	return b.serve(ctx, name, environmentOf(cfg)...)
}
