package server

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/auth/oidc"
	"github.com/orderprocessing/orderprocessing/server/auth/password"
	"github.com/orderprocessing/orderprocessing/server/auth/tokens"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/identity"
	"github.com/orderprocessing/orderprocessing/server/pagetoken"
)

// AdminKeyFile is the file in the data folder that has the administrator's API key.
const AdminKeyFile = "admin.key"

// who is what tells who calls.
type who struct {
	cases    *identity.Service
	auth     auth.Authenticator
	keys     http.Handler // what others check our tokens with
	keysPath string
}

// openIdentity builds the use cases of identity over the stores, and makes the administrator's key at
// the first start. Where identity runs elsewhere there is only what proves who calls, from home. notice gets what a person must be told; it may be nil.
func openIdentity(ctx context.Context, cfg config.Config, notice io.Writer, stores *Stores, pages *pagetoken.Tokens) (*who, error) {
	hashKey, err := stores.Home.Key(ctx, "identity")
	if err != nil {
		return nil, err
	}
	access, err := tokens.New(ctx, tokens.Options{
		Keys: stores.Principals, Issuer: cfg.Auth.Issuer, Audience: cfg.Auth.Audience, Secret: cfg.Auth.KeySecret.Reveal(), Now: time.Now,
	})
	if err != nil {
		return nil, err
	}
	cases := identity.New(identity.Options{
		Store: stores.Principals, Audit: stores.Audit, Passwords: password.New(password.Recommended(), max(1, runtime.GOMAXPROCS(0)/2)),
		Tokens: access, Pages: pages, HashKey: hashKey, Now: time.Now,
	})
	if !cfg.Serves(config.ServiceIdentity) {
		return &who{auth: identity.NewAuthenticator(cases, outsideIssuer(cfg.Auth.OIDC))}, nil
	}
	if err := makeAdmin(ctx, cfg, notice, cases); err != nil {
		return nil, fmt.Errorf("make the administrator's key: %w", err)
	}
	return &who{
		cases: cases, auth: identity.NewAuthenticator(cases, outsideIssuer(cfg.Auth.OIDC)),
		keys: access.Handler(), keysPath: tokens.Path,
	}, nil
}

// outsideIssuer is nil for none.
func outsideIssuer(o config.OIDC) *oidc.Issuer {
	if o.Issuer == "" {
		return nil
	}
	return oidc.New(oidc.Options{
		Issuer: o.Issuer, Audience: o.Audience, RolesClaim: o.RolesClaim, CustomerClaim: o.CustomerClaim, Now: time.Now,
	})
}

// makeAdmin makes the administrator's key: the one that the configuration gives, or else one that goes
// into a file beside the embedded databases, or else one that is told once.
func makeAdmin(ctx context.Context, cfg config.Config, notice io.Writer, cases *identity.Service) error {
	switch {
	case cfg.Auth.AdminKey != "":
		return cases.GivenKey(ctx, cfg.Auth.AdminKey.Reveal())
	case !strings.HasPrefix(cfg.Store.Home.Reveal(), "postgres"):
		return makeAdminFile(ctx, filepath.Join(cfg.Data.Dir, AdminKeyFile), cases)
	case notice == nil:
		return nil
	}
	secret, err := cases.FirstKey(ctx, "first start")
	if err != nil || secret == "" {
		return err
	}
	_, err = fmt.Fprintf(notice, "This is the first start. The administrator's API key is\n\n  %s\n\nKeep it: it is not told again.\n", secret)
	return err
}

// makeAdminFile makes a key unless the file has one: who can write there can write the databases. The
// name tells the key from one whose file was lost.
func makeAdminFile(ctx context.Context, path string, cases *identity.Service) error {
	if kept, err := os.ReadFile(path); err == nil && len(kept) > 0 { //nolint:gosec // the operator names the folder
		return nil
	}
	secret, err := cases.FirstKey(ctx, fmt.Sprintf("%s %d", AdminKeyFile, time.Now().UnixNano()))
	if err != nil {
		return err
	}
	fresh := path + ".new"
	if err := os.WriteFile(fresh, []byte(secret+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}
