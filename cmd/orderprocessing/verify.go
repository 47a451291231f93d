package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/orderprocessing/orderprocessing/server"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/integrity"
)

func newVerify() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check that everything stored keeps its promises",
		Long: `Check that everything stored keeps its promises: totals are the sums of their lines, events
have no gaps and fold to the stored order, stock and what is held of it agree with their rows,
payments with our ledger and the gateway's own, orders with their stock, their parcels and their
money, processes with their deadlines, and every row stands in the shard that owns its slot. It reads
the databases and the gateway of the configuration, changes nothing, and may run beside a server. What
is not decided yet, such as a payment that the gateway has not answered, is listed as unsettled. It
ends with 1 when a promise is broken, or when the gateway's ledger could not be compared.`,
		Example: `  orderprocessing verify
  orderprocessing verify --json | jq .listed`,
		Args: cobra.NoArgs,
	}
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := loadConfig(cmd)
		if err != nil {
			return err
		}
		stores, err := server.OpenStores(cmd.Context(), cfg, server.Observers{})
		if err != nil {
			return err
		}
		report, err := verify(cmd, cfg, stores)
		if err = errors.Join(err, stores.Close(cmd.Context())); err != nil {
			return err
		}
		if err := printReport(cmd, report, *asJSON); err != nil {
			return err
		}
		if !report.OK {
			return errFound
		}
		return nil
	}
	config.AddFlags(cmd.Flags())
	return cmd
}

// verify checks everything, with a sign of progress.
func verify(cmd *cobra.Command, cfg config.Config, stores *server.Stores) (integrity.Report, error) {
	ctx := cmd.Context()
	sources, end, err := server.OpenSources(ctx, cfg, stores)
	if err != nil {
		return integrity.Report{}, err
	}
	bar := newProgress(cmd.ErrOrStderr(), -1, "orders", false)
	report, err := integrity.Check(ctx, sources, func(n int64) { _ = bar.Set64(n) })
	_ = bar.Finish()
	return report, errors.Join(err, end(ctx))
}

func printReport(cmd *cobra.Command, report integrity.Report, asJSON bool) error {
	out := cmd.OutOrStdout()
	if asJSON {
		return printJSON(out, report)
	}
	rows := [][]any{{"SHARD", "ORDERS", "EVENTS", "SKUS", "HOLDS", "PAYMENTS", "SAGAS"}}
	for _, s := range report.Shards {
		rows = append(rows, []any{s.Shard, s.Orders, s.Events, s.SKUs, s.Holds, s.Payments, s.Sagas})
	}
	if err := printTable(out, rows...); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d orders, %d events, %d SKUs, %d holds, %d payments, %d unfinished sagas\n",
		report.Orders, report.Events, report.SKUs, report.Holds, report.Payments, report.Sagas)
	if g := report.Gateway; g != nil {
		fmt.Fprintf(out, "%d payments compared with %d movements of the gateway %s, %d of them foreign; %d payments elsewhere\n",
			g.Payments, g.Movements, g.Name, g.Foreign, g.Elsewhere)
	}
	fmt.Fprintf(out, "%d violations, %d unsettled\n", report.Violations, report.Unsettled)
	printFindings(out, "", report.Listed)
	printFindings(out, "unsettled  ", report.UnsettledListed)
	return nil
}

func printFindings(out io.Writer, sort string, listed []integrity.Violation) {
	for _, v := range listed {
		fmt.Fprintf(out, "%sshard %d  %s  %s: %s\n", sort, v.Shard, cmp.Or(v.OrderID, v.SKU), v.Invariant, v.Detail)
	}
}
