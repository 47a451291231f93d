package vault

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/orderprocessing/orderprocessing/server/pause"
	"github.com/orderprocessing/orderprocessing/server/secrets"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// begin starts a session with a token.
func (c *Client) begin(token *api.Secret) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.endSession != nil {
		c.endSession()
	}
	c.session, c.endSession = context.WithCancel(c.ctx)
	c.noteLife(tokenName, seconds(token.Auth.LeaseDuration))
}

// tokenName stands for our own token where paths are told.
const tokenName = "token"

func (c *Client) currentSession() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// stayLoggedIn renews the token, and logs in anew when it cannot be renewed any more.
func (c *Client) stayLoggedIn(token *api.Secret) {
	for {
		if token.Auth.LeaseDuration == 0 { // such as the root's
			<-c.ctx.Done()
			return
		}
		c.keep(c.ctx, tokenName, lent{life: seconds(token.Auth.LeaseDuration), renewable: token.Auth.Renewable}, func(ctx context.Context) (lent, error) {
			renewed, err := c.api.Auth().Token().RenewSelfWithContext(ctx, 0)
			if err != nil || renewed == nil || renewed.Auth == nil {
				return lent{}, err
			}
			return lent{life: seconds(renewed.Auth.LeaseDuration), renewable: renewed.Auth.Renewable}, nil
		})
		err := c.insist(c.ctx, tokenName, func(ctx context.Context) (err error) {
			token, err = c.options.Auth.login(ctx, c)
			return err
		})
		if err != nil {
			return // closed
		}
		c.begin(token)
		c.options.Logger.Info("logged in to Vault anew")
	}
}

// lent is for how long something is ours.
type lent struct {
	life      time.Duration
	renewable bool
}

// keep renews what was lent, as long as that is worth it. It returns when it must be replaced, while there is
// still a third of its life or so for those who use it.
func (c *Client) keep(ctx context.Context, path string, l lent, renew func(context.Context) (lent, error)) {
	whole, ends := l.life, time.Now().Add(l.life)
	for {
		left := time.Until(ends)
		// Two thirds, spread, so that replicas do not come all at once.
		if pause.For(ctx, left*2/3-rand.N(left/10+1)) != nil || !l.renewable { //nolint:gosec // it spreads load, it hides nothing
			return
		}
		next, err := renew(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			err = c.failed(path, err)
			c.options.Logger.Warn("Vault does not renew; going on with what is known", slog.String(telemetry.LogPath, path), slog.Any(telemetry.LogError, err))
			if !errors.Is(err, secrets.ErrAway) || time.Until(ends) < whole/10 {
				return
			}
		case next.life < whole/2: // it comes to its longest life
			return
		default:
			c.metrics.called(outcomeOK)
			l, ends = next, time.Now().Add(next.life)
			c.noteLife(path, next.life)
		}
	}
}

// insist tries until it succeeds or the context ends.
func (c *Client) insist(ctx context.Context, path string, try func(context.Context) error) error {
	for wait := firstPause; ; wait = min(2*wait, longestPause) {
		err := try(ctx)
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		c.options.Logger.Error("Vault does not give what we need; going on with what is known", slog.String(telemetry.LogPath, path),
			slog.Duration(telemetry.LogRetryAfter, wait), slog.Any(telemetry.LogError, err))
		if pause.For(ctx, wait+rand.N(wait/4)) != nil { //nolint:gosec // it spreads load, it hides nothing
			return ctx.Err()
		}
	}
}

func (c *Client) noteLife(path string, life time.Duration) {
	if life > 0 {
		c.metrics.expires(path, time.Now().Add(life))
	}
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
