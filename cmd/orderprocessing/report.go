package main

import (
	"cmp"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/orderprocessing/orderprocessing/clients/report"
)

func newReport() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Sum up what a server stores, with digests to compare with the books it came from",
		Example: `  orderprocessing report
  orderprocessing report --json | jq '.sections[].orders_digest_sha256'`,
		Args: cobra.NoArgs,
	}
	asJSON := addJSON(cmd)
	connect := addServer(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := connect()
		if err != nil {
			return err
		}
		built, err := report.Build(cmd.Context(), c.Orders)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), built)
		}
		return printSections(cmd.OutOrStdout(), built)
	}
	return cmd
}

func printSections(w io.Writer, r report.Report) error {
	rows := [][]any{{"SOURCE", "KIND", "COUNT", "LINES", "UNITS", "AMOUNT (MINOR)", "SHA-256"}}
	for _, s := range r.Sections {
		add := func(kind string, count, lines, units, minor int64, digest string) {
			if count > 0 {
				amount := fmt.Sprintf("%s %d", s.CurrencyCode, minor)
				rows = append(rows, []any{cmp.Or(s.Source, "(placed here)"), kind, count, lines, units, amount, digest})
			}
		}
		add("orders", s.Orders.Count, s.Orders.Lines, s.Orders.Units, s.Orders.AmountMinor, s.OrdersDigest)
		add("no charge", s.NoChargeOnly.Count, s.NoChargeOnly.Lines, s.NoChargeOnly.Units, s.NoChargeOnly.AmountMinor, "")
		add("cancellations", s.Cancellations.Count, s.Cancellations.Lines, s.Cancellations.Units, s.Cancellations.AmountMinor, s.CancellationsDigest)
	}
	return printTable(w, rows...)
}
