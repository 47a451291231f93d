package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/orderprocessing/orderprocessing/server/config"
)

func newConfig() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show and check the settings",
		Example: `  orderprocessing config print
  orderprocessing config validate --config config.yaml`,
		RunE: refuseUnknown,
	}
	cmd.AddCommand(newConfigPrint(), newConfigValidate(), newConfigKeys())
	return cmd
}

func newConfigPrint() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "print",
		Short: "Print the settings in force: defaults under file under environment under flags",
		Example: `  orderprocessing config print
  ORDERPROCESSING_SERVER_PORT=9999 orderprocessing config print --json`,
		Args: cobra.NoArgs,
	}
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := loadConfig(cmd)
		if err != nil {
			return err
		}
		if *asJSON {
			return cfg.WriteJSON(cmd.OutOrStdout())
		}
		return cfg.WriteYAML(cmd.OutOrStdout())
	}
	config.AddFlags(cmd.Flags())
	return cmd
}

func newConfigValidate() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "validate",
		Short:   "Fail, and say all that is wrong, unless the settings are fine",
		Example: "  orderprocessing config validate --config config.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := loadConfig(cmd); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "the settings are fine")
			return nil
		},
	}
	config.AddFlags(cmd.Flags())
	return cmd
}

func newConfigKeys() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "keys",
		Short:   "List every setting with its environment variable and default",
		Example: "  orderprocessing config keys",
		Args:    cobra.NoArgs,
	}
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), config.Keys())
		}
		rows := [][]any{{"KEY", "ENVIRONMENT", "DEFAULT", "WHAT"}}
		for _, key := range config.Keys() {
			rows = append(rows, []any{key.Name, key.Env, key.Default, key.Help})
		}
		return printTable(cmd.OutOrStdout(), rows...)
	}
	return cmd
}
