package server_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/lifecycletest"
	"github.com/orderprocessing/orderprocessing/server/servertest"
)

// TestLifecycle_parts goes every way with each service on a server of its own.
func TestLifecycle_parts(t *testing.T) {
	p := servertest.StartParts(t, func(cfg *config.Config) { cfg.Payments.CallTimeout = time.Second })
	t.Run("every way", func(t *testing.T) { lifecycletest.Run(t, p.Server, lifecycletest.Patience) })
	requireSound(t, p.Server)
	for service, s := range p.Of {
		require.NotContains(t, s.Logs.String(), "internal error", service)
	}
}
