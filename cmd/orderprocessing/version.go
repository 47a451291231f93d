package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

func newVersion() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version of this binary",
		Example: "  orderprocessing version --json",
		Args:    cobra.NoArgs,
	}
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), map[string]string{"version": buildVersion(), "go": runtime.Version()})
		}
		fmt.Fprintf(cmd.OutOrStdout(), "orderprocessing %s (%s)\n", buildVersion(), runtime.Version())
		return nil
	}
	return cmd
}
