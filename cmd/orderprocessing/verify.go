package main

import (
	"fmt"

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
payments with their ledger, and every row stands in the shard that owns its slot. It reads the
databases of the configuration, changes nothing, and may run beside a server. It ends with 1 when it
finds anything.`,
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
		stores, err := server.OpenStores(cmd.Context(), cfg, nil)
		if err != nil {
			return err
		}
		bar := newProgress(cmd.ErrOrStderr(), -1, "orders", false)
		report, err := integrity.Check(cmd.Context(), stores.Shards, func(n int64) { _ = bar.Set64(n) })
		_ = bar.Finish()
		if closeErr := stores.Close(cmd.Context()); err == nil {
			err = closeErr
		}
		if err != nil {
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

func printReport(cmd *cobra.Command, report integrity.Report, asJSON bool) error {
	out := cmd.OutOrStdout()
	if asJSON {
		return printJSON(out, report)
	}
	rows := [][]any{{"SHARD", "ORDERS", "EVENTS", "SKUS", "PAYMENTS"}}
	for _, s := range report.Shards {
		rows = append(rows, []any{s.Shard, s.Orders, s.Events, s.SKUs, s.Payments})
	}
	if err := printTable(out, rows...); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d orders, %d events, %d SKUs, %d payments, %d violations\n",
		report.Orders, report.Events, report.SKUs, report.Payments, report.Violations)
	for _, v := range report.Listed {
		fmt.Fprintf(out, "shard %d  %s  %s: %s\n", v.Shard, v.OrderID+v.SKU, v.Invariant, v.Detail)
	}
	return nil
}
