// Command soak offers a running server a usual rate of calls for a long time, watches what it holds
// meanwhile, and fails when that grows. It finds the server by the variables of .ci/with-server.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/orderprocessing/orderprocessing/clients/load"
)

// samples is how many are taken, in a long run.
const samples = 120

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	lasts := flag.Duration("for", 30*time.Minute, "how long it takes")
	rate := flag.Float64("rate", 50, "calls a second")
	flag.Parse()
	if err := run(ctx, *lasts, *rate, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, lasts time.Duration, rate float64, out io.Writer) error {
	s, err := newServer()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, "orderprocessing", "load", "--json", "--max-failed", "0.001", //nolint:gosec // ours
		"--rate", fmt.Sprint(rate), "--step", lasts.String())
	var answer bytes.Buffer
	cmd.Stdout, cmd.Stderr = &answer, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	watched, watchErr := s.watch(ctx, max(lasts/samples, time.Second), lasts)
	if watchErr != nil {
		cancel()
	}
	loadErr := cmd.Wait()
	if watchErr != nil {
		return watchErr
	}
	var summary load.Summary
	if err := errors.Join(loadErr, json.Unmarshal(answer.Bytes(), &summary)); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	growths, err := judge(watched)
	if err != nil {
		return err
	}
	if err := print(out, summary, growths, len(watched)); err != nil {
		return err
	}
	for _, g := range growths {
		if !g.held() {
			return errors.New("the server grows")
		}
	}
	return nil
}

func print(out io.Writer, summary load.Summary, growths []growth, n int) error {
	for _, p := range summary.Calls {
		fmt.Fprintf(out, "%s: %.1f/s, p50 %.1f ms, p99 %.1f ms\n", p.Name, p.PerSecond, p.Latency.P50, p.Latency.P99)
	}
	fmt.Fprintf(out, "%d orders acknowledged, all of them stored once and right\n\n", summary.Check.Right)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "OF THE SERVER\tFIRST HALF\tSECOND HALF\tGROWTH\tALLOWED\tHELD")
	for _, g := range growths {
		held := map[bool]string{true: "yes", false: "NO"}[g.held()]
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", g.name, figure(g.first), figure(g.second), figure(g.second-g.first), figure(g.allowed()), held)
	}
	fmt.Fprintf(table, "\nwhat a tenth of the samples is below, of %d without the first quarter\n", n)
	return table.Flush()
}

func figure(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
