package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/orderprocessing/orderprocessing/gen/identity/v1/identityv1connect"
	"github.com/orderprocessing/orderprocessing/gen/inventory/v1/inventoryv1connect"
	"github.com/orderprocessing/orderprocessing/gen/operations/v1/operationsv1connect"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/gen/payments/v1/paymentsv1connect"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/discovery"
	"github.com/orderprocessing/orderprocessing/server/peers"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// peerTimeout bounds a call of a peer that asks nobody else.
const peerTimeout = 10 * time.Second

// healthNames are what gRPC health calls the services.
var healthNames = map[string]string{
	config.ServiceOrders:     ordersv1connect.OrderServiceName,
	config.ServiceInventory:  inventoryv1connect.InventoryServiceName,
	config.ServicePayments:   paymentsv1connect.PaymentServiceName,
	config.ServiceIdentity:   identityv1connect.IdentityServiceName,
	config.ServiceOperations: operationsv1connect.OperationsServiceName,
}

// neighbors are the services of other processes.
type neighbors struct {
	cfg    config.Config
	logger *slog.Logger
	consul *discovery.Consul // nil unless peers are found by it
	peers  map[string]*peers.Peer
	called []string // the names of the peers, in order
	known  *discovery.Registered
}

// openNeighbors connects to the services that run elsewhere and are called from here. None has to be
// there yet.
func openNeighbors(cfg config.Config, logger *slog.Logger, t *telemetry.Telemetry) (_ *neighbors, err error) {
	n := &neighbors{cfg: cfg, logger: logger, peers: map[string]*peers.Peer{}, called: cfg.Calls()}
	resolver, err := n.resolver()
	if err != nil || len(n.called) == 0 {
		return n, err
	}
	tlsConfig, err := peerTLS(cfg.Peers, logger, time.Now)
	if err != nil {
		return nil, err
	}
	options := peers.Options{
		Resolver: resolver, TLS: tlsConfig, Logger: logger, Registry: t.Registry, Tracer: t.Tracer, Propagator: t.Propagator,
	}
	for _, name := range n.called {
		timeout := peerTimeout
		if name == config.ServicePayments {
			timeout = paymentTimeout(cfg)
		}
		if n.peers[name], err = peers.Dial(options, name, healthNames[name], timeout); err != nil {
			return nil, errors.Join(fmt.Errorf("build the client of %s: %w", name, err), n.close(context.Background()))
		}
	}
	return n, nil
}

func (n *neighbors) resolver() (r discovery.Resolver, err error) {
	c := n.cfg.Peers
	addresses := map[string][]string{}
	for _, name := range n.called {
		addresses[name] = c.Addresses(name)
	}
	switch c.Discovery {
	case config.DiscoveryConsul:
		n.consul, err = discovery.NewConsul(c.Consul.Address, c.Consul.Token.Reveal())
		return n.consul, err
	case config.DiscoveryDNS:
		return discovery.DNS{Names: addresses, Every: c.Refresh}, nil
	default:
		return discovery.Fixed(addresses), nil
	}
}

// close ends the connections.
func (n *neighbors) close(context.Context) error {
	var failed []error
	for _, p := range n.peers {
		if p != nil {
			failed = append(failed, p.Close())
		}
	}
	if n.consul != nil {
		n.consul.Close()
	}
	return errors.Join(failed...)
}

// checks lists the peers. A process is ready without them: its other calls are as good as ever.
func (n *neighbors) checks() []Check {
	var checks []Check
	for _, name := range n.called {
		checks = append(checks, Check{Name: name, Optional: true, Run: n.peers[name].Ready})
	}
	if n.consul != nil {
		checks = append(checks, Check{Name: "consul", Optional: true, Run: n.consul.Ready})
	}
	return checks
}

// join tells Consul where this process is, if peers are found by it.
func (n *neighbors) join(api net.Addr) {
	if n.consul == nil {
		return
	}
	names := map[string]string{}
	for _, service := range n.cfg.Services {
		if service != config.ServicePayments || n.cfg.Payments.Enabled() {
			names[service] = healthNames[service]
		}
	}
	host, port := advertised(n.cfg.Peers.Consul.Advertise, api)
	n.known = n.consul.Register(discovery.Registration{
		Host: host, Port: port, Services: names,
		TLS: n.cfg.Server.TLS.Enabled(), Name: n.cfg.Peers.ServerName, Logger: n.logger,
	})
}

// advertised is where others reach what listens at api.
func advertised(configured string, api net.Addr) (host string, port int) {
	listening := netip.MustParseAddrPort(api.String())
	host, port = listening.Addr().String(), int(listening.Port())
	if configured == "" {
		return host, port
	}
	named, text, err := net.SplitHostPort(configured)
	if err != nil {
		return configured, port
	}
	if n, err := strconv.Atoi(text); err == nil {
		port = n
	}
	return named, port
}

// leave tells Consul that this process takes no more calls.
func (n *neighbors) leave(ctx context.Context) {
	if n.known == nil {
		return
	}
	if err := n.known.Leave(ctx); err != nil {
		n.logger.WarnContext(ctx, "Consul was not told that this process goes", slog.Any(telemetry.LogError, err))
	}
	n.known = nil
}

// peerTLS gives what the next connection to a peer needs: our own certificate, and whose are trusted. It
// fails when there is nothing to start with.
func peerTLS(files config.Peers, logger *slog.Logger, now func() time.Time) (func() *tls.Config, error) {
	latest, err := reload(func() (*tls.Config, error) {
		own, err := tls.LoadX509KeyPair(files.CertFile, files.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("load certificate %s: %w", files.CertFile, err)
		}
		trusted := x509.NewCertPool()
		err = eachBlock(files.CAFile, "CERTIFICATE", func(der []byte) error {
			authority, err := x509.ParseCertificate(der)
			if err == nil {
				trusted.AddCert(authority)
			}
			return err
		})
		return &tls.Config{
			MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own}, RootCAs: trusted, ServerName: files.ServerName,
		}, err
	}, logger, now, slices.Compact([]string{files.CertFile, files.KeyFile, files.CAFile})...)
	if err != nil {
		return nil, fmt.Errorf("peers: %w", err)
	}
	return latest.get, nil
}
