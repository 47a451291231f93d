//go:build consul

package discovery_test

import (
	"log/slog"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/discovery"
	"github.com/orderprocessing/orderprocessing/server/discovery/consultest"
)

func newConsul(t *testing.T, address string) *discovery.Consul {
	t.Helper()
	c, err := discovery.NewConsul(address, "")
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func TestConsul(t *testing.T) {
	runSuite(t, func(t *testing.T) backend {
		t.Helper()
		address := consultest.Start(t, "")
		client, err := api.NewClient(&api.Config{Address: address})
		require.NoError(t, err)
		set := func(addresses ...string) {
			known, err := client.Agent().Services()
			require.NoError(t, err)
			for id := range known {
				require.NoError(t, client.Agent().ServiceDeregister(id))
			}
			for _, one := range addresses {
				host, text, err := net.SplitHostPort(one)
				require.NoError(t, err)
				port, err := strconv.Atoi(text)
				require.NoError(t, err)
				require.NoError(t, client.Agent().ServiceRegister(&api.AgentServiceRegistration{
					ID: one, Name: "orderprocessing-stock", Address: host, Port: port,
				}))
			}
		}
		set("10.0.0.2:80", "10.0.0.1:80")
		return backend{resolver: newConsul(t, address), set: set}
	})
}

func TestRegistration(t *testing.T) {
	address := consultest.Start(t, "")
	one, other := newConsul(t, address), newConsul(t, address)
	replicaAt := func(c *discovery.Consul, at string) *discovery.Registered {
		host, text, err := net.SplitHostPort(at)
		require.NoError(t, err)
		port, err := strconv.Atoi(text)
		require.NoError(t, err)
		return c.Register(discovery.Registration{
			Host: host, Port: port, Services: map[string]string{"stock": ""}, Logger: slog.New(slog.DiscardHandler),
		})
	}
	first, second := (&replica{}).serve(t), (&replica{}).serve(t)
	w := watch(t, one, "stock")
	require.Empty(t, w.next(t))
	a := replicaAt(one, first)
	w.until(t, first)
	b := replicaAt(other, second)
	require.Len(t, w.next(t), 2, "replicas do not overwrite each other")
	t.Run("one that the agent forgets comes back by itself", func(t *testing.T) {
		client, err := api.NewClient(&api.Config{Address: address})
		require.NoError(t, err)
		known, err := client.Agent().Services()
		require.NoError(t, err)
		for id := range known {
			require.NoError(t, client.Agent().ServiceDeregister(id))
		}
		require.Eventually(t, func() bool { return len(w.next(t)) == 2 }, 30*time.Second, time.Millisecond)
	})
	require.NoError(t, a.Leave(t.Context()))
	w.until(t, second)
	require.NoError(t, b.Leave(t.Context()))
}
