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
  orderprocessing config validate config.yaml`,
		RunE: refuseUnknown,
	}
	cmd.AddCommand(newConfigPrint(), newConfigValidate(), newConfigSchema(), newConfigKeys())
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
		cfg, err := config.Load(cmd.Flags()) // a reference to a secret is shown as that, or redacted
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
		Use:   "validate [FILE]",
		Short: "Fail, and say all that is wrong, unless the settings are fine",
		Long: `Check the settings that a server would start with here: the file, under the environment, under flags.
Each problem names its key, who set it, and what would be right. Secrets of Vault are not asked for. It
ends with 1 when something is wrong.`,
		Example: `  orderprocessing config validate config.yaml
  orderprocessing config validate --json | jq .problems`,
		Args: cobra.MaximumNArgs(1),
	}
	config.AddFlags(cmd.Flags())
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			if err := config.UseFile(cmd.Flags(), args[0]); err != nil {
				return err
			}
		}
		_, err := config.Load(cmd.Flags())
		if *asJSON {
			report := struct {
				OK       bool             `json:"ok"`
				Problems []config.Problem `json:"problems"`
			}{err == nil, append([]config.Problem{}, config.Problems(err)...)}
			if printErr := printJSON(cmd.OutOrStdout(), report); printErr != nil || err == nil {
				return printErr
			}
			return errFound
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), "the settings are fine")
		return nil
	}
	return cmd
}

func newConfigSchema() *cobra.Command {
	return &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of the config file, for editors",
		Example: "  orderprocessing config schema >config.schema.json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return config.WriteSchema(cmd.OutOrStdout()) },
	}
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
