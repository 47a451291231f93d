//go:build vault

package vault

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/secrets"
	"github.com/orderprocessing/orderprocessing/server/secrets/vault/vaulttest"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
)

const patience = time.Minute

const policy = `
path "secret/data/shop" { capabilities = ["read"] }
path "secret/data/gone" { capabilities = ["read"] }
path "database/creds/orders" { capabilities = ["read"] }
`

// vaultOf is a real Vault with secrets in it, and a client of it.
func vaultOf(t *testing.T) (*vaulttest.Server, *Client, *notes) {
	t.Helper()
	s := vaulttest.Start(t)
	s.Mount(t, "secret", "kv", map[string]string{"version": "2"})
	s.Write(t, "secret/data/shop", map[string]any{"data": map[string]any{"key": "one", "port": 5}})
	s.Write(t, "secret/data/shop", map[string]any{"data": map[string]any{"key": "two"}})
	s.Write(t, "secret/data/other", map[string]any{"data": map[string]any{"key": "hunter2"}})
	require.NoError(t, s.API.Sys().EnableAuthWithOptionsWithContext(t.Context(), "approle", &api.EnableAuthOptions{Type: "approle"}))
	roleID, secretID := s.AppRole(t, "shop", policy, "30s")
	out := &notes{}
	c, err := New(Options{
		Address: s.Address, Auth: AppRole{RoleID: roleID, SecretID: secretID},
		Logger: slog.New(slog.NewTextHandler(out, nil)), Registry: prometheus.NewRegistry(),
	})
	require.NoError(t, err)
	require.NoError(t, c.Connect(t.Context()))
	t.Cleanup(func() {
		require.NoError(t, c.Close(context.Background()))
		c.api.CloneConfig().HttpClient.CloseIdleConnections()
		s.API.CloneConfig().HttpClient.CloseIdleConnections()
		require.NotContains(t, out.String(), "hunter2")
	})
	return s, c, out
}

func TestVault_Read(t *testing.T) {
	s, c, _ := vaultOf(t)
	read := func(r secrets.Reference) (string, error) { return c.Read(t.Context(), r) }
	shop := secrets.Reference{Path: "secret/shop", Field: "key"}
	value, err := read(shop)
	require.NoError(t, err)
	require.Equal(t, "two", value)
	value, err = read(secrets.Reference{Path: "secret/shop", Field: "port", Version: 1})
	require.NoError(t, err)
	require.Equal(t, "5", value)
	for want, r := range map[string]secrets.Reference{
		"secret/data/shop: there is no field \"kye\"": {Path: "secret/shop", Field: "kye"},
		"secret/data/gone: there is nothing (404)":    {Path: "secret/gone", Field: "a"},
		"secret/data/other: denied (403)":             {Path: "secret/other", Field: "key"},
		"nowhere/shop: denied (403)":                  {Path: "nowhere/shop", Field: "key"},
		"secret/data/shop: there is nothing (404)":    {Path: "secret/shop", Field: "key", Version: 9},
	} {
		_, err := read(r)
		require.ErrorContains(t, err, want)
	}
	s.Write(t, "secret/delete/shop", map[string]any{"versions": []int{1}})
	_, err = read(secrets.Reference{Path: "secret/shop", Field: "key", Version: 1})
	require.ErrorContains(t, err, "this version was deleted")

	// Sealed, killed, started again: what is known is given, and what is new when it is back.
	require.NoError(t, c.Ready(t.Context()))
	require.NoError(t, s.API.Sys().SealWithContext(t.Context()))
	value, err = read(shop)
	require.NoError(t, err)
	require.Equal(t, "two", value)
	require.ErrorIs(t, c.Ready(t.Context()), secrets.ErrAway)
	_, err = read(secrets.Reference{Path: "secret/shop", Field: "new"})
	require.ErrorIs(t, err, secrets.ErrAway)
	require.ErrorContains(t, err, "sealed")
	s.Kill()
	_, err = read(shop)
	require.NoError(t, err)
	s.Restart(t)
	s.Unseal(t)
	s.Write(t, "secret/data/shop", map[string]any{"data": map[string]any{"key": "three"}})
	value, err = read(shop)
	require.NoError(t, err)
	require.Equal(t, "three", value)
}

func TestVault_Login(t *testing.T) {
	s, c, out := vaultOf(t)
	location := pgtest.EmptyURL(t)
	owner, err := database.Open(t.Context(), location, database.Options{})
	require.NoError(t, err)
	defer owner.Close()
	u, err := url.Parse(location)
	require.NoError(t, err)
	group := fmt.Sprintf("orders_%d", time.Now().UnixNano())
	for _, statement := range []string{
		"CREATE ROLE " + group, "CREATE TABLE calls (id bigserial PRIMARY KEY, who text)",
		"GRANT SELECT, INSERT ON calls TO " + group, "GRANT USAGE ON SEQUENCE calls_id_seq TO " + group,
	} {
		_, err := owner.Write.ExecContext(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	s.Mount(t, "database", "database", nil)
	password, _ := u.User.Password()
	template := *u
	template.User = nil
	templated := "postgresql://{{username}}:{{password}}@" + u.Host + u.Path + "?" + u.RawQuery
	s.Write(t, "database/config/shop", map[string]any{
		"plugin_name": "postgresql-database-plugin", "allowed_roles": "orders", "connection_url": templated,
		"username": u.User.Username(), "password": orElse(password, "none"),
	})
	s.Write(t, "database/roles/orders", map[string]any{
		"db_name": "shop", "default_ttl": "6s", "max_ttl": "12s",
		"creation_statements": `CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' IN ROLE ` + group,
	})
	l, err := c.Login(t.Context(), "database/creds/orders")
	require.NoError(t, err)
	db, err := database.Open(t.Context(), template.String(), database.Options{Login: l.Current, MaxConnections: 4})
	require.NoError(t, err)
	defer db.Close()

	// Calls go on while users come and go, and while Vault is killed and started again.
	var calls sync.WaitGroup
	var done, failed atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	for range 4 {
		calls.Go(func() {
			for ctx.Err() == nil {
				if err := insert(t.Context(), db.Write); err != nil {
					failed.Add(1)
					t.Error(err)
					return
				}
				done.Add(1)
				time.Sleep(5 * time.Millisecond) // the machine is not to be loaded
			}
		})
	}
	users := func() (n int) {
		require.NoError(t, owner.Read.QueryRowContext(t.Context(), "SELECT count(DISTINCT who) FROM calls").Scan(&n))
		return n
	}
	require.Eventually(t, func() bool { return users() >= 3 }, patience, 100*time.Millisecond, "%s", out)
	s.Kill()
	s.Restart(t)
	s.Unseal(t)
	seen := users()
	require.Eventually(t, func() bool { return users() >= seen+2 }, patience, 100*time.Millisecond, "%s", out)
	stop()
	calls.Wait()
	require.Zero(t, failed.Load())
	t.Logf("%d calls by %d users", done.Load(), users())
	require.Eventually(t, func() bool { // Vault drops them in the end
		var left int
		require.NoError(t, owner.Read.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'v-%' AND pg_has_role(oid, $1::regrole, 'member')", group).Scan(&left))
		return left < users()
	}, patience, 100*time.Millisecond)
}

func insert(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if _, err = tx.ExecContext(ctx, "INSERT INTO calls (who) VALUES (current_user)"); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}
