//go:build consul

package server_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/discovery/consultest"
	"github.com/orderprocessing/orderprocessing/server/lifecycletest"
	"github.com/orderprocessing/orderprocessing/server/servertest"
)

// TestLifecycle_consul is TestLifecycle_parts with parts that find each other by Consul.
func TestLifecycle_consul(t *testing.T) {
	address := ""
	p := servertest.StartParts(t, func(cfg *config.Config) {
		if address == "" { // the first part: its certificates are there now
			address = consultest.Start(t, cfg.Peers.CAFile)
		}
		cfg.Payments.CallTimeout = time.Second
		cfg.Peers.Discovery, cfg.Peers.Consul.Address, cfg.Peers.ServerName = config.DiscoveryConsul, address, "localhost"
		cfg.Peers.Orders, cfg.Peers.Inventory, cfg.Peers.Payments = nil, nil, nil
	})
	t.Run("every way", func(t *testing.T) { lifecycletest.Run(t, p.Server, 3*lifecycletest.Patience) })
	requireSound(t, p.Server)
	require.NotContains(t, p.Of[config.ServiceOrders].Logs.String(), "Consul is not told")
}
