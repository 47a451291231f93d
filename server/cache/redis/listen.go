package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// silence is how long nothing may come before the server is asked whether it is there, and then how
	// long it may take to say so.
	silence = time.Second
	// reconnectAfter is the pause before a lost subscription is tried again.
	reconnectAfter = 200 * time.Millisecond
)

// Listen hears of the updates of all replicas, this one too, until the context ends. It calls on when
// it begins to hear of every update, off when it may have missed some, with the reason, and changed for
// each update; never two at a time.
func (c *Cache) Listen(ctx context.Context, on func(), off func(error), changed func(key string, version int64)) {
	for {
		err := c.follow(ctx, on, changed)
		if ctx.Err() != nil {
			return
		}
		off(err)
		select {
		case <-time.After(reconnectAfter):
		case <-ctx.Done():
			return
		}
	}
}

// follow is one subscription, until it fails.
func (c *Cache) follow(ctx context.Context, on func(), changed func(string, int64)) error {
	subscription := c.client.Subscribe(ctx)
	closed := context.AfterFunc(ctx, func() { _ = subscription.Close() })
	defer func() {
		if closed() {
			_ = subscription.Close()
		}
	}()
	if err := subscription.Subscribe(ctx, c.channel()); err != nil {
		return err
	}
	heard, asked := false, false
	for {
		received, err := subscription.ReceiveTimeout(ctx, silence)
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() && !asked {
			asked = true
			err = subscription.Ping(ctx)
			if err == nil {
				continue
			}
		}
		if err != nil {
			return fmt.Errorf("listen to Redis: %w", err)
		}
		asked = false
		switch message := received.(type) {
		case *redis.Subscription:
			if heard { // the client has subscribed anew, behind our back
				return errors.New("listen to Redis: the subscription was lost")
			}
			heard = true
			on()
		case *redis.Message:
			version, key, _ := strings.Cut(message.Payload, ":")
			n, err := strconv.ParseInt(version, 10, 64)
			if err != nil {
				return fmt.Errorf("listen to Redis: %w", err)
			}
			changed(key, n)
		}
	}
}
