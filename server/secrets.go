package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/secrets"
	"github.com/orderprocessing/orderprocessing/server/secrets/vault"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// loginOf gives who logs in to a database of a name, such as shard-0; nil for who its URL says.
type loginOf func(ctx context.Context, database string) (database.Login, error)

// keeper keeps the secrets that settings name. Without vault.address it keeps none, and asks nobody.
type keeper struct {
	client      *vault.Client // nil for none
	credentials string        // path of users of databases; empty for those in the URLs
}

// openSecrets logs in to Vault; connect says what to do while it is away. What it gives is to be stopped though it
// fails.
func openSecrets(
	ctx context.Context, cfg config.Config, logger *slog.Logger, registry prometheus.Registerer, connect func(context.Context, *vault.Client) error,
) (*keeper, error) {
	k := &keeper{}
	if cfg.Vault.Address == "" {
		return k, nil
	}
	var err error
	if cfg.Store.Credentials != "" {
		if k.credentials, err = secrets.ParsePath(strings.ReplaceAll(cfg.Store.Credentials, config.DatabaseMark, databaseMark)); err != nil {
			return k, fmt.Errorf("store.credentials: %w", err)
		}
	}
	k.client, err = vault.New(vault.Options{
		Address: cfg.Vault.Address, Namespace: cfg.Vault.Namespace, CAFile: cfg.Vault.CAFile, Auth: vaultAuth(cfg.Vault),
		Logger: logger, Registry: registry,
	})
	if err == nil {
		err = connect(ctx, k.client)
	}
	return k, err
}

// databaseMark stands for config.DatabaseMark where braces are no part of a path.
const databaseMark = "-database-"

func vaultAuth(v config.Vault) vault.Auth {
	switch v.Auth {
	case config.VaultAppRole:
		return vault.AppRole{Mount: v.Mount, RoleID: v.RoleID, SecretID: v.SecretID.Reveal()}
	case config.VaultKubernetes:
		return vault.Kubernetes{Mount: v.Mount, Role: v.Role, JWTFile: v.JWTFile}
	default:
		return vault.Token(v.Token.Reveal())
	}
}

// resolve puts the secrets that settings name in their places.
func (k *keeper) resolve(ctx context.Context, cfg config.Config) (config.Config, error) {
	if !cfg.HasReferences() {
		return cfg, nil
	}
	if k.client == nil {
		return config.Config{}, errors.New("settings name secrets of Vault, and this process began without vault.address: restart it")
	}
	return cfg.Resolve(ctx, k.client.Read)
}

// login implements loginOf.
func (k *keeper) login(ctx context.Context, name string) (database.Login, error) {
	if k.credentials == "" {
		return nil, nil //nolint:nilnil // see loginOf
	}
	l, err := k.client.Login(ctx, strings.ReplaceAll(k.credentials, databaseMark, name))
	if err != nil {
		return nil, fmt.Errorf("store.credentials: %w", err)
	}
	return l.Current, nil
}

// checks tell whether Vault is there. The process goes on without it.
func (k *keeper) checks() []Check {
	if k.client == nil {
		return nil
	}
	return []Check{{Name: "vault", Optional: true, Run: k.client.Ready}}
}

func (k *keeper) stop(ctx context.Context) error {
	if k.client == nil {
		return nil
	}
	return k.client.Close(ctx)
}

// ResolveSecrets gives the settings of a command that ends by itself: secrets of Vault are in their places, and
// users of databases in the URLs. A server does it itself, and keeps them fresh.
func ResolveSecrets(ctx context.Context, cfg config.Config) (_ config.Config, err error) {
	k, err := openSecrets(ctx, cfg, slog.New(slog.DiscardHandler), nil, func(ctx context.Context, c *vault.Client) error { return c.Connect(ctx) })
	defer func() { err = errors.Join(err, k.stop(ctx)) }()
	if err != nil {
		return config.Config{}, err
	}
	if cfg, err = k.resolve(ctx, cfg); err != nil || k.credentials == "" {
		return cfg, err
	}
	all := Databases(cfg)
	for i := range all {
		if all[i], err = k.inURL(ctx, all[i], databaseName(i)); err != nil {
			return config.Config{}, err
		}
	}
	cfg.Store.Home, cfg.Store.Shards = all[0], all[1:]
	return cfg, nil
}

// inURL puts a user into the URL of a Postgres database.
func (k *keeper) inURL(ctx context.Context, location config.DatabaseURL, name string) (config.DatabaseURL, error) {
	u, err := url.Parse(location.Reveal())
	if err != nil || !isPostgres(location) {
		return location, nil //nolint:nilerr // who opens it says what is wrong
	}
	login, err := k.login(ctx, name)
	if err != nil {
		return "", err
	}
	u.User = url.UserPassword(login())
	return config.DatabaseURL(u.String()), nil
}

func isPostgres(location config.DatabaseURL) bool {
	scheme, _, _ := strings.Cut(location.Reveal(), ":")
	return scheme == "postgres" || scheme == "postgresql"
}

// databaseName names a database by its place in Databases.
func databaseName(i int) string {
	if i == 0 {
		return "home"
	}
	return fmt.Sprintf("shard-%d", i-1)
}

// vaultPause is how long a process that starts waits before it tries Vault again.
const vaultPause = 2 * time.Second

// waitForVault logs in, and waits while Vault is away: until then the operations port says that the process is
// live, not ready, and why.
func waitForVault(cfg config.Config, logger *slog.Logger, t *telemetry.Telemetry) func(context.Context, *vault.Client) error {
	return func(ctx context.Context, c *vault.Client) error {
		first := c.Connect(ctx)
		if !errors.Is(first, secrets.ErrAway) {
			return first
		}
		var latest atomic.Pointer[error]
		latest.Store(&first)
		health := NewHealth(logger, Check{Name: "vault", Run: func(context.Context) error { return *latest.Load() }})
		listener, listenErr := listen(ctx, cfg.Ops.Host, cfg.Ops.Port)
		if listenErr != nil {
			return fmt.Errorf("open the operations port (ops.port): %w", listenErr)
		}
		ops := &http.Server{Handler: NewOps(health, t.Registry), ReadHeaderTimeout: cfg.Server.ReadHeaderTimeout}
		var serving sync.WaitGroup
		serving.Go(func() { _ = ops.Serve(listener) }) // until it is closed
		defer serving.Wait()
		defer ops.Close()
		err := first
		for errors.Is(err, secrets.ErrAway) {
			logger.WarnContext(ctx, "waiting for Vault", slog.String(telemetry.LogOpsAddress, listener.Addr().String()),
				slog.Duration(telemetry.LogRetryAfter, vaultPause), slog.Any(telemetry.LogError, err))
			select {
			case <-time.After(vaultPause):
			case <-ctx.Done():
				return ctx.Err()
			}
			if err = c.Connect(ctx); err != nil {
				now := err
				latest.Store(&now)
			}
		}
		return err
	}
}
