package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"

	"github.com/hashicorp/vault/api"

	"github.com/orderprocessing/orderprocessing/server/secrets"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// mount is where an engine is in the tree of paths.
type mount struct {
	path      string // with a slash at its end
	versioned bool   // KV 2, which keeps versions, and has the data one level down
}

// Read implements secrets.Keeper for the KV engines, of either version. While Vault is away it gives what it
// gave before.
func (c *Client) Read(ctx context.Context, r secrets.Reference) (string, error) {
	value, err := c.read(ctx, r)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.known[r] = value
		return value, nil
	}
	if before, ok := c.known[r]; ok && errors.Is(err, secrets.ErrAway) {
		c.options.Logger.WarnContext(ctx, "Vault is away; going on with what is known", slog.String(telemetry.LogPath, r.Path), slog.Any(telemetry.LogError, err))
		return before, nil
	}
	return "", err
}

func (c *Client) read(ctx context.Context, r secrets.Reference) (string, error) {
	m, err := c.mountOf(ctx, r.Path)
	if err != nil {
		return "", err
	}
	path, query := r.Path, url.Values{}
	if m.versioned {
		path = m.path + "data/" + strings.TrimPrefix(r.Path, m.path)
	}
	if r.Version > 0 {
		if !m.versioned {
			return "", fmt.Errorf("vault, %s: this engine keeps no versions", r.Path)
		}
		query.Set("version", strconv.Itoa(r.Version))
	}
	secret, err := c.api.Logical().ReadWithDataWithContext(ctx, path, query)
	if err != nil {
		return "", c.failed(path, err)
	}
	data, err := dataOf(secret, m)
	if err != nil {
		c.metrics.called(outcomeMissing)
		return "", fmt.Errorf("vault at %s, %s: %w", c.options.Address, path, err)
	}
	value, ok := textOf(data[r.Field])
	if !ok {
		c.metrics.called(outcomeMissing)
		return "", fmt.Errorf("vault at %s, %s: there is no field %q, or it is no text", c.options.Address, path, r.Field)
	}
	c.metrics.called(outcomeOK)
	return value, nil
}

// dataOf gives the fields of an answer.
func dataOf(secret *api.Secret, m mount) (map[string]any, error) {
	switch {
	case secret == nil:
		return nil, errors.New("there is nothing (404)")
	case secret.LeaseID != "":
		return nil, errors.New("what it gives changes; store.credentials takes users of databases")
	case !m.versioned:
		return secret.Data, nil
	}
	data, ok := secret.Data["data"].(map[string]any)
	if !ok {
		return nil, errors.New("this version was deleted")
	}
	return data, nil
}

// textOf takes text, and numbers as they were written.
func textOf(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, v != ""
	case json.Number:
		return v.String(), true
	}
	return "", false
}

// mountOf asks which engine has a path, as Vault's own command does.
func (c *Client) mountOf(ctx context.Context, path string) (mount, error) {
	c.mu.Lock()
	for prefix, m := range c.mounts {
		if strings.HasPrefix(path, prefix) {
			c.mu.Unlock()
			return m, nil
		}
	}
	c.mu.Unlock()
	secret, err := c.api.Logical().ReadWithContext(ctx, "sys/internal/ui/mounts/"+path)
	if err != nil {
		return mount{}, c.failed(path, err)
	}
	if secret == nil {
		return mount{}, fmt.Errorf("vault at %s, %s: no engine is mounted there", c.options.Address, path)
	}
	at, _ := secret.Data["path"].(string)
	options, _ := secret.Data["options"].(map[string]any)
	m := mount{path: at, versioned: secret.Data["type"] == "kv" && options["version"] == "2"}
	if at == "" {
		return mount{}, fmt.Errorf("vault at %s, %s: it does not tell which engine is there", c.options.Address, path)
	}
	c.mu.Lock()
	c.mounts[at] = m
	c.mu.Unlock()
	return m, nil
}
