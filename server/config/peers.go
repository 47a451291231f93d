package config

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The services that a process may run.
const (
	ServiceOrders     = "orders" // with shipments, returns and the processes that carry orders on
	ServiceInventory  = "inventory"
	ServicePayments   = "payments"
	ServiceIdentity   = "identity"
	ServiceOperations = "operations"
)

func allServices() []string {
	return []string{ServiceOrders, ServiceInventory, ServicePayments, ServiceIdentity, ServiceOperations}
}

// What peers.discovery may be.
const (
	DiscoveryFixed  = "fixed"
	DiscoveryDNS    = "dns"
	DiscoveryConsul = "consul"
)

// Peers says how to reach the services that run in other processes.
type Peers struct {
	Discovery  string        `mapstructure:"discovery" help:"how services of other processes are found: fixed, dns or consul"`
	Orders     []string      `mapstructure:"orders" help:"where orders run, host:port, comma separated; with dns each name may stand for many"`
	Inventory  []string      `mapstructure:"inventory" help:"where inventory runs, as peers.orders"`
	Payments   []string      `mapstructure:"payments" help:"where payments run, as peers.orders"`
	Refresh    time.Duration `mapstructure:"refresh" help:"how often names are looked up with dns"`
	CertFile   string        `mapstructure:"cert_file" help:"our certificate when we call a peer, PEM, spiffe://<trust_domain>/<service>; read again when it changes"`
	KeyFile    string        `mapstructure:"key_file" help:"private key of the certificate, PEM"`
	CAFile     string        `mapstructure:"ca_file" help:"authorities of the peers' certificates, PEM; read again when it changes"`
	ServerName string        `mapstructure:"server_name" help:"name that the peers' certificates have; empty for the address itself"`
	Consul     Consul        `mapstructure:"consul"`
}

// Consul is an agent of Consul, where peers are found by it.
type Consul struct {
	Address   string `mapstructure:"address" help:"agent of Consul, http://host:port"`
	Token     Secret `mapstructure:"token" help:"token for Consul; may be empty"`
	Advertise string `mapstructure:"advertise" help:"host, or host:port, where others reach this process; empty for the address that it listens on"`
}

func defaultPeers() Peers {
	return Peers{
		Discovery: DiscoveryFixed, Orders: []string{}, Inventory: []string{}, Payments: []string{}, Refresh: 5 * time.Second,
		Consul: Consul{Address: "http://127.0.0.1:8500"},
	}
}

// Addresses gives what is configured for a service, nil for one that nobody calls.
func (p Peers) Addresses(service string) []string {
	return map[string][]string{ServiceOrders: p.Orders, ServiceInventory: p.Inventory, ServicePayments: p.Payments}[service]
}

// Serves tells whether the process runs a service.
func (c Config) Serves(service string) bool { return slices.Contains(c.Services, service) }

// Whole tells whether the process runs every service.
func (c Config) Whole() bool {
	return !slices.ContainsFunc(allServices(), func(s string) bool { return !c.Serves(s) })
}

// Calls lists the services of other processes that this one calls, none twice.
func (c Config) Calls() (called []string) {
	add := func(caller, service string) {
		if c.Serves(caller) && !c.Serves(service) {
			called = append(called, service)
		}
	}
	add(ServiceOrders, ServiceInventory)
	if c.Payments.Enabled() {
		add(ServiceOrders, ServicePayments)
		add(ServicePayments, ServiceOrders)
	}
	return called
}

func (p *problems) services(services []string) {
	p.check("services", len(services) > 0, "must name one service at least")
	for i, service := range services {
		p.oneOf("services", service, allServices()...)
		p.check("services", !slices.Contains(services[:i], service), fmt.Sprintf("names %s twice", service))
	}
}

func (p *problems) peers(c Config) {
	p.oneOf("peers.discovery", c.Peers.Discovery, DiscoveryFixed, DiscoveryDNS, DiscoveryConsul)
	p.check("peers.refresh", c.Peers.Refresh >= 100*time.Millisecond, "must be 100ms or more, such as 5s")
	for _, service := range []string{ServiceOrders, ServiceInventory, ServicePayments} {
		for _, address := range c.Peers.Addresses(service) {
			p.check("peers."+service, isAddress(address), fmt.Sprintf("must name addresses such as 10.0.0.7:8080, not %q", address))
		}
	}
	u, err := url.Parse(c.Peers.Consul.Address)
	p.check("peers.consul.address", err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "",
		"must be a URL such as http://127.0.0.1:8500")
	if advertise := c.Peers.Consul.Advertise; strings.Contains(advertise, ":") && net.ParseIP(advertise) == nil {
		p.check("peers.consul.advertise", isAddress(advertise), "must be a host, or an address such as 10.0.0.7:8080")
	}
	p.check("peers.consul.advertise", c.Peers.Discovery != DiscoveryConsul || c.Peers.Consul.Advertise != "" || !everywhere(c.Server.Host),
		"is needed, as server.host is no address that others can call")
	called := c.Calls()
	if len(called) == 0 {
		return
	}
	p.check("peers", c.Peers.CertFile != "" && c.Peers.KeyFile != "" && c.Peers.CAFile != "",
		fmt.Sprintf("needs cert_file, key_file and ca_file: services that run elsewhere are called (%s)", strings.Join(called, ", ")))
	for _, service := range called {
		p.check("peers."+service, c.Peers.Discovery == DiscoveryConsul || len(c.Peers.Addresses(service)) > 0,
			"is needed, as services says that it runs elsewhere")
	}
}

// isAddress tells whether a text is host:port.
func isAddress(text string) bool {
	host, port, err := net.SplitHostPort(text)
	n, badPort := strconv.ParseUint(port, 10, 16)
	return err == nil && host != "" && badPort == nil && n > 0
}

// everywhere tells whether a host stands for every address of the machine.
func everywhere(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsUnspecified()
}
