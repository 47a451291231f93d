package main

import (
	"crypto/rand"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/orderprocessing/orderprocessing/clients/load"
)

func newLoad() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "load",
		Short: "Offer a running server calls at a rate, and measure how it answers",
		Long: `Offer a running server calls at a rate, and measure how it answers. Calls come at random times, as
those of many customers do, whether or not the server keeps up; what each took is counted from when it
was due. Nothing is tried again. Customers and products are chosen unevenly, products are made and
stocked first. At the end every order that was acknowledged is looked for.

It ends with 1 when an acknowledged order is lost, doubled or wrong, or a threshold did not hold. It
needs a token of staff or of the administrator. Do not let it loose on a server whose orders matter.`,
		Example: `  orderprocessing load
  orderprocessing load --rate 100,200,400,800 --step 30s
  orderprocessing load --rate 500 --step 5m --mix create=1,get=8,list=1 --max-p99 200ms --max-failed 0.001
  orderprocessing load --rate 50 --json | jq '.calls[] | {procedure, p99: .latency_ms.p99}'`,
		Args: cobra.NoArgs,
	}
	asJSON := addJSON(cmd)
	connect := addServer(cmd)
	var opts load.Options
	var wanted load.Thresholds
	flags := cmd.Flags()
	rates := flags.StringSlice("rate", []string{"100"}, "calls to offer a second; several are offered one after the other")
	step := flags.Duration("step", 10*time.Second, "how long each rate is offered")
	mix := flags.StringToInt("mix", map[string]int{"create": 5, "get": 3, "list": 1, "cancel": 1}, "parts of the calls: create, get, list, cancel")
	flags.IntVar(&opts.Customers, "customers", 10_000, "how many customers there are")
	flags.IntVar(&opts.Products, "products", 1_000, "how many products there are")
	flags.Float64Var(&opts.Skew, "skew", 1.1, "how unevenly they are chosen: the exponent of a Zipf distribution, above 1")
	flags.IntVar(&opts.InFlight, "in-flight", 1_000, "calls under way at once, at most; what is due beyond is counted as unsent")
	flags.IntVar(&opts.Connections, "connections", 8, "connections to spread the calls over")
	flags.DurationVar(&opts.Timeout, "timeout", 10*time.Second, "how long a call may take")
	flags.StringVar(&opts.PaymentMethod, "payment-method", "tok_ok", "token to pay with")
	flags.BoolVar(&opts.Verify, "verify", false, "have the server check everything stored at the end, as verify does")
	flags.DurationVar(&wanted.P99, "max-p99", 0, "longest p99 of any procedure; 0 for any")
	flags.Float64Var(&wanted.Failed, "max-failed", -1, "largest part of the calls that may be shed, unsent or failed, from 0 to 1; -1 for any")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if opts.Stages, err = stagesOf(*rates, *step); err != nil {
			return err
		}
		if opts.Mix, err = mixOf(*mix); err != nil {
			return err
		}
		opts.Run = strings.ToLower(rand.Text()[:8])
		total := time.Duration(len(opts.Stages)) * *step
		bar := newProgress(cmd.ErrOrStderr(), total.Milliseconds(), "stocking", false, progressbar.OptionSetWidth(10), progressbar.OptionSetElapsedTime(false))
		opts.OnProgress = func(s load.Summary) {
			bar.Describe(loadProgress(s))
			_ = bar.Set64(min(int64(1000*s.Seconds), total.Milliseconds()))
		}
		summary, err := load.Run(cmd.Context(), connect, opts)
		_ = bar.Finish()
		if err != nil && len(summary.Calls) == 0 {
			return err
		}
		print := printLoad
		if *asJSON {
			print = func(w io.Writer, s load.Summary) error { return printJSON(w, s) }
		}
		if printErr := print(cmd.OutOrStdout(), summary); err == nil {
			err = printErr
		}
		for _, missed := range summary.Missed(wanted) {
			fmt.Fprintln(cmd.ErrOrStderr(), "orderprocessing:", missed)
			if err == nil {
				err = errFound
			}
		}
		return err
	}
	return cmd
}

func stagesOf(rates []string, step time.Duration) (stages []load.Stage, err error) {
	for _, text := range rates {
		rate, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("--rate is numbers of calls a second, not %.40q", text)
		}
		stages = append(stages, load.Stage{Rate: rate, Duration: step})
	}
	return stages, nil
}

func mixOf(parts map[string]int) (mix load.Mix, err error) {
	places := map[string]*int{"create": &mix.Create, "get": &mix.Get, "list": &mix.List, "cancel": &mix.Cancel}
	for name, part := range parts {
		place, ok := places[name]
		if !ok {
			return mix, fmt.Errorf("--mix is of create, get, list and cancel, not %.40q", name)
		}
		*place = part
	}
	return mix, nil
}

// loadProgress tells in a line how far a load is.
func loadProgress(s load.Summary) string {
	if len(s.Stages) == 0 {
		return "stocking"
	}
	now := s.Stages[len(s.Stages)-1]
	return fmt.Sprintf("%g/s offered, %.0f/s answered, %d shed, %d unsent, %d failed; p50 %.0f ms, p99 %.0f ms",
		now.Offered, now.PerSecond, now.Shed, now.Unsent, now.Failed, now.Latency.P50, now.Latency.P99)
}

func printLoad(w io.Writer, s load.Summary) error {
	columns := []any{"OK/S", "OK", "SHED", "UNSENT", "FAILED", "P50 MS", "P90", "P99", "P99.9", "MAX"}
	cells := func(name any, l load.Line) []any {
		row := []any{name, fmt.Sprintf("%.1f", l.PerSecond), l.OK, l.Shed, l.Unsent, l.Failed}
		for _, ms := range []float64{l.Latency.P50, l.Latency.P90, l.Latency.P99, l.Latency.P999, l.Latency.Max} {
			row = append(row, fmt.Sprintf("%.1f", ms))
		}
		return row
	}
	calls := [][]any{append([]any{"PROCEDURE"}, columns...)}
	for _, p := range s.Calls {
		calls = append(calls, cells(p.Name, p.Line))
	}
	stages := [][]any{append([]any{"OFFERED/S"}, columns...)}
	for _, stage := range s.Stages {
		stages = append(stages, cells(stage.Offered, stage.Line))
	}
	for _, rows := range [][][]any{calls, stages} {
		if err := printTable(w, rows...); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	printCounts(w, "reasons", s.Reasons)
	if c := s.Check; c != nil {
		fmt.Fprintf(w, "load %s: of %d acknowledged orders %d are right, %d lost, %d doubled, %d wrong; %d more are stored whose caller got no answer\n",
			s.Run, c.Acknowledged, c.Right, c.Lost, c.Doubled, c.Wrong, c.Unanswered)
	}
	if s.Violations != nil {
		fmt.Fprintf(w, "verify: %d violations\n", *s.Violations)
	}
	return nil
}
