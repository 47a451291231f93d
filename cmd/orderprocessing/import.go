package main

import (
	"fmt"
	"io"
	"sort"
	"time"
	_ "time/tzdata" // so that --timezone works on a machine without zones

	"github.com/spf13/cobra"

	"github.com/orderprocessing/orderprocessing/clients/importer"
)

func newImport() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import FILE…",
		Short: "Import the history of another shop into a running server",
		Long: `Import the history of another shop into a running server, from CSV or gzipped CSV in the layout
of Online Retail (one row a line) or of Northwind (orders.csv with order_details.csv beside it).

Importing again changes nothing and says so; after an interruption, run it again. Rows that cannot
be taken are written to a rejects file, each with the reason.`,
		Example: `  orderprocessing import clients/importer/testdata/online-retail/sample-2010-12-01.csv
  orderprocessing import --server https://orders.example --timezone Europe/London shop/*.csv.gz`,
		Args: someFiles,
	}
	asJSON := addJSON(cmd)
	connect := addServer(cmd)
	rejects := cmd.Flags().String("rejects", "rejects.csv", "file for the rows that cannot be taken")
	currency := cmd.Flags().String("currency", "", "ISO 4217 code of the amounts (default: GBP for Online Retail, USD for Northwind)")
	zone := cmd.Flags().String("timezone", "UTC", "time zone of the dates in the files")
	cmd.RunE = func(cmd *cobra.Command, files []string) error {
		location, err := time.LoadLocation(*zone)
		if err != nil {
			return fmt.Errorf("--timezone: %w", err)
		}
		c, err := connect()
		if err != nil {
			return err
		}
		docs, err := importer.Open(files, importer.ReadOptions{CurrencyCode: *currency, Timezone: location})
		if err != nil {
			return err
		}
		defer docs.Close()
		_, total := docs.Progress()
		bar := newProgress(cmd.ErrOrStderr(), total, "import", true)
		summary, err := importer.Run(cmd.Context(), c.Orders, docs, importer.Options{
			RejectsPath: *rejects,
			OnProgress:  func(p importer.Progress) { _ = bar.Set64(p.BytesRead) },
			OnRetry: func(cause error, pause time.Duration) {
				fmt.Fprintf(cmd.ErrOrStderr(), "orderprocessing: %s; trying again in %s\n", cause, pause.Round(time.Millisecond))
			},
		})
		_ = bar.Finish()
		if *asJSON {
			if printErr := printJSON(cmd.OutOrStdout(), summary); err == nil {
				err = printErr
			}
			return err
		}
		if printErr := printSummary(cmd.OutOrStdout(), summary); err == nil {
			err = printErr
		}
		return err
	}
	return cmd
}

// someFiles wants at least one argument.
func someFiles(cmd *cobra.Command, files []string) error {
	if len(files) == 0 {
		return fmt.Errorf("name at least one file; see %s --help", cmd.CommandPath())
	}
	return nil
}

func printSummary(w io.Writer, s importer.Summary) error {
	kinds := make([]string, 0, len(s.Documents))
	for kind, counts := range s.Documents {
		if counts.Read > 0 {
			kinds = append(kinds, string(kind))
		}
	}
	sort.Strings(kinds)
	rows := [][]any{{"DOCUMENTS", "READ", "CREATED", "UNCHANGED", "REJECTED"}}
	for _, kind := range kinds {
		c := s.Documents[importer.Kind(kind)]
		rows = append(rows, []any{kind, c.Read, c.Created, c.Unchanged, c.Rejected})
	}
	rows = append(rows, []any{"total", s.Total.Read, s.Total.Created, s.Total.Unchanged, s.Total.Rejected})
	if err := printTable(w, rows...); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nrows read: %d, lines stored: %d, rows rejected: %d", s.RowsRead, s.LinesStored, s.RowsRejected)
	for i, name := range s.RejectsFiles {
		separator := ", "
		if i == 0 {
			separator = ", into "
		}
		fmt.Fprint(w, separator, name)
	}
	fmt.Fprintln(w)
	return nil
}
