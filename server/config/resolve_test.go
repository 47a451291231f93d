package config

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/secrets"
)

func TestResolve(t *testing.T) {
	kept := map[string]string{
		"secret/shop#key": strings.Repeat("k", 40), "secret/shop#stripe": "sk_hunter2", "secret/shop#short": "hunter2",
		"secret/db#home": "postgres://u:hunter2@h/home", "secret/db#shard": "postgres://u:hunter2@h/shard",
	}
	asked := 0
	read := func(_ context.Context, r secrets.Reference) (string, error) {
		asked++
		if value, ok := kept[r.Path+"#"+r.Field]; ok {
			return value, nil
		}
		return "", errors.New("there is nothing at " + r.Path)
	}
	references := func() Config {
		c := Default()
		c.Vault.Address, c.Vault.Token = "http://vault:8200", "t"
		c.Store.PageTokenKey, c.Auth.KeySecret = "vault://secret/shop#key", "vault://secret/shop#key"
		c.Payments.Gateway, c.Payments.Stripe.SecretKey = GatewayStripe, "vault://secret/shop?version=3#stripe"
		c.Store.Home, c.Store.Shards = "vault://secret/db#home", []DatabaseURL{"postgres://h/a", "vault://secret/db#shard"}
		return c
	}
	t.Run("every secret is put in its place, and the original is let be", func(t *testing.T) {
		c := references()
		require.NoError(t, c.Validate(), "without Vault")
		require.True(t, c.HasReferences())
		got, err := c.Resolve(t.Context(), read)
		require.NoError(t, err)
		require.Equal(t, kept["secret/shop#key"], got.Store.PageTokenKey.Reveal())
		require.Equal(t, "sk_hunter2", got.Payments.Stripe.SecretKey.Reveal())
		require.Equal(t, []DatabaseURL{"postgres://h/a", "postgres://u:hunter2@h/shard"}, got.Store.Shards)
		require.Equal(t, references(), c)
		require.False(t, got.HasReferences())
		require.Equal(t, 4, asked, "each once")
	})
	t.Run("what is not there is told by key, all of it", func(t *testing.T) {
		c := references()
		c.Store.Home, c.Auth.KeySecret = "vault://secret/gone#a", "vault://secret/lost#b"
		_, err := c.Resolve(t.Context(), read)
		require.ErrorContains(t, err, "store.home: there is nothing at secret/gone")
		require.ErrorContains(t, err, "auth.key_secret: there is nothing at secret/lost")
	})
	t.Run("what Vault gives is checked like everything else, and not shown", func(t *testing.T) {
		c := references()
		c.Auth.KeySecret = "vault://secret/shop#short"
		_, err := c.Resolve(t.Context(), read)
		require.ErrorContains(t, err, "auth.key_secret must have 32 bytes or more")
		require.NotContains(t, err.Error(), "hunter2")
	})
	for name, tt := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"a reference without Vault":            {func(c *Config) { c.Vault.Address = "" }, "vault.address is needed"},
		"a reference without a field":          {func(c *Config) { c.Auth.KeySecret = "vault://secret/shop" }, "auth.key_secret must name a field"},
		"a reference without a path":           {func(c *Config) { c.Auth.KeySecret = "vault://secret#a" }, "auth.key_secret must name a mount and a path"},
		"a reference that climbs":              {func(c *Config) { c.Auth.KeySecret = "vault://secret/../sys/raw#a" }, "auth.key_secret must name a mount and a path"},
		"a version that is none":               {func(c *Config) { c.Auth.KeySecret = "vault://secret/shop?version=new#a" }, "auth.key_secret must have a version"},
		"an option there is not":               {func(c *Config) { c.Auth.KeySecret = "vault://secret/shop?age=3#a" }, "auth.key_secret knows no"},
		"Vault's own token in Vault":           {func(c *Config) { c.Vault.Token = "vault://secret/shop#a" }, "vault.token must be the secret itself"},
		"an address that is none":              {func(c *Config) { c.Vault.Address = "vault:8200" }, "vault.address must be a URL"},
		"a token that is missing":              {func(c *Config) { c.Vault.Token = "" }, "vault.token is needed"},
		"half an AppRole":                      {func(c *Config) { c.Vault.Auth = VaultAppRole; c.Vault.RoleID = "r" }, "vault.secret_id is needed"},
		"Kubernetes without a role":            {func(c *Config) { c.Vault.Auth = VaultKubernetes }, "vault.role is needed"},
		"credentials with a field":             {func(c *Config) { c.Store.Credentials = "vault://database/creds/a#b" }, "store.credentials must be written"},
		"credentials that are written plainly": {func(c *Config) { c.Store.Credentials = "hunter2" }, "store.credentials must be written"},
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			c := references()
			tt.change(&c)
			err := c.Validate()
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}
