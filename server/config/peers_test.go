package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPeers(t *testing.T) {
	tests := map[string]struct {
		services []string
		change   func(*Peers)
		wrong    string // part of what is wrong; empty when nothing is
		calls    []string
	}{
		"a process that runs all calls nobody": {services: allServices()},
		"orders call inventory and payments": {
			services: []string{ServiceOrders}, calls: []string{ServiceInventory, ServicePayments},
		},
		"payments call orders":           {services: []string{ServicePayments}, calls: []string{ServiceOrders}},
		"inventory calls nobody":         {services: []string{ServiceInventory}, change: func(p *Peers) { *p = defaultPeers() }},
		"a service that is none":         {services: []string{"sales"}, wrong: "services must be"},
		"no service":                     {services: []string{}, wrong: "services must name one"},
		"a service twice":                {services: []string{ServiceIdentity, ServiceIdentity}, wrong: "services names identity twice"},
		"peers without certificates":     {services: []string{ServiceOrders}, change: func(p *Peers) { p.CAFile = "" }, wrong: "needs cert_file, key_file and ca_file"},
		"peers without addresses":        {services: []string{ServiceOrders}, change: func(p *Peers) { p.Payments = nil }, wrong: "peers.payments is needed"},
		"Consul needs no addresses":      {services: []string{ServicePayments}, change: func(p *Peers) { p.Orders, p.Discovery = nil, DiscoveryConsul }, calls: []string{ServiceOrders}},
		"an address without a port":      {services: []string{ServiceOrders}, change: func(p *Peers) { p.Payments = []string{"a"} }, wrong: `not "a"`},
		"an address that others can not": {services: allServices(), change: func(p *Peers) { p.Consul.Advertise = "a:b" }, wrong: "peers.consul.advertise must be"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := Default()
			c.Services = tt.services
			c.Peers.CertFile, c.Peers.KeyFile, c.Peers.CAFile = "c.pem", "k.pem", "ca.pem"
			c.Peers.Orders, c.Peers.Inventory, c.Peers.Payments = []string{"o:1"}, []string{"i:1"}, []string{"p:1", "p:2"}
			if tt.change != nil {
				tt.change(&c.Peers)
			}
			err := c.Validate()
			if tt.wrong != "" {
				require.ErrorContains(t, err, tt.wrong)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.calls, c.Calls())
		})
	}
	t.Run("a process behind every address must say where others reach it in Consul", func(t *testing.T) {
		c := Default()
		c.Server.Host, c.Peers.Discovery = "0.0.0.0", DiscoveryConsul
		require.ErrorContains(t, c.Validate(), "peers.consul.advertise is needed")
		c.Peers.Consul.Advertise = "10.0.0.7"
		require.NoError(t, c.Validate())
	})
	t.Run("without a gateway nobody calls payments", func(t *testing.T) {
		c := Default()
		c.Services, c.Payments.Gateway = []string{ServiceOrders}, GatewayNone
		require.Equal(t, []string{ServiceInventory}, c.Calls())
	})
}
