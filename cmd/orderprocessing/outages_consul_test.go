//go:build consul

package main_test

import (
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/discovery/consultest"
	"github.com/orderprocessing/orderprocessing/server/servertest"
)

// TestOutages_consul takes Consul away from an installation of two processes of each service that find each
// other by it, while customers place orders. It comes back and knows nothing.
func TestOutages_consul(t *testing.T) {
	var agent *consultest.Agent
	a := newApart(t, func(files servertest.Certificates) []string {
		authority, _ := files.File("ca")
		agent = consultest.StartAgent(t, authority)
		return []string{
			"ORDERPROCESSING_PEERS_DISCOVERY=consul", "ORDERPROCESSING_PEERS_CONSUL_ADDRESS=" + agent.Address,
			"ORDERPROCESSING_PEERS_SERVER_NAME=localhost", "ORDERPROCESSING_RISK_MODE=off",
		}
	})
	client, err := api.NewClient(&api.Config{Address: agent.Address})
	require.NoError(t, err)
	healthy := func(service string, n int) {
		t.Helper()
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			found, _, err := client.Health().Service("orderprocessing-"+service, "", true, nil)
			require.NoError(c, err)
			require.Len(c, found, n, service)
		}, outageTime, 100*time.Millisecond)
	}
	all := func() {
		for _, service := range config.Default().Services {
			healthy(service, 2)
		}
	}
	all()
	o := &outages{site: a.site, srv: &server{url: a.front.URL, site: a.site, log: &serverLog{}}}
	o.srv.stock(t)
	o.crowd = letShop(t, o.srv)

	require.Empty(t, o.requireConfirms(t))
	agent.Kill(t)
	require.Empty(t, o.requireConfirms(t), "what was known last stays in use")
	agent.Restart(t)
	all()
	require.Empty(t, o.requireConfirms(t), "all have told it again who they are")
	stopped := a.all[0]
	a.goes(stopped, 1) // the balancer in front knows
	stopped.srv.terminate(t)
	healthy(stopped.service, 1) // and so does whoever asks Consul
	require.Zero(t, stopped.srv.wait(t), "%s", stopped.srv.log)
	require.Empty(t, o.requireConfirms(t), "one that drains says so before it goes")
	o.requireSettled(t)
}
