package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// alone makes the environment of a test its own: an empty home, an empty working directory, none of
// our variables.
func alone(t *testing.T) (dir string) {
	t.Helper()
	for _, pair := range os.Environ() {
		if name, value, _ := strings.Cut(pair, "="); strings.HasPrefix(name, envPrefix+"_") {
			t.Setenv(name, value) // so that it comes back
			require.NoError(t, os.Unsetenv(name))
		}
	}
	dir = t.TempDir()
	t.Chdir(dir)
	t.Setenv("HOME", filepath.Join(dir, "home"))
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

func flagSet(t *testing.T, args ...string) *pflag.FlagSet {
	t.Helper()
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	AddFlags(flags)
	require.NoError(t, flags.Parse(args))
	return flags
}

func TestLoad(t *testing.T) {
	t.Run("nothing at all gives the defaults", func(t *testing.T) {
		alone(t)
		c, err := Load(nil)
		require.NoError(t, err)
		require.Equal(t, Default(), c)
		c, err = Load(flagSet(t))
		require.NoError(t, err)
		require.Equal(t, Default(), c)
	})
	t.Run("the documented variable works without a file", func(t *testing.T) {
		alone(t)
		t.Setenv("ORDERPROCESSING_SERVER_PORT", "9999")
		c, err := Load(nil)
		require.NoError(t, err)
		require.Equal(t, 9999, c.Server.Port)
	})
	t.Run("every key can be set by its variable, and by its flag unless it is a secret", func(t *testing.T) {
		for _, key := range Keys() {
			value := map[string]string{
				"server.tls.client_auth": "require", "server.open_reflection": "true", "server.security_contact": "mailto:a@b.example",
				"server.tls.cert_file": "c.pem", "server.tls.key_file": "k.pem", "server.cors.allowed_origins": "https://a.example,https://b.example",
				"store.home": "postgres://home", "store.shards": "postgres://a,postgres://b", "store.replicas": "postgres://c,postgres://d", "log.level": "debug", "log.format": "text",
				"store.page_token_key": strings.Repeat("k", 32), "telemetry.otlp_endpoint": "http://c:4317", "telemetry.sample_ratio": "0.5", "telemetry.trust_remote": "true",
				"payments.gateway": "stripe", "payments.simulator.url": "http://bank:8090",
				"auth.admin_key": "opk_aaaaaaaaaaaa_" + strings.Repeat("b", 26), "auth.key_secret": strings.Repeat("k", 32),
				"auth.oidc.issuer":       "https://login.example",
				"server.trusted_proxies": "10.0.0.0/8,fd00::1", "limits.unlimited_networks": "10.0.0.0/8", "limits.redis": "redis://a:6379,redis://b:6379", "cache.redis": "redis://a:6379,redis://b:6379",
				"limits.fallback_share": "0.7", "limits.concurrency.least": "7",
				"risk.mode": "shadow", "risk.note_at": "40", "risk.hold_at": "70", "risk.orders_per_hour": "3", "risk.orders_per_day": "40",
				"risk.times_average": "7", "risk.disposable_domains": "bin.example,tip.example", "workflow.engine": "temporal", "temporal.address": "t:7233", "temporal.namespace": "shop",
				"retention.requests": "25h", "retention.payment_events": "80h", "retention.sagas": "26h",
				"orders.place_timeout": "2m", "orders.draft_lifetime": "3m",
				"flags.provider": "flagd", "flags.flagd.address": "f:1", "flags.flagd.tls": "true",
				"services": "inventory,identity,operations", "peers.discovery": "dns", "peers.consul.address": "http://c:8500",
				"peers.orders": "a:1,b:2", "peers.inventory": "a:1", "peers.payments": "a:1",
				"store.credentials": "vault://database/creds/orders-{database}", "vault.address": "https://vault:8200", "vault.auth": "approle",
				"payments.breaker.failure_rate": "0.2",
				"server.host":                   "::1", "ops.host": "::1", "data.dir": "/d",
			}[key.Name]
			if value == "" {
				value = "7s"
				if _, duration := key.value.(time.Duration); !duration {
					value = "5000"
				}
				if key.Name == "store.max_connections" {
					value = "7"
				}
			}
			alone(t)
			t.Setenv(key.Env, value)
			if strings.HasPrefix(key.Name, "server.tls.") { // both or neither
				t.Setenv("ORDERPROCESSING_SERVER_TLS_CERT_FILE", "c.pem")
				t.Setenv("ORDERPROCESSING_SERVER_TLS_KEY_FILE", "k.pem")
			}
			if key.Name == "server.tls.crl_file" {
				t.Setenv("ORDERPROCESSING_SERVER_TLS_CLIENT_CA_FILE", "ca.pem")
			}
			if key.Name == "payments.gateway" { // it needs its key
				t.Setenv("ORDERPROCESSING_PAYMENTS_STRIPE_SECRET_KEY", "sk_test")
			}
			if key.Name == "store.credentials" || key.Name == "vault.auth" { // they need Vault, and Vault who we are
				t.Setenv("ORDERPROCESSING_VAULT_ADDRESS", "http://other:8200")
				t.Setenv("ORDERPROCESSING_VAULT_ROLE_ID", "r")
				t.Setenv("ORDERPROCESSING_VAULT_SECRET_ID", "s")
			}
			if key.Name == "store.credentials" || key.Name == "vault.address" {
				t.Setenv("ORDERPROCESSING_VAULT_TOKEN", "t")
			}
			if key.Name == "auth.oidc.issuer" { // it needs its audience
				t.Setenv("ORDERPROCESSING_AUTH_OIDC_AUDIENCE", "orders")
			}
			c, err := Load(flagSet(t))
			require.NoError(t, err, key.Name)
			for _, got := range keysOf(c) {
				if got.Name == key.Name {
					require.NotEqual(t, key.value, got.value, key.Name)
				}
			}
			if key.Secret {
				require.Nil(t, flagSet(t).Lookup(key.Name))
				continue
			}
			require.NoError(t, os.Unsetenv(key.Env))
			viaFlag, err := Load(flagSet(t, "--"+key.Name, value))
			require.NoError(t, err, key.Name)
			require.Equal(t, c, viaFlag, key.Name)
		}
	})
	t.Run("a flag beats the environment, which beats the file, which beats the default", func(t *testing.T) {
		dir := alone(t)
		write(t, filepath.Join(dir, "config.yaml"), "server: {host: file, port: 1, idle_timeout: 1s}\nops: {port: 11}\n")
		t.Setenv("ORDERPROCESSING_SERVER_PORT", "2")
		t.Setenv("ORDERPROCESSING_SERVER_IDLE_TIMEOUT", "2s")
		c, err := Load(flagSet(t, "--server.idle_timeout", "3s"))
		require.NoError(t, err)
		require.Equal(t, "file", c.Server.Host)
		require.Equal(t, 2, c.Server.Port)
		require.Equal(t, 3*time.Second, c.Server.IdleTimeout)
		require.Equal(t, 11, c.Ops.Port)
		require.Equal(t, "./data", c.Data.Dir)
	})
	t.Run("the file in the working directory is found before the one at home", func(t *testing.T) {
		dir := alone(t)
		write(t, filepath.Join(dir, "home/.orderprocessing/config.yaml"), "server: {port: 1}")
		c, err := Load(nil)
		require.NoError(t, err)
		require.Equal(t, 1, c.Server.Port)
		write(t, filepath.Join(dir, "config.yaml"), "server: {port: 2}")
		c, err = Load(nil)
		require.NoError(t, err)
		require.Equal(t, 2, c.Server.Port)
	})
	t.Run("a file that was named must be there", func(t *testing.T) {
		dir := alone(t)
		_, err := Load(flagSet(t, "--config", "gone.yaml"))
		require.EqualError(t, err, "config file gone.yaml: no such file or directory")
		t.Setenv("ORDERPROCESSING_CONFIG", "gone.yaml")
		_, err = Load(nil)
		require.Error(t, err)
		write(t, filepath.Join(dir, "named.yaml"), "server: {port: 3}")
		c, err := Load(flagSet(t, "--config", "named.yaml"))
		require.NoError(t, err)
		require.Equal(t, 3, c.Server.Port)
	})
	t.Run("lists come from YAML as lists and from variables with commas", func(t *testing.T) {
		dir := alone(t)
		write(t, filepath.Join(dir, "config.yaml"), "store:\n  shards:\n    - postgres://a\n    - postgres://b\n")
		c, err := Load(nil)
		require.NoError(t, err)
		require.Equal(t, []DatabaseURL{"postgres://a", "postgres://b"}, c.Store.Shards)
		t.Setenv("ORDERPROCESSING_STORE_SHARDS", "postgres://c, postgres://d")
		c, err = Load(nil)
		require.NoError(t, err)
		require.Equal(t, []DatabaseURL{"postgres://c", "postgres://d"}, c.Store.Shards)
	})
	t.Run("a file with nothing in it is fine", func(t *testing.T) {
		dir := alone(t)
		for _, text := range []string{"", "# nothing\n", "server:\n", "server:\n  port:\n"} {
			write(t, filepath.Join(dir, "config.yaml"), text)
			c, err := Load(nil)
			require.NoError(t, err, text)
			require.Equal(t, Default(), c, text)
		}
	})
	for name, tt := range map[string]struct{ file, want string }{
		"broken YAML":               {"server:\n  port: 1\n bad", "config.yaml: yaml: line "},
		"a misspelt key":            {"server:\n  prot: 1\n", "config.yaml:2: unknown key server.prot, did you mean server.port?"},
		"a misspelt section":        {"\nserve:\n  port: 1\n", "config.yaml:2: unknown key serve"},
		"a section that is a value": {"server: 5\n", "config.yaml:1: server must be a section with keys below it"},
		"a value that is a section": {"server:\n  port: {a: 1}\n", "config.yaml:2: server.port is a setting, not a section"},
		"no section at all":         {"- a\n", "config.yaml:1: the file must be a section"},
		"a key given twice":         {"server:\n  port: 1\n  PORT: 2\n", "config.yaml:3: server.port is given twice"},
		"two documents":             {"server:\n---\nserver:\n", "must be one YAML document"},
		"text for a number":         {"server:\n  port: many\n", "server.port"},
		"a duration without a unit": {"server:\n  idle_timeout: soon\n", "server.idle_timeout"},
	} {
		t.Run(name+" is refused and pointed at", func(t *testing.T) {
			dir := alone(t)
			write(t, filepath.Join(dir, "config.yaml"), tt.file)
			_, err := Load(nil)
			require.ErrorContains(t, err, tt.want)
		})
	}
	t.Run("a misspelt variable is refused, and what is not the server's is let be", func(t *testing.T) {
		alone(t)
		for _, name := range []string{"URL", "TOKEN", "TEST_POSTGRES", "TEST_DATA"} {
			t.Setenv("ORDERPROCESSING_"+name, "x")
		}
		_, err := Load(nil)
		require.NoError(t, err)
		t.Setenv("ORDERPROCESSING_SERVER_PROT", "1")
		_, err = Load(nil)
		require.EqualError(t, err, "unknown environment variable ORDERPROCESSING_SERVER_PROT, did you mean ORDERPROCESSING_SERVER_PORT?")
	})
	t.Run("everything that is wrong is told at once", func(t *testing.T) {
		dir := alone(t)
		write(t, filepath.Join(dir, "config.yaml"), "server: {port: 70000, idle_timeout: 0s}\nlogg: {}\nlog: {level: loud}\ntelemetry: {sample_ratio: 2}\n")
		t.Setenv("ORDERPROCESSING_X", "1")
		_, err := Load(nil)
		for _, want := range []string{"server.port", "server.idle_timeout", "logg", "log.level", "telemetry.sample_ratio", "ORDERPROCESSING_X"} {
			require.ErrorContains(t, err, want)
		}
	})
}

func TestValidate(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"half a certificate":         {func(c *Config) { c.Server.TLS.CertFile = "c" }, "server.tls"},
		"a proxy without network":    {func(c *Config) { c.Server.TrustedProxies = []string{"any"} }, "server.trusted_proxies must name networks"},
		"a budget without burst":     {func(c *Config) { c.Limits.Read.Burst = 0 }, "limits.read.burst must be from 1"},
		"a Redis that is none":       {func(c *Config) { c.Limits.Redis = []DatabaseURL{"http://a"} }, "limits.redis[0] must be a URL"},
		"a share of nothing":         {func(c *Config) { c.Limits.FallbackShare = 0 }, "limits.fallback_share must be above 0"},
		"more at least than at most": {func(c *Config) { c.Limits.Concurrency.Least = 2000 }, "limits.concurrency.least must be from 1"},
		"the same port twice":        {func(c *Config) { c.Ops.Port = c.Server.Port }, "ops.port must differ"},
		"a shard named twice":        {func(c *Config) { c.Store.Shards = []DatabaseURL{"postgres://a", "postgres://a"} }, "store.shards[1]"},
		"a replica that is a shard": {func(c *Config) {
			c.Store.Shards, c.Store.Replicas = []DatabaseURL{"postgres://a"}, []DatabaseURL{"postgres://a"}
		}, "store.replicas[0]"},
		"a replica in a file":      {func(c *Config) { c.Store.Replicas = []DatabaseURL{"sqlite:a.db"} }, "store.replicas[0]"},
		"no lag at all":            {func(c *Config) { c.Store.ReplicaMaxLag = 0 }, "store.replica_max_lag"},
		"an empty shard":           {func(c *Config) { c.Store.Shards = []DatabaseURL{""} }, "store.shards[0]"},
		"an unknown database":      {func(c *Config) { c.Store.Home = "mysql://u:hunter2@h" }, "store.home"},
		"a short key":              {func(c *Config) { c.Store.PageTokenKey = "hunter2" }, "store.page_token_key"},
		"an origin with path":      {func(c *Config) { c.Server.CORS.AllowedOrigins = []string{"https://a/b"} }, "allowed_origins"},
		"an endpoint, no URL":      {func(c *Config) { c.Telemetry.OTLPEndpoint = "collector:4317" }, "telemetry.otlp_endpoint"},
		"no room for requests":     {func(c *Config) { c.Server.MaxRequestBytes = 0 }, "server.max_request_bytes"},
		"an unknown gateway":       {func(c *Config) { c.Payments.Gateway = "cash" }, "payments.gateway"},
		"Stripe without a key":     {func(c *Config) { c.Payments.Gateway = GatewayStripe }, "payments.stripe.secret_key"},
		"a bank that is no URL":    {func(c *Config) { c.Payments.Simulator.URL = "bank:8090" }, "payments.simulator.url"},
		"no time for a gateway":    {func(c *Config) { c.Payments.CallTimeout = 0 }, "payments.call_timeout"},
		"an empty host":            {func(c *Config) { c.Server.Host = "" }, "server.host"},
		"a loose admin key":        {func(c *Config) { c.Auth.AdminKey = "hunter2" }, "auth.admin_key"},
		"a short key secret":       {func(c *Config) { c.Auth.KeySecret = "hunter2" }, "auth.key_secret"},
		"an issuer in the open":    {func(c *Config) { c.Auth.OIDC.Issuer, c.Auth.OIDC.Audience = "http://login.example", "a" }, "auth.oidc.issuer"},
		"an issuer for anybody":    {func(c *Config) { c.Auth.OIDC.Issuer = "https://login.example" }, "auth.oidc.audience"},
		"an unknown risk mode":     {func(c *Config) { c.Risk.Mode = "maybe" }, "risk.mode"},
		"flags of nobody":          {func(c *Config) { c.Flags.Provider = "env" }, "flags.provider"},
		"flagd nowhere":            {func(c *Config) { c.Flags.Flagd.Address = "flagd" }, "flags.flagd.address"},
		"held but not noted":       {func(c *Config) { c.Risk.NoteAt = c.Risk.HoldAt + 1 }, "risk.note_at"},
		"denied before held":       {func(c *Config) { c.Risk.HoldAt = c.Risk.DenyAt + 1 }, "risk.hold_at"},
		"points below nothing":     {func(c *Config) { c.Risk.Points.FirstOrder = -1 }, "risk.points.first_order"},
		"the average itself":       {func(c *Config) { c.Risk.TimesAverage = 1 }, "risk.times_average"},
		"no time to place":         {func(c *Config) { c.Orders.PlaceTimeout = 0 }, "orders.place_timeout"},
		"no time for drafts":       {func(c *Config) { c.Orders.DraftLifetime = -1 }, "orders.draft_lifetime"},
		"an unknown engine":        {func(c *Config) { c.Workflow.Engine = "steam" }, "workflow.engine"},
		"less than nobody at work": {func(c *Config) { c.Workflow.Workers = -1 }, "workflow.workers"},
		"Temporal nowhere":         {func(c *Config) { c.Workflow.Engine, c.Temporal.Address = EngineTemporal, "" }, "temporal.address"},
		"requests forgotten":       {func(c *Config) { c.Retention.Requests = 23 * time.Hour }, "retention.requests"},
		"events forgotten":         {func(c *Config) { c.Retention.PaymentEvents = 71 * time.Hour }, "retention.payment_events"},
		"processes forgotten":      {func(c *Config) { c.Retention.Sagas = time.Hour }, "retention.sagas"},
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			c := Default()
			tt.change(&c)
			err := c.Validate()
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
	t.Run("the defaults are valid", func(t *testing.T) { require.NoError(t, Default().Validate()) })
}

func TestRedaction(t *testing.T) {
	c := Default()
	c.Store.PageTokenKey = Secret(strings.Repeat("hunter2", 6))
	c.Payments.Stripe = Stripe{SecretKey: "sk_hunter2", WebhookSecret: "whsec_hunter2"}
	c.Payments.Simulator.WebhookSecret = "hunter2"
	c.Store.Home = "postgres://u:hunter2@h/home?sslmode=require&sslpassword=hunter2"
	c.Store.Shards = []DatabaseURL{"postgres://u:hunter2@h/s0", "host=h password=hunter2", "postgres://u:hunter2%zz@h"}
	hex := fmt.Sprintf("%x", "hunter2")
	check := func(t *testing.T, shown string) {
		t.Helper()
		require.NotContains(t, shown, "hunter2")
		require.NotContains(t, shown, hex)
		require.NotContains(t, strings.ToLower(shown), strings.ToLower(fmt.Sprintf("%X", "hunter2")))
	}
	t.Run("no verb shows a secret", func(t *testing.T) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "% x"} {
			for _, value := range []any{c, &c, c.Store, c.Store.PageTokenKey, c.Store.Home, c.Store.Shards} {
				check(t, fmt.Sprintf(verb, value))
			}
		}
		check(t, fmt.Sprint(c.Store.PageTokenKey, c.Store.Home))
	})
	t.Run("no encoder shows a secret", func(t *testing.T) {
		data, err := json.Marshal(c)
		require.NoError(t, err)
		check(t, string(data))
		data, err = yaml.Marshal(c)
		require.NoError(t, err)
		check(t, string(data))
	})
	t.Run("no log shows a secret", func(t *testing.T) {
		var out bytes.Buffer
		for _, logger := range []*slog.Logger{slog.New(slog.NewJSONHandler(&out, nil)), slog.New(slog.NewTextHandler(&out, nil))} {
			logger.Info("start", "config", c, "store", c.Store, "key", c.Store.PageTokenKey, "home", c.Store.Home, "shards", c.Store.Shards)
		}
		check(t, out.String())
	})
	t.Run("print shows what is set and no secret", func(t *testing.T) {
		var asYAML, asJSON bytes.Buffer
		require.NoError(t, c.WriteYAML(&asYAML))
		require.NoError(t, c.WriteJSON(&asJSON))
		check(t, asYAML.String()+asJSON.String())
		require.Contains(t, asYAML.String(), "page_token_key: '[redacted]'")
		require.Contains(t, asYAML.String(), "postgres://u:redacted@h/s0")
		require.Contains(t, asYAML.String(), "idle_timeout: 2m\n")
	})
	t.Run("the value itself is there for who asks", func(t *testing.T) {
		require.Contains(t, c.Store.PageTokenKey.Reveal(), "hunter2")
		require.Contains(t, c.Store.Home.Reveal(), "hunter2")
	})
	t.Run("what is printed can be read again", func(t *testing.T) {
		dir := alone(t)
		var out bytes.Buffer
		require.NoError(t, Default().WriteYAML(&out))
		write(t, filepath.Join(dir, "config.yaml"), out.String())
		got, err := Load(nil)
		require.NoError(t, err)
		require.Equal(t, Default(), got)
	})
}

func TestKeys(t *testing.T) {
	t.Run("every key has a name, a variable, and help of one line", func(t *testing.T) {
		seen := map[string]bool{}
		for _, key := range Keys() {
			require.Regexp(t, `^[a-z_]+(\.[a-z_]+)*$`, key.Name)
			require.NotEmpty(t, key.Help, key.Name)
			require.NotContains(t, key.Help, "\n", key.Name)
			require.False(t, seen[key.Env], key.Env)
			seen[key.Env] = true
		}
		require.True(t, seen["ORDERPROCESSING_DATA_DIR"])
	})
}
