// Package redis keeps token buckets in Redis, where replicas share them: one server, or a cluster.
package redis

import (
	"context"
	_ "embed" // the script
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/orderprocessing/orderprocessing/server/ratelimit"
)

//go:embed take.lua
var takeScript string

// Buckets is a ratelimit.Buckets. A call is one round trip and touches one key, so that it works on a
// cluster; the clock is that of Redis, so that replicas need not agree on the time.
type Buckets struct {
	client redis.UniversalClient
	prefix string
	take   *redis.Script
}

// New keeps the buckets behind a client, which stays the caller's, under keys with a prefix.
func New(client redis.UniversalClient, prefix string) *Buckets {
	return &Buckets{client: client, prefix: prefix, take: redis.NewScript(takeScript)}
}

// Take implements ratelimit.Buckets. It fails when Redis does.
func (b *Buckets) Take(ctx context.Context, key string, limit ratelimit.Limit, tokens int) (ratelimit.Result, error) {
	times, err := b.take.Run(ctx, b.client, []string{b.prefix + key}, limit.Every().Microseconds(), limit.Burst, tokens).Int64Slice()
	if err != nil {
		return ratelimit.Result{}, fmt.Errorf("take from a bucket in Redis: %w", err)
	}
	if len(times) != 2 {
		return ratelimit.Result{}, errors.New("take from a bucket in Redis: the script answers otherwise than it should")
	}
	micros := func(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
	return ratelimit.Answer(limit, micros(times[0]), micros(times[1])), nil
}
