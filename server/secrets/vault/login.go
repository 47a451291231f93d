package vault

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/hashicorp/vault/api"

	"github.com/orderprocessing/orderprocessing/server/secrets"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// login is a user that Vault made for us, and its successors.
type login struct{ current atomic.Pointer[credentials] }

type credentials struct{ user, password string }

// Current implements secrets.Login.
func (l *login) Current() (user, password string) {
	now := l.current.Load()
	return now.user, now.password
}

// Login implements secrets.Keeper: it takes a user from a path such as database/creds/orders, renews its
// lease, and takes another one before it ends.
func (c *Client) Login(ctx context.Context, path string) (secrets.Login, error) {
	l := &login{}
	session := c.currentSession()
	lease, err := c.take(ctx, l, path)
	if err != nil {
		return nil, err
	}
	c.running.Go(func() { c.rotate(session, l, path, lease) })
	return l, nil
}

// take asks for a user, and puts it in use.
func (c *Client) take(ctx context.Context, l *login, path string) (*api.Secret, error) {
	secret, err := c.api.Logical().ReadWithContext(ctx, path)
	if err != nil {
		return nil, c.failed(path, err)
	}
	if secret == nil {
		c.metrics.called(outcomeMissing)
		return nil, fmt.Errorf("vault at %s, %s: there is nothing (404)", c.options.Address, path)
	}
	user, _ := secret.Data["username"].(string)
	password, _ := secret.Data["password"].(string)
	if user == "" || password == "" || secret.LeaseID == "" || secret.LeaseDuration < 1 {
		c.metrics.called(outcomeMissing)
		return nil, fmt.Errorf("vault at %s, %s: it lends no username and password, as database/creds/… does", c.options.Address, path)
	}
	c.metrics.called(outcomeOK)
	c.noteLife(path, seconds(secret.LeaseDuration))
	l.current.Store(&credentials{user, password})
	return secret, nil
}

// rotate goes on with a user, and with the next. What was lent within a session ends with its token, so each
// session takes its own.
func (c *Client) rotate(session context.Context, l *login, path string, lease *api.Secret) {
	for {
		c.keep(session, path, lent{life: seconds(lease.LeaseDuration), renewable: lease.Renewable}, func(ctx context.Context) (lent, error) {
			renewed, err := c.api.Sys().RenewWithContext(ctx, lease.LeaseID, 0)
			if err != nil || renewed == nil {
				return lent{}, err
			}
			return lent{life: seconds(renewed.LeaseDuration), renewable: renewed.Renewable}, nil
		})
		err := c.insist(c.ctx, path, func(ctx context.Context) (err error) {
			session = c.currentSession()
			fresh, err := c.take(ctx, l, path)
			if err == nil {
				lease = fresh
			}
			return err
		})
		if err != nil {
			return // closed
		}
		c.options.Logger.Info("new connections log in with a new user", slog.String(telemetry.LogPath, path))
	}
}
