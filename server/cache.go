package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/orderprocessing/orderprocessing/server/cache/memory"
	"github.com/orderprocessing/orderprocessing/server/cache/redis"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/redisclient"
	"github.com/orderprocessing/orderprocessing/server/store/cached"
)

// cachePrefix begins every key of the copies in Redis.
const cachePrefix = "orderprocessing:cache:"

// newCopies builds the copies of orders, and the part that keeps them; nil when none are to be kept, or orders
// run elsewhere: only they read them.
// Copies in this process need to hear of every change: by Redis, or because nobody else has the databases,
// which are files then.
func newCopies(cfg config.Config, logger *slog.Logger, registry prometheus.Registerer) (*cached.Copies, Part, error) {
	part := Part{Name: "copies of orders"}
	if !cfg.Serves(config.ServiceOrders) {
		return nil, part, nil
	}
	o := cached.Options{MaxAge: cfg.Cache.MaxAge, Log: logger, Registry: registry}
	closeClient := func() error { return nil }
	if len(cfg.Cache.Redis) > 0 {
		client, err := redisclient.Open(config.Reveal(cfg.Cache.Redis)...)
		if err != nil {
			return nil, part, fmt.Errorf("cache.redis: %w", err)
		}
		o.Shared, closeClient = redis.New(client, cachePrefix), client.Close
		part.Checks = []Check{{Name: "redis-cache", Optional: true, Run: func(ctx context.Context) error { return client.Ping(ctx).Err() }}}
	}
	if cfg.Cache.MemoryBytes > 0 && (o.Shared != nil || ownsDatabases(cfg)) {
		var err error
		if o.Memory, err = memory.New(cfg.Cache.MemoryBytes, time.Now); err != nil {
			return nil, part, errors.Join(fmt.Errorf("cache.memory_bytes: %w", err), closeClient())
		}
	}
	if o.Memory == nil && o.Shared == nil {
		return nil, part, nil
	}
	copies := cached.New(o)
	part.Start = copies.Start
	part.Stop = func(ctx context.Context) error { return errors.Join(copies.Stop(ctx), closeClient()) }
	return copies, part, nil
}

// ownsDatabases tells whether this process alone has the databases of the orders.
func ownsDatabases(cfg config.Config) bool {
	return !slices.ContainsFunc(Databases(cfg)[1:], func(u config.DatabaseURL) bool {
		return !strings.HasPrefix(u.Reveal(), "sqlite:")
	})
}
