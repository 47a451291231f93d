package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

const (
	reloadedTurns = 4
	// reloadEvery is how often the settings change: almost as often as the server believes a file.
	reloadEvery = 500 * time.Millisecond
)

// measureReloaded measures what it costs that the settings change under load: one server in turns, with a file
// that stays and with one that changes all the time. A call that fails ends the measurement.
func (b *bench) measureReloaded(ctx context.Context) (err error) {
	file := filepath.Join(b.dir, "reloaded", "config.yaml") // in the folder that the server starts in
	err = errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, settings(0), 0o600))
	if err != nil {
		return err
	}
	c, err := b.newCreating(ctx, "reloaded", 4, waiting)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.end(ctx)) }()
	applied := telemetry.MetricConfigReloads + `{outcome="applied"}`
	before, err := c.process.metrics(ctx)
	if err != nil {
		return err
	}
	var still, changing load
	turns := []func() error{
		func() error { return c.turn(ctx, &still, loadJob{Connections: 64}) },
		func() error {
			turning, end := context.WithCancel(ctx)
			changed := make(chan error, 1)
			go func() { changed <- change(turning, file) }()
			err := c.turn(ctx, &changing, loadJob{Connections: 64})
			end()
			return errors.Join(err, <-changed)
		},
	}
	for range reloadedTurns {
		for _, turn := range turns {
			if err := turn(); err != nil {
				return err
			}
		}
		slices.Reverse(turns)
	}
	after, err := c.process.metrics(ctx)
	if err != nil {
		return err
	}
	b.report.add(
		row{Row: "CreateOrder while settings change under load", Value: changing.rate(), Unit: "orders/s"}.to("settings stay", still.rate()),
		row{Row: "  changes applied, while no call failed", Value: after[applied] - before[applied], Unit: "changes"}.atLeast(1),
	)
	b.report.note("settings: %d turns of %.0f s with a file that stays and as many with one that is replaced every %s, 64 connections, orders left to another "+
		"replica; a call that fails would end the measurement", reloadedTurns, b.seconds, reloadEvery)
	return c.audit(ctx)
}

// settings are those that the n-th file has.
func settings(n int) []byte {
	return fmt.Appendf(nil, "store: {max_connections: %d}\nlimits:\n  write: {per_minute: %d, burst: %d}\n", 8+n%4, 30_000_000+n, 500_000+n)
}

// change replaces the file again and again until the context ends.
func change(ctx context.Context, file string) error {
	ticker := time.NewTicker(reloadEvery)
	defer ticker.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		err := errors.Join(os.WriteFile(file+".new", settings(n), 0o600), os.Rename(file+".new", file))
		if err != nil {
			return err
		}
	}
}
