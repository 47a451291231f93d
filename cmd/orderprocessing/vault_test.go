//go:build vault

package main_test

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/secrets/vault/vaulttest"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// lend makes Vault lend users of the databases of a site, home first, that live for seconds.
func lend(t *testing.T, v *vaulttest.Server, urls []string) (bare []string) {
	t.Helper()
	v.Mount(t, "database", "database", nil)
	for i, location := range urls {
		name := "home"
		if i > 0 {
			name = fmt.Sprintf("shard-%d", i-1)
		}
		d, err := database.Open(t.Context(), location, database.Options{})
		require.NoError(t, err)
		group := fmt.Sprintf("app_%d_%d", time.Now().UnixNano(), i)
		for _, statement := range []string{
			"CREATE ROLE " + group, "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA public TO " + group,
			"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO " + group,
		} {
			_, err := d.Write.ExecContext(t.Context(), statement)
			require.NoError(t, err)
		}
		require.NoError(t, d.Close())
		u, err := url.Parse(location)
		require.NoError(t, err)
		owner := u.User.Username()
		password, _ := u.User.Password()
		u.User = nil
		bare = append(bare, u.String())
		v.Write(t, "database/config/"+name, map[string]any{
			"plugin_name": "postgresql-database-plugin", "allowed_roles": "orders-" + name, "username": owner, "password": password,
			"connection_url": "postgresql://{{username}}:{{password}}@" + u.Host + u.Path + "?" + u.RawQuery,
		})
		v.Write(t, "database/roles/orders-"+name, map[string]any{
			"db_name": name, "default_ttl": "8s", "max_ttl": "16s",
			"creation_statements": `CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' IN ROLE ` + group,
		})
	}
	return bare
}

// TestVault_Serve starts a server while Vault is away, and then sells while users of the databases come and go,
// and Vault is killed, started again and unsealed.
func TestVault_Serve(t *testing.T) {
	v := vaulttest.Start(t)
	v.Mount(t, "secret", "kv", map[string]string{"version": "2"})
	v.Write(t, "secret/data/shop", map[string]any{"data": map[string]any{"key": strings.Repeat("hunter2", 6)}})
	require.NoError(t, v.API.Sys().EnableAuthWithOptionsWithContext(t.Context(), "approle", &api.EnableAuthOptions{Type: "approle"}))
	roleID, secretID := v.AppRole(t, "shop", `
path "secret/data/shop" { capabilities = ["read"] }
path "database/creds/orders-*" { capabilities = ["read"] }`, "40s")
	s := newMigratedSite(t)
	bare := lend(t, v, s.databases)
	s.databases = bare
	s = s.with("ORDERPROCESSING_STORE_HOME="+bare[0], "ORDERPROCESSING_STORE_SHARDS="+strings.Join(bare[1:], ","),
		"ORDERPROCESSING_STORE_CREDENTIALS=vault://database/creds/orders-{database}", "ORDERPROCESSING_STORE_PAGE_TOKEN_KEY=vault://secret/shop#key",
		"ORDERPROCESSING_VAULT_ADDRESS="+v.Address, "ORDERPROCESSING_VAULT_AUTH=approle",
		"ORDERPROCESSING_VAULT_ROLE_ID="+roleID, "ORDERPROCESSING_VAULT_SECRET_ID="+secretID)

	missing := s.with("ORDERPROCESSING_AUTH_KEY_SECRET=vault://secret/shop#kye").run(t, "serve")
	require.Equal(t, 1, missing.code)
	require.Contains(t, missing.stderr, "auth.key_secret")
	require.Contains(t, missing.stderr, "secret/data/shop")
	require.Contains(t, missing.stderr, `there is no field "kye"`)

	v.Kill()
	port := freePort(t)
	srv := s.launch(t, "--server.port", "0", "--ops.port", port)
	srv.opsURL = "http://127.0.0.1:" + port
	require.Eventually(t, func() bool { return strings.Contains(srv.log.String(), `"msg":"waiting for Vault"`) }, startTime, 20*time.Millisecond)
	require.Eventually(t, func() bool { return srv.listens(t) }, startTime, 20*time.Millisecond)
	require.Equal(t, 200, srv.status(t, "/livez"))
	require.Equal(t, 503, srv.status(t, "/readyz"))
	require.Equal(t, 503, srv.status(t, "/startupz"))
	v.Restart(t) // sealed
	v.Unseal(t)
	srv = srv.serving(t)
	require.Equal(t, 200, srv.status(t, "/readyz"))

	crowd := letIn(t, 1500, srv.bare(t, true), srv.bare(t, false))
	rotated := func() int { return strings.Count(srv.log.String(), `"msg":"new connections log in with a new user"`) }
	require.Eventually(t, func() bool { return rotated() >= 10 }, 2*startTime, 100*time.Millisecond, "%s", srv.log.tail())
	v.Kill()
	v.Restart(t)
	v.Unseal(t)
	before := rotated()
	require.Eventually(t, func() bool { return rotated() >= before+10 }, 2*startTime, 100*time.Millisecond, "%s", srv.log.tail())
	crowd.wait(t)
	crowd.stop()
	crowd.gone.Wait()
	require.Empty(t, crowd.failed, "no request may notice")
	require.Equal(t, 200, srv.status(t, "/readyz"))
	require.NotContains(t, srv.log.String(), "hunter2")
	t.Logf("%d orders, %d new users", len(crowd.created), rotated())
	srv.terminate(t)
	require.Zero(t, srv.wait(t), "%s", srv.log)
	s.verify(t)
}

// listens tells whether the operations port is open.
func (srv *server) listens(t *testing.T) bool {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(srv.opsURL, "http://"))
	if err != nil {
		return false
	}
	return conn.Close() == nil
}
