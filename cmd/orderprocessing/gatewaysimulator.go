package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/orderprocessing/orderprocessing/server/payments/gateway/simulator"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// gatewayDrain is how long the simulated bank lets the calls in flight finish.
const gatewayDrain = 10 * time.Second

func newGatewaySimulator() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "gateway-simulator",
		Short: "Serve a simulated bank, for development and tests",
		Long: `Serve a simulated bank, for development and tests. It keeps its own ledger, in a SQLite file, and
misbehaves when it is told to: tok_declined, tok_timeout_after and so on, or a rate of all requests,
put to /control/faults. Anybody who can reach it may use it.

A server uses it when payments.simulator.url is its address. payments.simulator.webhook_secret, from
the file or the environment and the same as the server's, signs what it posts to --webhook. SIGTERM
lets the calls in flight finish.`,
		Example: `  orderprocessing gateway-simulator
  orderprocessing gateway-simulator --listen 127.0.0.1:8090 --data bank.db --webhook http://127.0.0.1:8080/webhooks/payments/simulator
  orderprocessing serve --payments.simulator.url http://127.0.0.1:8090`,
		Args: cobra.NoArgs,
	}
	listen := cmd.Flags().String("listen", "127.0.0.1:8090", "address to listen on; port 0 picks a free one")
	data := cmd.Flags().String("data", "bank.db", "SQLite file of the ledger; it is made when it is not there")
	webhook := cmd.Flags().String("webhook", "", "URL that is told what happened; empty tells nobody")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := loadConfig(cmd)
		if err != nil {
			return err
		}
		secret := cfg.Payments.Simulator.WebhookSecret.Reveal()
		if *webhook != "" && secret == "" {
			return errors.New("--webhook needs payments.simulator.webhook_secret, which the server checks")
		}
		logger, _, err := telemetry.NewLogger(cmd.ErrOrStderr(), cfg.Log.Level, cfg.Log.Format)
		if err != nil {
			return err
		}
		listener, err := new(net.ListenConfig).Listen(cmd.Context(), "tcp", *listen)
		if err != nil {
			return fmt.Errorf("--listen: %w", err)
		}
		bank, err := simulator.New(cmd.Context(), simulator.Options{
			Database: "sqlite:" + *data, WebhookURL: *webhook, WebhookSecret: secret, Log: logger,
		})
		if err != nil {
			return errors.Join(fmt.Errorf("--data: %w", err), listener.Close())
		}
		logger.Info("serving", slog.String(telemetry.LogAddress, listener.Addr().String()))
		err = serveUntil(cmd.Context(), listener, bank.Handler())
		return errors.Join(err, bank.Close(context.WithoutCancel(cmd.Context())))
	}
	return cmd
}

// serveUntil serves until the context ends, and lets the calls in flight finish.
func serveUntil(ctx context.Context, listener net.Listener, handler http.Handler) error {
	s := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute}
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), gatewayDrain)
	defer cancel()
	if err := s.Shutdown(drain); err != nil {
		return errors.Join(fmt.Errorf("calls were cut off: %w", err), s.Close())
	}
	return nil
}
