package main

import (
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
	rows := [][]any{{"SOURCE", "KIND", "COUNT", "LINES", "UNITS", "AMOUNT (MINOR)"}}
	for _, s := range r.Sections {
		source := s.Source
		if source == "" {
			source = "(placed here)"
		}
		amount := func(minor int64) string { return fmt.Sprintf("%s %d", s.CurrencyCode, minor) }
		rows = append(rows,
			[]any{source, "orders", s.Orders.Count, s.Orders.Lines, s.Orders.Units, amount(s.Orders.AmountMinor)},
			[]any{source, "no charge", s.NoChargeOnly.Count, s.NoChargeOnly.Lines, s.NoChargeOnly.Units, amount(s.NoChargeOnly.AmountMinor)},
			[]any{source, "cancellations", s.Cancellations.Count, s.Cancellations.Lines, s.Cancellations.Units, amount(s.Cancellations.AmountMinor)})
	}
	if err := printTable(w, rows...); err != nil {
		return err
	}
	for _, s := range r.Sections {
		fmt.Fprintf(w, "\n%s orders         sha256 %s\n%s cancellations  sha256 %s\n",
			s.Source, s.OrdersDigest, s.Source, s.CancellationsDigest)
	}
	return nil
}
