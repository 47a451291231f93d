//go:build temporal

package server_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/lifecycletest"
	"github.com/orderprocessing/orderprocessing/server/saga/temporal/temporaltest"
	"github.com/orderprocessing/orderprocessing/server/servertest"
)

// patience is for a development server that takes a dozen workflows a second on a busy machine.
const patience = 2 * time.Minute

// TestLifecycle_temporal has each store's orders carried on by a Temporal of their own.
func TestLifecycle_temporal(t *testing.T) {
	for name, where := range stores {
		t.Run(name, func(t *testing.T) {
			engine, err := temporaltest.Start(t.Context())
			require.NoError(t, err)
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("Temporal's log:\n%s", engine.Log())
				}
				require.NoError(t, engine.Close())
			})
			s := servertest.Start(t, where(t), func(cfg *config.Config) {
				cfg.Payments.CallTimeout = time.Second
				cfg.Workflow.Engine, cfg.Temporal.Address = config.EngineTemporal, engine.Address
			})
			t.Run("every way", func(t *testing.T) { lifecycletest.Run(t, s, patience) })
			requireSound(t, s)
		})
	}
}
