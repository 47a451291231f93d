// Package redis caches in Redis, where replicas share: one server, or a cluster.
package redis

import (
	"context"
	_ "embed" // the scripts
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/orderprocessing/orderprocessing/server/cache"
)

var (
	//go:embed get.lua
	getScript string
	//go:embed fill.lua
	fillScript string
	//go:embed update.lua
	updateScript string
)

// leaseFor is how long a lease waits for its entry: longer than loading one takes.
const leaseFor = 5 * time.Minute

// Cache is a cache.Cache. Each call touches one key at a time, so that it works on a cluster, and is
// one script, so that nothing comes between looking and storing.
type Cache struct {
	client            redis.UniversalClient
	prefix            string
	get, fill, update *redis.Script
}

var _ cache.Cache = (*Cache)(nil)

// New caches behind a client, which stays the caller's, under keys with a prefix.
func New(client redis.UniversalClient, prefix string) *Cache {
	return &Cache{
		client: client, prefix: prefix,
		get: redis.NewScript(getScript), fill: redis.NewScript(fillScript), update: redis.NewScript(updateScript),
	}
}

// name is the key in Redis. What is in braces says which server of a cluster has it.
func (c *Cache) name(key string) string { return c.prefix + "{" + key + "}" }

func (c *Cache) channel() string { return c.prefix + "changes" }

// Get implements cache.Cache.
func (c *Cache) Get(ctx context.Context, key string) (cache.Entry, cache.Lease, error) {
	lease := strconv.FormatUint(rand.Uint64()|1, 10) //nolint:gosec // unique is enough
	found, err := c.get.Run(ctx, c.client, []string{c.name(key)}, lease, leaseFor.Milliseconds()).Text()
	if err != nil {
		return cache.Entry{}, 0, fmt.Errorf("read from Redis: %w", err)
	}
	version, rest, _ := strings.Cut(found, ":")
	if version == "" {
		n, err := strconv.ParseUint(rest, 10, 64)
		if err != nil {
			return cache.Entry{}, 0, fmt.Errorf("read a lease from Redis: %w", err)
		}
		return cache.Entry{}, cache.Lease(n), nil
	}
	n, err := strconv.ParseInt(version, 10, 64)
	if err != nil {
		return cache.Entry{}, 0, fmt.Errorf("read a version from Redis: %w", err)
	}
	return cache.Entry{Version: n, Value: []byte(rest)}, 0, nil
}

// Fill implements cache.Cache.
func (c *Cache) Fill(ctx context.Context, key string, lease cache.Lease, e cache.Entry, expiry time.Duration) (bool, error) {
	filled, err := c.fill.Run(ctx, c.client, []string{c.name(key)},
		uint64(lease), e.Version, e.Value, expiry.Milliseconds()).Bool()
	if err != nil {
		return false, fmt.Errorf("fill Redis: %w", err)
	}
	return filled, nil
}

// Update implements cache.Cache, and tells those who Listen. All updates are one round trip to each
// server; when it fails some may have been made.
func (c *Cache) Update(ctx context.Context, updates ...cache.Update) error {
	err := c.send(ctx, updates)
	if redis.HasErrorPrefix(err, "NOSCRIPT") { // a server that is new
		if err = c.update.Load(ctx, c.client).Err(); err == nil {
			err = c.send(ctx, updates)
		}
	}
	if err != nil {
		return fmt.Errorf("update Redis: %w", err)
	}
	return nil
}

func (c *Cache) send(ctx context.Context, updates []cache.Update) error {
	_, err := c.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, u := range updates {
			var value []byte
			if u.Value != nil {
				value = u.Value()
			}
			c.update.EvalSha(ctx, p, []string{c.name(u.Key)}, u.Version, value, u.Expiry.Milliseconds(), c.channel(), u.Key)
		}
		return nil
	})
	return err
}
