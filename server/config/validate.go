package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// minKeyBytes is the least length of a key that seals something.
const minKeyBytes = 32

// Validate tells everything that is wrong with the settings, by key, or nil.
func (c Config) Validate() error { return errors.Join(c.problems().found...) }

// problems checks everything.
func (c Config) problems() *problems {
	p := &problems{rules: map[string]rule{}, references: map[string]bool{}}
	p.secrets(c)
	p.services(c.Services)
	p.server(c.Server)
	p.check("ops.host", c.Ops.Host != "", "must not be empty")
	p.port("ops.port", c.Ops.Port)
	p.check("ops.port", c.Ops.Port == 0 || c.Ops.Port != c.Server.Port || c.Ops.Host != c.Server.Host,
		"must differ from server.port")
	p.check("data.dir", c.Data.Dir != "", "must not be empty")
	p.store(c.Store)
	p.vault(c)
	p.payments(c.Payments)
	p.auth(c.Auth)
	p.limits(c.Limits)
	p.cache(c.Cache)
	p.risk(c.Risk)
	p.flags(c.Flags)
	p.workflow(c)
	p.peers(c)
	p.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	p.oneOf("log.format", c.Log.Format, "json", "text")
	if endpoint := c.Telemetry.OTLPEndpoint; endpoint != "" {
		u, err := url.Parse(endpoint)
		p.check("telemetry.otlp_endpoint", err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "",
			"must be a URL such as http://localhost:4317")
	}
	p.check("telemetry.sample_ratio", c.Telemetry.SampleRatio >= 0 && c.Telemetry.SampleRatio <= 1, "must be from 0 to 1")
	return p
}

// problems is what checking found, and which rules it knows: the schema tells them too.
type problems struct {
	found      []error
	rules      map[string]rule // by key
	references map[string]bool // keys whose value is kept elsewhere, and not known yet
}

// rule is what a value of a key may be, whatever the other keys say.
type rule struct {
	oneOf       []string // nil for anything
	least, most int      // both 0 for anything
}

func (p *problems) check(key string, ok bool, text string) {
	if !ok && !p.references[key] {
		p.found = append(p.found, Problem{Key: key, Message: key + " " + text})
	}
}

func (p *problems) server(s Server) {
	p.check("server.host", s.Host != "", "must not be empty")
	p.port("server.port", s.Port)
	p.tls(s.TLS)
	if s.SecurityContact != "" {
		u, err := url.Parse(s.SecurityContact)
		p.check("server.security_contact", err == nil && slices.Contains([]string{"https", "mailto", "tel"}, u.Scheme),
			"must be a URL such as mailto:security@shop.example or https://shop.example/security")
	}
	p.between("server.max_request_bytes", s.MaxRequestBytes, 1<<10, 1<<30)
	p.between("server.max_header_bytes", s.MaxHeaderBytes, 4<<10, 1<<20)
	p.between("server.max_concurrent_streams", s.MaxConcurrentStreams, 1, 100_000)
	for _, timeout := range []struct {
		key   string
		value time.Duration
	}{
		{"server.read_header_timeout", s.ReadHeaderTimeout},
		{"server.read_timeout", s.ReadTimeout},
		{"server.write_timeout", s.WriteTimeout},
		{"server.stream_idle_timeout", s.StreamIdleTimeout},
		{"server.idle_timeout", s.IdleTimeout},
		{"server.drain_timeout", s.DrainTimeout},
	} {
		p.check(timeout.key, timeout.value > 0, "must be more than 0, such as 5s")
	}
	p.check("server.drain_delay", s.DrainDelay >= 0, "must not be negative")
	p.networks("server.trusted_proxies", s.TrustedProxies)
	for _, origin := range s.CORS.AllowedOrigins {
		u, err := url.Parse(strings.Replace(origin, "*", "any", 1))
		p.check("server.cors.allowed_origins", origin == "*" || err == nil && u.Scheme != "" && u.Host != "" && u.Path == "",
			fmt.Sprintf("must name origins such as https://shop.example, not %q", origin))
	}
}

func (p *problems) tls(s TLS) {
	p.check("server.tls", (s.CertFile == "") == (s.KeyFile == ""), "needs cert_file and key_file, or neither")
	p.check("server.tls.client_ca_file", s.ClientCAFile == "" || s.Enabled(), "needs cert_file and key_file")
	p.check("server.tls.crl_file", s.CRLFile == "" || s.ClientCAFile != "", "needs client_ca_file")
	p.oneOf("server.tls.client_auth", s.ClientAuth, ClientAuthRequest, ClientAuthRequire)
	p.check("server.tls.trust_domain", s.TrustDomain != "" && !strings.ContainsAny(s.TrustDomain, "/:@ "),
		"must be a name such as shop.internal")
}

func (p *problems) store(s Store) {
	p.database("store.home", s.Home)
	seen := map[DatabaseURL]bool{}
	for i, shard := range s.Shards {
		key := fmt.Sprintf("store.shards[%d]", i)
		p.database(key, shard)
		p.check(key, !seen[shard], "names a database that another shard has")
		seen[shard] = true
	}
	for i, replica := range s.Replicas {
		key := fmt.Sprintf("store.replicas[%d]", i)
		scheme, _, _ := strings.Cut(replica.Reveal(), ":")
		p.check(key, scheme == "postgres" || scheme == "postgresql", "must be a URL such as postgres://user@host/database")
		p.check(key, !seen[replica], "names a database that is named already")
		seen[replica] = true
	}
	p.check("store.replica_max_lag", s.ReplicaMaxLag > 0, "must be more than 0, such as 30s")
	p.between("store.max_connections", s.MaxConnections, 1, 1000)
	p.check("store.page_token_key", s.PageTokenKey == "" || len(s.PageTokenKey) >= minKeyBytes,
		fmt.Sprintf("must have %d bytes or more", minKeyBytes))
}

func (p *problems) database(key string, u DatabaseURL) {
	if u == "" && key == "store.home" {
		return
	}
	parsed, err := url.Parse(u.Reveal())
	p.check(key, err == nil && slices.Contains([]string{"postgres", "postgresql", "sqlite", "file"}, parsed.Scheme),
		"must be a URL such as postgres://user@host/database or sqlite:///path/file.db")
}

func (p *problems) port(key string, port int) { p.between(key, port, 0, 65535) }

func (p *problems) between(key string, value, least, most int) {
	p.rules[key] = rule{least: least, most: most}
	p.check(key, value >= least && value <= most, fmt.Sprintf("must be from %d to %d", least, most))
}

func (p *problems) oneOf(key, value string, allowed ...string) {
	p.rules[key] = rule{oneOf: allowed}
	p.check(key, slices.Contains(allowed, value), fmt.Sprintf("must be %s, not %q", strings.Join(allowed, ", "), value))
}
