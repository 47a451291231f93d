package discovery

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/consul/api"

	"github.com/orderprocessing/orderprocessing/server/pause"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

const (
	checkEvery   = 2 * time.Second
	checkTimeout = 2 * time.Second
	// forgetAfter is how long a process may be without health before Consul forgets it: Consul's least.
	forgetAfter = time.Minute
	// registerEvery is how often the agent is asked whether it still knows us.
	registerEvery = 10 * time.Second
	// registerTimeout is how long the agent may take to answer.
	registerTimeout = 5 * time.Second
)

// Registration is what a process tells Consul of itself.
type Registration struct {
	Host     string // with Port, where others reach it
	Port     int
	Services map[string]string // by name: what gRPC health calls it
	TLS      bool              // the agent checks it over TLS
	Name     string            // that the certificate must have; empty for the host
	Logger   *slog.Logger
}

// Registered is a process that Consul knows, or will know as soon as the agent answers.
type Registered struct {
	consul   *Consul
	services []*api.AgentServiceRegistration
	logger   *slog.Logger
	cut      context.CancelFunc
	running  sync.WaitGroup
}

// Register tells Consul of this process, under ids that no other has, and tells it again when the agent
// has forgotten. An agent that is away delays nothing.
func (c *Consul) Register(r Registration) *Registered {
	ctx, cut := context.WithCancel(context.Background())
	registered := &Registered{consul: c, logger: r.Logger, cut: cut}
	unique := rand.Text()
	for service, health := range r.Services {
		name := consulPrefix + service
		registered.services = append(registered.services, &api.AgentServiceRegistration{
			ID: name + "-" + unique, Name: name, Address: r.Host, Port: r.Port,
			Check: &api.AgentServiceCheck{
				GRPC: net.JoinHostPort(r.Host, strconv.Itoa(r.Port)) + "/" + health, GRPCUseTLS: r.TLS, TLSServerName: r.Name,
				Interval: checkEvery.String(), Timeout: checkTimeout.String(), DeregisterCriticalServiceAfter: forgetAfter.String(),
			},
		})
	}
	registered.running.Go(func() { registered.keep(ctx) })
	return registered
}

// keep sees to it that the agent knows this process, until ctx ends.
func (r *Registered) keep(ctx context.Context) {
	for ctx.Err() == nil {
		next := registerEvery
		for _, service := range r.services {
			if err := r.introduce(ctx, service); err != nil && ctx.Err() == nil {
				r.logger.WarnContext(ctx, "Consul is not told of this process; it is tried again", slog.String(telemetry.LogDependency, service.Name), slog.Any(telemetry.LogError, err))
				next = checkEvery
			}
		}
		_ = pause.For(ctx, next)
	}
}

// introduce registers a service unless the agent knows it.
func (r *Registered) introduce(ctx context.Context, service *api.AgentServiceRegistration) error {
	ctx, cancel := context.WithTimeout(ctx, registerTimeout)
	defer cancel()
	_, _, err := r.consul.client.Agent().Service(service.ID, (&api.QueryOptions{}).WithContext(ctx))
	var status api.StatusError
	if !errors.As(err, &status) || status.Code != 404 {
		return err
	}
	return r.consul.client.Agent().ServiceRegisterOpts(service, api.ServiceRegisterOpts{}.WithContext(ctx))
}

// Leave tells Consul that this process takes no more calls. It gives up when ctx ends: Consul finds out
// by itself then.
func (r *Registered) Leave(ctx context.Context) error {
	r.cut()
	r.running.Wait()
	ctx, cancel := context.WithTimeout(ctx, registerTimeout)
	defer cancel()
	var failed []error
	for _, service := range r.services {
		failed = append(failed, r.consul.client.Agent().ServiceDeregisterOpts(service.ID, (&api.QueryOptions{}).WithContext(ctx)))
	}
	return errors.Join(failed...)
}
