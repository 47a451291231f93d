package simulator_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway/simulator"
)

func TestOpenLedger(t *testing.T) {
	location := "sqlite:" + filepath.Join(t.TempDir(), "bank.db")
	bank, err := simulator.New(t.Context(), simulator.Options{Database: location})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, bank.Close(context.WithoutCancel(t.Context()))) })
	g := bank.Gateway(simulator.ClientOptions{})
	beside, end, err := simulator.OpenLedger(t.Context(), location)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, end()) })

	movements := func(l gateway.Ledger) (all []gateway.Movement) {
		for m, err := range gateway.Movements(t.Context(), l, time.Time{}) {
			require.NoError(t, err)
			all = append(all, m)
		}
		return all
	}
	t.Run("what a running bank moves is read beside it", func(t *testing.T) {
		require.Empty(t, movements(beside))
		for _, key := range []gateway.Key{"first", "second"} {
			_, err := g.Authorize(t.Context(), gateway.AuthorizeRequest{
				Key: key, Payment: "pay_" + string(key), Amount: 100, Currency: "GBP", Method: "tok_ok",
			})
			require.NoError(t, err)
		}
		require.Len(t, movements(beside), 2)
		require.Equal(t, movements(g), movements(beside))
	})
}
