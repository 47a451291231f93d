package main

import (
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/orderprocessing/orderprocessing/server"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

func newServe() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the API until told to stop",
		Long: `Serve the API until told to stop.

Without any setting it keeps its data in ./data, in SQLite files, and listens on 127.0.0.1:8080,
with probes and metrics on 127.0.0.1:9090. SIGTERM lets the calls in flight finish. It watches its config
file; SIGHUP makes it read the settings again at once, secrets too.`,
		Example: `  orderprocessing serve
  orderprocessing serve --server.port 8443 --server.tls.cert_file cert.pem --server.tls.key_file key.pem
  ORDERPROCESSING_STORE_HOME=postgres://… ORDERPROCESSING_STORE_SHARDS=postgres://…,postgres://… orderprocessing serve`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			source := config.NewSource(cmd.Flags())
			cfg, err := source.Load()
			if err != nil {
				return err
			}
			logger, level, err := telemetry.NewLogger(cmd.ErrOrStderr(), cfg.Log.Level, cfg.Log.Format)
			if err != nil {
				return err
			}
			sampleWaiting()
			hangups := make(chan os.Signal, 1)
			signal.Notify(hangups, syscall.SIGHUP)
			defer signal.Stop(hangups)
			return server.Serve(cmd.Context(), cfg, server.Options{
				Version: buildVersion(), Logger: logger, Level: level, Source: &source, Hangups: hangups, Notice: cmd.ErrOrStderr(),
				Opened: func(_, _ net.Addr) {
					collectRarely()
					if err := trim(); err != nil {
						logger.Debug("keep what only starting needed", slog.Any(telemetry.LogError, err))
					}
				},
			})
		},
	}
	config.AddFlags(cmd.Flags())
	return cmd
}
