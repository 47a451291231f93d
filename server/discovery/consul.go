package discovery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/consul/api"

	"github.com/orderprocessing/orderprocessing/server/pause"
)

const (
	// consulWait is how long one question may wait for something to change.
	consulWait = time.Minute
	// consulPause is the longest pause before Consul is asked again after it failed.
	consulPause = 2 * time.Second
	// consulPrefix begins the names of our services there.
	consulPrefix = "orderprocessing-"
)

// Consul is a Resolver that asks an agent of Consul which processes are healthy, and what tells the
// agent of our own. Make it with NewConsul.
type Consul struct {
	client    *api.Client
	transport *http.Transport
}

// NewConsul makes a Consul. address is that of an agent, http://host:port; token may be empty.
func NewConsul(address, token string) (*Consul, error) {
	cfg := api.DefaultConfig()
	cfg.Address, cfg.Token = address, token
	transport := cfg.Transport
	client, err := api.NewClient(cfg)
	if err != nil {
		return nil, fmt.Errorf("build the client of Consul: %w", err)
	}
	return &Consul{client: client, transport: transport}, nil
}

// Ready asks the agent whether its cluster has a leader.
func (c *Consul) Ready(ctx context.Context) error {
	leader, err := c.client.Status().LeaderWithQueryOptions((&api.QueryOptions{}).WithContext(ctx))
	if err == nil && leader == "" {
		err = errors.New("Consul has no leader")
	}
	return err
}

// Close ends the connections to the agent.
func (c *Consul) Close() { c.transport.CloseIdleConnections() }

// Watch implements Resolver. Each question waits at the agent until something changes.
func (c *Consul) Watch(ctx context.Context, service string, update func([]string, error)) {
	var last []string
	var index uint64
	for first := true; ctx.Err() == nil; {
		query := (&api.QueryOptions{WaitIndex: index, WaitTime: consulWait}).WithContext(ctx)
		entries, meta, err := c.client.Health().Service(consulPrefix+service, "", true, query)
		if err != nil {
			if ctx.Err() == nil {
				update(nil, fmt.Errorf("ask Consul: %w", err))
			}
			index = 0
			_ = pause.For(ctx, rand.N(consulPause)) //nolint:gosec // it spreads load, it hides nothing
			continue
		}
		if index = meta.LastIndex; index == 0 { // an index that says nothing would make it ask without end
			_ = pause.For(ctx, consulPause)
		}
		found := addressesOf(entries)
		if first || !slices.Equal(found, last) {
			first, last = false, found
			update(found, nil)
		}
	}
}

func addressesOf(entries []*api.ServiceEntry) []string {
	found := make([]string, 0, len(entries))
	for _, e := range entries {
		host := e.Service.Address
		if host == "" {
			host = e.Node.Address
		}
		found = append(found, net.JoinHostPort(host, strconv.Itoa(e.Service.Port)))
	}
	slices.Sort(found)
	return slices.Compact(found)
}
