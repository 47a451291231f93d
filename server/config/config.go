// Package config gives the one typed tree of settings: defaults, a file, the environment and flags,
// in that order, checked as a whole. It is the only room that reads any of them; what a setting
// does is up to the room that is handed it.
package config

import "time"

// Config is every setting of the process. Make one with Default or Load; a Config of Load is valid.
type Config struct {
	Services  []string  `mapstructure:"services" help:"services that this process runs, comma separated; the others are peers"`
	Server    Server    `mapstructure:"server"`
	Ops       Ops       `mapstructure:"ops"`
	Data      Data      `mapstructure:"data"`
	Store     Store     `mapstructure:"store"`
	Vault     Vault     `mapstructure:"vault"`
	Payments  Payments  `mapstructure:"payments"`
	Auth      Auth      `mapstructure:"auth"`
	Limits    Limits    `mapstructure:"limits" reload:"yes"`
	Cache     Cache     `mapstructure:"cache"`
	Peers     Peers     `mapstructure:"peers"`
	Orders    Orders    `mapstructure:"orders"`
	Risk      Risk      `mapstructure:"risk"`
	Flags     Flags     `mapstructure:"flags"`
	Workflow  Workflow  `mapstructure:"workflow"`
	Temporal  Temporal  `mapstructure:"temporal"`
	Retention Retention `mapstructure:"retention"`
	Log       Log       `mapstructure:"log"`
	Telemetry Telemetry `mapstructure:"telemetry"`
}

// Server is the API port.
type Server struct {
	Host                 string        `mapstructure:"host" help:"address that the API listens on; loopback unless you open it"`
	Port                 int           `mapstructure:"port" help:"port that the API listens on, all protocols; 0 picks a free one"`
	TLS                  TLS           `mapstructure:"tls"`
	MaxRequestBytes      int           `mapstructure:"max_request_bytes" help:"largest message a caller may send, in bytes, before and after decompression"`
	MaxHeaderBytes       int           `mapstructure:"max_header_bytes" help:"largest request line and headers, in bytes"`
	MaxConcurrentStreams int           `mapstructure:"max_concurrent_streams" help:"how many calls one HTTP/2 connection may have open"`
	ReadHeaderTimeout    time.Duration `mapstructure:"read_header_timeout" help:"how long a caller may take to send the headers"`
	ReadTimeout          time.Duration `mapstructure:"read_timeout" help:"how long a caller may take to send the one message of a call"`
	WriteTimeout         time.Duration `mapstructure:"write_timeout" help:"how long a caller may take to read what it is sent"`
	StreamIdleTimeout    time.Duration `mapstructure:"stream_idle_timeout" help:"how long a caller that streams may be silent while it is waited for"`
	IdleTimeout          time.Duration `mapstructure:"idle_timeout" help:"how long a connection without a call stays open"`
	DrainDelay           time.Duration `mapstructure:"drain_delay" help:"how long to go on taking calls after turning unready, so that load balancers notice"`
	DrainTimeout         time.Duration `mapstructure:"drain_timeout" help:"how long calls in flight may take to finish when the process stops"`
	TrustedProxies       []string      `mapstructure:"trusted_proxies" help:"networks of proxies whose X-Forwarded-For is believed, such as 10.0.0.0/8, comma separated; empty for none"`
	CORS                 CORS          `mapstructure:"cors"`
	OpenReflection       bool          `mapstructure:"open_reflection" help:"anyone may ask for the contract by gRPC reflection, not staff and operators alone"`
	SecurityContact      string        `mapstructure:"security_contact" help:"whom to tell of a weakness, a URL such as mailto:security@shop.example, for /.well-known/security.txt; empty for none"`
}

// TLS names the certificate of the API port, both files or neither, and says whose certificates are
// taken from callers. Every file is read again when it changes.
type TLS struct {
	CertFile     string `mapstructure:"cert_file" help:"certificate chain, PEM; read again when it changes"`
	KeyFile      string `mapstructure:"key_file" help:"private key of the certificate, PEM"`
	ClientCAFile string `mapstructure:"client_ca_file" help:"authorities of client certificates, PEM; needs TLS 1.3; empty takes no client certificates"`
	ClientAuth   string `mapstructure:"client_auth" help:"request takes callers without a client certificate too, require refuses them"`
	CRLFile      string `mapstructure:"crl_file" help:"revoked client certificates, PEM, signed by an authority of client_ca_file; may be empty"`
	TrustDomain  string `mapstructure:"trust_domain" help:"whom client certificates name: spiffe://<trust_domain>/<service>"`
}

// What server.tls.client_auth may be.
const (
	ClientAuthRequest = "request"
	ClientAuthRequire = "require"
)

// Enabled tells whether the API port speaks TLS.
func (t TLS) Enabled() bool { return t.CertFile != "" }

// CORS says which web pages may call.
type CORS struct {
	AllowedOrigins []string `mapstructure:"allowed_origins" help:"origins of web pages that may call, such as https://shop.example; empty for none, * for all"`
}

// Ops is the operations port: probes, metrics, profiles. It has no authentication.
type Ops struct {
	Host string `mapstructure:"host" help:"address that probes, metrics and profiles listen on"`
	Port int    `mapstructure:"port" help:"port that probes, metrics and profiles listen on; 0 picks a free one"`
}

// Data is where the process keeps its own files.
type Data struct {
	Dir string `mapstructure:"dir" help:"folder of the embedded databases and of keys that were made, not given"`
}

// Store names the databases.
type Store struct {
	Home           DatabaseURL   `mapstructure:"home" help:"database of all that is not sharded; empty for home.db in data.dir"`
	Shards         []DatabaseURL `mapstructure:"shards" help:"databases that share the orders, comma separated; empty for shard-0.db to shard-3.db in data.dir"`
	Replicas       []DatabaseURL `mapstructure:"replicas" help:"streaming standbys of the shards, comma separated, in any order; each is matched with the shard that it copies"`
	ReplicaMaxLag  time.Duration `mapstructure:"replica_max_lag" help:"how far behind a replica may be and still serve reads of minimal latency"`
	Credentials    string        `mapstructure:"credentials" help:"where Vault makes users of the databases: vault://database/creds/orders-{database}, which becomes orders-home, orders-shard-0 or orders-replica-0; empty for those in the URLs"`
	MaxConnections int           `mapstructure:"max_connections" reload:"yes" help:"most connections to one shard, and to one replica"`
	PageTokenKey   Secret        `mapstructure:"page_token_key" help:"key that seals page tokens, the same in every replica, 32 bytes or more; empty for one kept in home"`
}

// Log says what is logged and how.
type Log struct {
	Level  string `mapstructure:"level" reload:"yes" help:"least level that is logged: debug, info, warn or error"`
	Format string `mapstructure:"format" help:"json or text"`
}

// Telemetry says where traces go.
type Telemetry struct {
	OTLPEndpoint string  `mapstructure:"otlp_endpoint" help:"OpenTelemetry collector, gRPC: http://host:4317 or https://host:4317; empty for no traces"`
	SampleRatio  float64 `mapstructure:"sample_ratio" help:"share of calls that are traced, 0 to 1"`
	TrustRemote  bool    `mapstructure:"trust_remote" help:"continue the callers' traces instead of linking to them; only where callers are ours"`
}

// Default gives the settings of a process that was told nothing. It starts with nothing installed.
func Default() Config {
	return Config{
		Services: allServices(),
		Server: Server{
			Host: "127.0.0.1", Port: 8080,
			MaxRequestBytes: 1 << 20, MaxHeaderBytes: 64 << 10, MaxConcurrentStreams: 250,
			ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
			WriteTimeout: 30 * time.Second, StreamIdleTimeout: 5 * time.Minute,
			IdleTimeout: 2 * time.Minute, DrainTimeout: 20 * time.Second,
			TrustedProxies: []string{},
			CORS:           CORS{AllowedOrigins: []string{}},
			TLS:            TLS{ClientAuth: ClientAuthRequest, TrustDomain: "orderprocessing.internal"},
		},
		Ops:       Ops{Host: "127.0.0.1", Port: 9090},
		Data:      Data{Dir: "./data"},
		Store:     Store{Shards: []DatabaseURL{}, Replicas: []DatabaseURL{}, ReplicaMaxLag: 30 * time.Second, MaxConnections: 8},
		Payments:  Payments{Gateway: GatewaySimulator, CallTimeout: 10 * time.Second, Breaker: defaultBreaker()},
		Vault:     defaultVault(),
		Auth:      Auth{Issuer: "orderprocessing", Audience: "orderprocessing", OIDC: OIDC{RolesClaim: "roles"}},
		Limits:    defaultLimits(),
		Cache:     Cache{MemoryBytes: 16 << 20, Redis: []DatabaseURL{}, MaxAge: time.Minute},
		Peers:     defaultPeers(),
		Orders:    Orders{PlaceTimeout: day, DraftLifetime: 30 * day},
		Risk:      defaultRisk(),
		Flags:     defaultFlags(),
		Workflow:  Workflow{Engine: EngineRiver, Workers: 128},
		Temporal:  Temporal{Address: "127.0.0.1:7233", Namespace: "default"},
		Retention: Retention{Requests: 7 * day, PaymentEvents: 30 * day, Sagas: 7 * day},
		Log:       Log{Level: "info", Format: "json"},
		Telemetry: Telemetry{SampleRatio: 0.01},
	}
}
