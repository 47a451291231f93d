package main_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway/simulator"
)

func TestCommands_GatewaySimulator(t *testing.T) {
	t.Run("it serves a bank, drains on SIGTERM, and remembers what it did", func(t *testing.T) {
		s := newSite(t)
		request := gateway.AuthorizeRequest{Key: "k", Payment: "p", Amount: 100, Currency: "GBP", Method: "tok_ok"}
		var first gateway.Result
		for range 2 {
			bank := s.begin(t, "gateway-simulator", "--listen", "127.0.0.1:0", "--data", filepath.Join(s.dir, "bank.db")).serving(t)
			g := simulator.NewGateway(bank.url, simulator.ClientOptions{})
			result, err := g.Authorize(t.Context(), request)
			g.Close()
			require.NoError(t, err)
			require.Equal(t, gateway.OutcomeDone, result.Outcome)
			if first.Movement != "" {
				require.Equal(t, first.Movement, result.Movement)
			}
			first = result
			bank.terminate(t)
			require.Zero(t, bank.wait(t))
		}
	})
	t.Run("it posts nothing that nobody can check", func(t *testing.T) {
		got := newSite(t).run(t, "gateway-simulator", "--webhook", "http://127.0.0.1:1/")
		require.Equal(t, 1, got.code)
		require.Contains(t, got.stderr, "payments.simulator.webhook_secret")
	})
}
