package main

import (
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/orderprocessing/orderprocessing/clients/importer"
	"github.com/orderprocessing/orderprocessing/clients/replay"
)

// What --until may be.
const (
	untilConfirmed = "confirmed"
	untilDelivered = "delivered"
)

func newReplay() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "replay FILE…",
		Short: "Place the orders of another shop's files as live orders",
		Long: `Place the orders of another shop's files as live orders of a running server: what they sell is put
on the shelf, and each order is placed, paid, confirmed, shipped and delivered. Orders that the risk
rules hold for a look are let go on; what the files say was canceled comes back as a return, as far as
the customer has bought it before. The files are those that import takes.

Repeated with the same --run, files and flags, it changes nothing that it has done before and goes on
where it stopped. It ends with 1 when an order is left neither confirmed nor at an end.`,
		Example: `  orderprocessing replay clients/importer/testdata/online-retail/sample-2010-12-01.csv
  orderprocessing replay --rate 50 --until confirmed shop.csv.gz
  orderprocessing replay --payment-method tok_ok,tok_declined,tok_timeout_after --limit 1000 shop.csv.gz
  orderprocessing replay --run friday --json shop.csv.gz | jq .confirmed_ms.p99`,
		Args: someFiles,
	}
	asJSON := addJSON(cmd)
	connect := addServer(cmd)
	var opts replay.Options
	flags := cmd.Flags()
	flags.StringVar(&opts.Run, "run", "", "name of the replay, to repeat it or to go on (default: a new one, which is printed)")
	flags.StringSliceVar(&opts.PaymentMethods, "payment-method", []string{"tok_ok"}, "tokens to pay with, each order with the next")
	flags.Float64Var(&opts.Rate, "rate", 0, "orders to place a second; 0 as fast as it goes")
	flags.IntVar(&opts.Concurrency, "concurrency", 64, "how many orders are under way at once")
	flags.Int64Var(&opts.Limit, "limit", 0, "how many documents to read; 0 for all")
	until := flags.String("until", untilDelivered, "how far orders go: confirmed or delivered")
	flags.DurationVar(&opts.RetryFor, "retry-for", time.Minute, "how long the server may be away")
	flags.DurationVar(&opts.Patience, "patience", 5*time.Minute, "how long an order may take from one step to the next")
	cmd.RunE = func(cmd *cobra.Command, files []string) error {
		if *until != untilConfirmed && *until != untilDelivered {
			return fmt.Errorf("--until is confirmed or delivered, not %.40q", *until)
		}
		opts.Confirmed = *until == untilConfirmed
		if opts.Run == "" {
			opts.Run = strings.ToLower(rand.Text()[:8])
		}
		c, err := connect()
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "replay %s: go on or repeat it with --run %s\n", opts.Run, opts.Run)
		bar := newProgress(cmd.ErrOrStderr(), -1, "reading", false, progressbar.OptionSetWidth(10))
		opts.OnProgress = func(s replay.Summary) {
			bar.ChangeMax64(max(s.Documents.Read, 1))
			bar.Describe(progressOf(s))
			_ = bar.Set64(s.Done())
		}
		summary, err := replay.Run(cmd.Context(), c, func() (*importer.Reader, error) {
			return importer.Open(files, importer.ReadOptions{})
		}, opts)
		_ = bar.Finish()
		if err != nil && summary.Documents.Read == 0 {
			return err
		}
		print := printReplay
		if *asJSON {
			print = func(w io.Writer, s replay.Summary) error { return printJSON(w, s) }
		}
		if printErr := print(cmd.OutOrStdout(), summary); err == nil {
			err = printErr
		}
		if err == nil && !summary.OK() {
			err = errFound
		}
		return err
	}
	return cmd
}

// progressOf tells in a line how far a replay is.
func progressOf(s replay.Summary) string {
	if s.Seconds == 0 {
		return "stocking"
	}
	return fmt.Sprintf("%d placed, %d confirmed, %d delivered, %d rejected, %d returned; %.0f/s, p50 %.0f ms, p99 %.0f ms",
		s.Orders.Placed, s.Orders.Confirmed, s.Orders.Delivered, s.Ends["rejected"], s.Returns.Closed, s.PerSecond, s.Confirm.P50, s.Confirm.P99)
}

func printReplay(w io.Writer, s replay.Summary) error {
	for _, rows := range [][][]any{
		{{"DOCUMENTS", "REJECTED"}, {s.Documents.Read, s.Documents.Rejected}},
		{{"ORDERS", "REVIEWED", "CONFIRMED", "DELIVERED", "FAILED"}, {s.Orders.Placed, s.Orders.Held, s.Orders.Confirmed, s.Orders.Delivered, s.Failed}},
		{{"CANCELLATIONS", "UNMATCHED", "RETURNED"}, {s.Returns.Cancellations, s.Returns.Unmatched, s.Returns.Closed}},
		{
			{"MILLISECONDS", "P50", "P99", "MAX"},
			{"CreateOrder", s.Create.P50, s.Create.P99, s.Create.Max}, {"to confirmed", s.Confirm.P50, s.Confirm.P99, s.Confirm.Max},
		},
	} {
		if err := printTable(w, rows...); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "replay %s: %.1f s, %.0f orders/s, %d retries\n", s.Run, s.Seconds, s.PerSecond, s.Retries)
	printCounts(w, "orders left", s.Ends)
	printCounts(w, "reasons", s.Reasons)
	return nil
}

// printCounts prints numbers by name on a line; nothing when there are none.
func printCounts(w io.Writer, what string, counts map[string]int64) {
	separator := what + ": "
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(w, "%s%s %d", separator, name, counts[name])
		separator = ", "
	}
	if len(counts) > 0 {
		fmt.Fprintln(w)
	}
}
