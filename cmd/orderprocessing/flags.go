package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	operationsv1 "github.com/orderprocessing/orderprocessing/gen/operations/v1"
)

func newFlags() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "flags",
		Short: "Show and set feature flags",
		Example: `  orderprocessing flags list
  orderprocessing flags set risk-mode --rollout enforce=10`,
		RunE: refuseUnknown,
	}
	cmd.AddCommand(newFlagsList(), newFlagsSet())
	return cmd
}

func newFlagsList() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List all feature flags as they are set",
		Example: `  orderprocessing flags list
  orderprocessing flags list --json`,
		Args: cobra.NoArgs,
	}
	connect := addServer(cmd)
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := connect()
		if err != nil {
			return err
		}
		res, err := c.Operations.ListFlags(cmd.Context(), &operationsv1.ListFlagsRequest{})
		if err != nil {
			return err
		}
		return printFlags(cmd.OutOrStdout(), *asJSON, res.GetFlags()...)
	}
	return cmd
}

func newFlagsSet() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "set KEY",
		Short: "Set a feature flag",
		Long: `Set a feature flag. What is not named stays. Every process goes by it within 2 seconds. It takes an
operator, and is recorded in the audit log.`,
		Example: `  orderprocessing flags set order-amendments --enabled=false
  orderprocessing flags set risk-mode --default shadow --rollout enforce=10
  orderprocessing flags set risk-mode --target cus_1=off --target cus_2=off
  orderprocessing flags set risk-mode --no-rollout --no-targets`,
		Args: cobra.ExactArgs(1),
	}
	connect := addServer(cmd)
	asJSON := addJSON(cmd)
	set := cmd.Flags()
	enabled := set.Bool("enabled", true, "false is the kill switch: everybody gets the killed variant")
	variant := set.String("default", "", "variant for whom nothing else is said")
	rollout := set.StringToInt("rollout", nil, "percent of customers by variant, instead of those before, such as on=10")
	targets := set.StringToString("target", nil, "variants by customer, instead of those before, such as cus_1=on; may be repeated")
	noRollout := set.Bool("no-rollout", false, "no shares any more")
	noTargets := set.Bool("no-targets", false, "no customers with a variant of their own any more")
	etag := set.String("etag", "", "set it only if it still has this etag")
	cmd.MarkFlagsMutuallyExclusive("rollout", "no-rollout")
	cmd.MarkFlagsMutuallyExclusive("target", "no-targets")
	cmd.MarkFlagsOneRequired("enabled", "default", "rollout", "target", "no-rollout", "no-targets")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		req := &operationsv1.SetFlagRequest{Key: args[0], Etag: *etag}
		if set.Changed("enabled") {
			req.Enabled = enabled
		}
		if set.Changed("default") {
			req.DefaultVariant = variant
		}
		if *noRollout || set.Changed("rollout") {
			req.Rollout = &operationsv1.FlagRollout{Percent: map[string]int32{}}
			for name, percent := range *rollout {
				req.Rollout.Percent[name] = int32(percent) //nolint:gosec // the server refuses what is above 100
			}
		}
		if *noTargets || set.Changed("target") {
			req.Targets = &operationsv1.FlagTargets{Variants: *targets}
		}
		c, err := connect()
		if err != nil {
			return err
		}
		res, err := c.Operations.SetFlag(cmd.Context(), req)
		if err != nil {
			return err
		}
		return printFlags(cmd.OutOrStdout(), *asJSON, res.GetFlag())
	}
	return cmd
}

// shownFlag is a flag as it is printed for scripts.
type shownFlag struct {
	Key         string            `json:"key"`
	Description string            `json:"description"`
	Variants    []string          `json:"variants"`
	Killed      string            `json:"killed_variant"`
	Enabled     bool              `json:"enabled"`
	Default     string            `json:"default_variant"`
	Rollout     map[string]int32  `json:"rollout"`
	Targets     map[string]string `json:"targets"`
	Etag        string            `json:"etag"`
	Actor       string            `json:"update_actor,omitempty"`
	Updated     *time.Time        `json:"update_time,omitempty"`
}

func printFlags(out io.Writer, asJSON bool, flags ...*operationsv1.Flag) error {
	if asJSON {
		shown := make([]shownFlag, len(flags))
		for i, f := range flags {
			shown[i] = shownFlag{
				Key: f.GetKey(), Description: f.GetDescription(), Variants: f.GetVariants(), Killed: f.GetKilledVariant(),
				Enabled: f.GetEnabled(), Default: f.GetDefaultVariant(), Rollout: f.GetRollout().GetPercent(),
				Targets: f.GetTargets().GetVariants(), Etag: f.GetEtag(), Actor: f.GetUpdateActor(),
			}
			if f.GetUpdateTime() != nil {
				shown[i].Updated = new(f.GetUpdateTime().AsTime())
			}
		}
		return printJSON(out, shown)
	}
	rows := [][]any{{"KEY", "ENABLED", "DEFAULT", "ROLLOUT", "TARGETS", "VARIANTS", "SET BY", "SET"}}
	for _, f := range flags {
		updated := ""
		if f.GetUpdateTime() != nil {
			updated = f.GetUpdateTime().AsTime().Format(time.RFC3339)
		}
		rows = append(rows, []any{
			f.GetKey(), f.GetEnabled(), f.GetDefaultVariant(), orDash(shares(f)), len(f.GetTargets().GetVariants()),
			strings.Join(f.GetVariants(), "|"), orDash(f.GetUpdateActor()), orDash(updated),
		})
	}
	return printTable(out, rows...)
}

func shares(f *operationsv1.Flag) string {
	percent := f.GetRollout().GetPercent()
	var all []string
	for _, variant := range slices.Sorted(maps.Keys(percent)) {
		all = append(all, fmt.Sprintf("%s=%d%%", variant, percent[variant]))
	}
	return strings.Join(all, ",")
}
