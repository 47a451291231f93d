package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/orderprocessing/orderprocessing/server"
	"github.com/orderprocessing/orderprocessing/server/audit"
	"github.com/orderprocessing/orderprocessing/server/config"
)

func newAudit() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Show and check what privileged callers did and what was denied",
		Example: `  orderprocessing audit list
  orderprocessing audit verify`,
		RunE: refuseUnknown,
	}
	cmd.AddCommand(newAuditList(), newAuditVerify())
	return cmd
}

// maxListed bounds one list.
const maxListed = 10_000

func newAuditList() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the newest records, newest first",
		Example: `  orderprocessing audit list --limit 20
  orderprocessing audit list --before 1200 --json`,
		Args: cobra.NoArgs,
	}
	asJSON := addJSON(cmd)
	limit := cmd.Flags().Int("limit", 50, fmt.Sprintf("how many records at most, up to %d", maxListed))
	before := cmd.Flags().Int64("before", 0, "list the records before this number")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *limit < 1 || *limit > maxListed {
			return fmt.Errorf("--limit must be from 1 to %d", maxListed)
		}
		var records []audit.Record
		err := withAudit(cmd, func(ctx context.Context, log *audit.Store) (err error) {
			records, err = log.List(ctx, *before, *limit)
			return err
		})
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), records)
		}
		rows := [][]any{{"NUMBER", "TIME", "ACTOR", "ACTION", "OBJECT", "OUTCOME", "DETAIL"}}
		for _, r := range records {
			rows = append(rows, []any{r.Number, r.Time.Format(time.RFC3339), orDash(r.Actor), r.Action, orDash(r.Object), r.Outcome, r.Detail})
		}
		return printTable(cmd.OutOrStdout(), rows...)
	}
	config.AddFlags(cmd.Flags())
	return cmd
}

func newAuditVerify() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check that no record was changed, removed or put in",
		Long: `Check that no record was changed, removed or put in. It reads the home database of the
configuration, changes nothing, and may run beside a server. It ends with 1 when it finds anything.

It prints the last record as number:hash. Keep that elsewhere and give it with --noted another time:
so a chain that somebody wrote anew, as a whole, is found too.`,
		Example: `  orderprocessing audit verify
  orderprocessing audit verify --noted 1200:5f0c…`,
		Args: cobra.NoArgs,
	}
	asJSON := addJSON(cmd)
	noted := cmd.Flags().String("noted", "", "a record as it was known before, number:hash")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		anchor, err := parseAnchor(*noted)
		if err != nil {
			return err
		}
		var report audit.Report
		err = withAudit(cmd, func(ctx context.Context, log *audit.Store) (err error) {
			bar := newProgress(cmd.ErrOrStderr(), -1, "records", false)
			report, err = log.Verify(ctx, anchor, func(n int64) { _ = bar.Set64(n) })
			_ = bar.Finish()
			return err
		})
		if err != nil {
			return err
		}
		if err := printAuditReport(cmd, report, *asJSON); err != nil {
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

func printAuditReport(cmd *cobra.Command, report audit.Report, asJSON bool) error {
	out := cmd.OutOrStdout()
	if asJSON {
		return printJSON(out, report)
	}
	fmt.Fprintf(out, "%d records, %d problems, last %d:%s\n", report.Records, len(report.Problems), report.Head.Number, report.Head.Hash)
	for _, p := range report.Problems {
		fmt.Fprintf(out, "record %d  %s\n", p.Number, p.What)
	}
	return nil
}

// withAudit lends the log of the configuration to fn.
func withAudit(cmd *cobra.Command, fn func(context.Context, *audit.Store) error) error {
	cfg, err := loadConfig(cmd)
	if err != nil {
		return err
	}
	d, err := server.OpenHome(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	log := audit.New(d, time.Now)
	return errors.Join(fn(cmd.Context(), log), log.Close(cmd.Context()), d.Close())
}

// parseAnchor reads number:hash; empty is none.
func parseAnchor(text string) (*audit.Anchor, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // see above
	}
	number, hash, _ := strings.Cut(text, ":")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("--noted must be number:hash, as verify prints it")
	}
	h, err := audit.ParseHash(hash)
	if err != nil {
		return nil, fmt.Errorf("--noted must be number:hash, as verify prints it: %w", err)
	}
	return &audit.Anchor{Number: n, Hash: h}, nil
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
