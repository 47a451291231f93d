package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/orderprocessing/orderprocessing/server"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/migrate"
)

func newMigrate() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the databases to the version of this binary",
		Example: `  orderprocessing migrate status
  orderprocessing migrate up`,
		RunE: refuseUnknown,
	}
	cmd.AddCommand(newMigrateUp(), newMigrateStatus(), newMigrateVerify())
	return cmd
}

func newMigrateUp() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Apply what is pending, one database after the other",
		Long: `Apply what is pending, one database after the other. Running it twice, or twice at once, is safe.

A migration that stopped half-way, in a database that could not take it back, is refused until
what stopped it is put right; then --resume continues it at the statement that stopped it.`,
		Example: `  orderprocessing migrate up --config config.yaml
  orderprocessing migrate up --resume`,
		Args: cobra.NoArgs,
	}
	asJSON := addJSON(cmd)
	resume := cmd.Flags().Bool("resume", false, "continue a migration that stopped half-way")
	type result struct {
		Database string   `json:"database"`
		Applied  []string `json:"applied"`
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		results := []result{}
		err := eachDatabase(cmd, func(d *database.Database) error {
			applied, err := server.MigrateUp(cmd.Context(), d, *resume)
			results = append(results, result{d.String(), append([]string{}, applied...)})
			return err
		})
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), results)
		}
		for _, r := range results {
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %d applied\n", r.Database, len(r.Applied))
		}
		return nil
	}
	config.AddFlags(cmd.Flags())
	return cmd
}

func newMigrateStatus() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "status",
		Short:   "Show which migrations each database has",
		Example: "  orderprocessing migrate status --json",
		Args:    cobra.NoArgs,
	}
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		statuses := []migrate.Status{}
		err := eachDatabase(cmd, func(d *database.Database) error {
			status, err := migrate.Inspect(cmd.Context(), d)
			statuses = append(statuses, status)
			return err
		})
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), statuses)
		}
		rows := [][]any{{"DATABASE", "STATE", "APPLIED", "PENDING"}}
		for _, s := range statuses {
			rows = append(rows, []any{s.Database, s.State, len(s.Applied), len(s.Pending)})
		}
		return printTable(cmd.OutOrStdout(), rows...)
	}
	config.AddFlags(cmd.Flags())
	return cmd
}

func newMigrateVerify() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "verify",
		Short:   "Fail unless every database is as this binary needs it",
		Example: "  orderprocessing migrate verify",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return eachDatabase(cmd, func(d *database.Database) error {
				if err := server.VerifyMigrated(cmd.Context(), d); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: as it should be\n", d)
				return nil
			})
		},
	}
	config.AddFlags(cmd.Flags())
	return cmd
}

// eachDatabase opens the databases of the configuration, home first, one after the other.
func eachDatabase(cmd *cobra.Command, do func(*database.Database) error) error {
	cfg, err := loadConfig(cmd)
	if err != nil {
		return err
	}
	for _, location := range server.Databases(cfg) {
		d, err := server.OpenDatabase(cmd.Context(), cfg, location)
		if err != nil {
			return err
		}
		err = do(d)
		if closeErr := d.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return fmt.Errorf("%s: %w", d, err)
		}
	}
	return nil
}
