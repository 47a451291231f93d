// Command orderprocessing is the server and everything that operates it: one binary, one file a
// subcommand.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/orderprocessing/orderprocessing/server"
	"github.com/orderprocessing/orderprocessing/server/config"
)

// version is set by the build.
var version = ""

// errFound ends a command that did its work and found something wrong, which it has printed.
var errFound = errors.New("found something wrong")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run runs a command line and gives its exit code: 0 done, 1 failed or found something wrong.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		if errors.Is(err, context.Canceled) { // the signal says more
			err = cmp.Or(context.Cause(ctx), err)
		}
		if !errors.Is(err, errFound) {
			fmt.Fprintf(stderr, "orderprocessing: %s\n", explain(err))
		}
		return 1
	}
	return 0
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "orderprocessing",
		Short: "Takes orders and carries each one from placed to delivered",
		Example: `  orderprocessing serve
  orderprocessing import shop.csv.gz
  orderprocessing verify`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs, // refuseUnknown looks at them
		RunE:          refuseUnknown,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		newServe(), newMigrate(), newImport(), newExport(), newReplay(), newLoad(), newOrders(), newReport(), newVerify(), newAudit(), newFlags(), newConfig(),
		newGatewaySimulator(), newCerts(), newVersion(),
	)
	return root
}

// refuseUnknown runs a command that only groups others: alone it shows what there is, and a command
// that is not there fails, which cobra by itself answers with help and success.
func refuseUnknown(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return fmt.Errorf("unknown command %q for %q; did you mean %q?", args[0], cmd.CommandPath(), near[0])
	}
	return fmt.Errorf("unknown command %q for %q; see %s --help", args[0], cmd.CommandPath(), cmd.CommandPath())
}

// loadConfig reads the settings that a command was started with, with the secrets that they name.
func loadConfig(cmd *cobra.Command) (config.Config, error) {
	cfg, err := config.Load(cmd.Flags())
	if err != nil {
		return cfg, err
	}
	return server.ResolveSecrets(cmd.Context(), cfg)
}

// buildVersion is what the build said, or the revision that Go knows.
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "devel"
}
