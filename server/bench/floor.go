package main

import (
	"context"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed floor/*.sql
var floorFiles embed.FS

// floor is the same work done by pgbench: what Postgres alone can do on this machine.
type floor struct {
	pgbench string // program
	url     string
	dir     string // of the scripts
}

func (b *bench) newFloor(ctx context.Context) (*floor, error) {
	url, err := b.cluster.CreateDatabase(ctx, "floor")
	if err != nil {
		return nil, err
	}
	f := &floor{pgbench: b.cluster.Program("pgbench"), url: url, dir: b.dir}
	schema, err := floorFiles.ReadFile("floor/schema.sql")
	if err != nil {
		return nil, err
	}
	if err := execute(ctx, url, string(schema)); err != nil {
		return nil, err
	}
	for _, script := range []string{"one", "one_pipelined", "batch50"} {
		content, err := floorFiles.ReadFile("floor/" + script + ".sql")
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(f.script(script), content, 0o600); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *floor) script(name string) string { return filepath.Join(f.dir, name+".sql") }

var tps = regexp.MustCompile(`(?m)^tps = ([0-9.]+)`)

// run gives the transactions a second of a script.
func (f *floor) run(ctx context.Context, script string, clients int, seconds float64) (float64, error) {
	out, err := exec.CommandContext(ctx, f.pgbench, "-n", "-M", "prepared", "-c", fmt.Sprint(clients), "-j", fmt.Sprint(min(2, clients)), //nolint:gosec // found, not given
		"-T", fmt.Sprint(int(max(1, seconds))), "-f", f.script(script), f.url).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("pgbench %s: %w\n%s", script, err, out)
	}
	found := tps.FindSubmatch(out)
	if found == nil {
		return 0, fmt.Errorf("pgbench %s says nothing of its speed:\n%s", script, out)
	}
	return strconv.ParseFloat(string(found[1]), 64)
}

// median gives the median of the transactions of a script, in milliseconds, with one client.
func (f *floor) median(ctx context.Context, script string, seconds float64) (float64, error) {
	dir, err := os.MkdirTemp(f.dir, "latencies-")
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, f.pgbench, "-n", "-M", "prepared", "-c", "1", "-l", //nolint:gosec // found, not given
		"-T", fmt.Sprint(int(max(1, seconds))), "-f", f.script(script), f.url)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("pgbench %s: %w\n%s", script, err, out)
	}
	logs, err := filepath.Glob(filepath.Join(dir, "pgbench_log.*"))
	if err != nil || len(logs) != 1 {
		return 0, fmt.Errorf("pgbench %s left %d logs: %w", script, len(logs), err)
	}
	text, err := os.ReadFile(logs[0])
	if err != nil {
		return 0, err
	}
	var took []float64
	for line := range strings.Lines(string(text)) {
		var client, transaction int
		var micros float64
		if _, err := fmt.Sscan(line, &client, &transaction, &micros); err != nil {
			return 0, fmt.Errorf("pgbench's log says %.80q: %w", line, err)
		}
		took = append(took, micros/1000)
	}
	if len(took) == 0 {
		return 0, fmt.Errorf("pgbench %s made no transaction", script)
	}
	return median(took), nil
}

func execute(ctx context.Context, url, statements string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, statements)
	return err
}
