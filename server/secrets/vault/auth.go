package vault

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/hashicorp/vault/api"
)

// Auth is how we prove who we are: one of Token, AppRole and Kubernetes.
type Auth interface {
	// login gives what Vault lent us, and makes the client call with it.
	login(ctx context.Context, c *Client) (*api.Secret, error)
}

// Token is a token that somebody made for us. It is renewed if it can be; when it has ended we go on with
// what is known.
type Token string

func (t Token) login(ctx context.Context, c *Client) (*api.Secret, error) {
	c.api.SetToken(string(t))
	self, err := c.api.Auth().Token().LookupSelfWithContext(ctx)
	if err != nil {
		return nil, c.failed("auth/token/lookup-self", err)
	}
	c.metrics.called(outcomeOK)
	renewable, err := self.TokenIsRenewable()
	if err != nil {
		return nil, fmt.Errorf("read the token of Vault: %w", err)
	}
	life, err := self.TokenTTL()
	if err != nil {
		return nil, fmt.Errorf("read the token of Vault: %w", err)
	}
	return &api.Secret{Auth: &api.SecretAuth{ClientToken: string(t), Renewable: renewable, LeaseDuration: int(life.Seconds())}}, nil
}

// AppRole is a role of Vault for machines.
type AppRole struct{ Mount, RoleID, SecretID string }

func (a AppRole) login(ctx context.Context, c *Client) (*api.Secret, error) {
	return c.loginAt(ctx, orElse(a.Mount, "approle"), map[string]any{"role_id": a.RoleID, "secret_id": a.SecretID})
}

// Kubernetes is the service account of a pod. Its token is read at each login: the kubelet renews it.
type Kubernetes struct{ Mount, Role, JWTFile string }

func (k Kubernetes) login(ctx context.Context, c *Client) (*api.Secret, error) {
	jwt, err := os.ReadFile(k.JWTFile)
	if err != nil {
		return nil, fmt.Errorf("vault.jwt_file: %w", err)
	}
	return c.loginAt(ctx, orElse(k.Mount, "kubernetes"), map[string]any{"role": k.Role, "jwt": strings.TrimSpace(string(jwt))})
}

func (c *Client) loginAt(ctx context.Context, mount string, data map[string]any) (*api.Secret, error) {
	path := "auth/" + strings.Trim(mount, "/") + "/login"
	// Not with the token that ends: its end is no reason to be refused.
	fresh, err := c.api.CloneWithHeaders()
	if err != nil {
		return nil, fmt.Errorf("build the client of Vault: %w", err)
	}
	fresh.ClearToken()
	secret, err := fresh.Logical().WriteWithContext(ctx, path, data)
	if err != nil {
		return nil, c.failed(path, err)
	}
	if secret == nil || secret.Auth == nil || secret.Auth.ClientToken == "" {
		return nil, fmt.Errorf("vault at %s, %s: it gave no token", c.options.Address, path)
	}
	c.metrics.called(outcomeOK)
	c.api.SetToken(secret.Auth.ClientToken)
	return secret, nil
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
