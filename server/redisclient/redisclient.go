// Package redisclient makes clients of Redis, one server or a cluster, for whoever can go on without it.
package redisclient

import (
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
)

const dialTimeout = time.Second

// Open makes a client of one server, or of a cluster when several are named, by URLs such as
// redis://user:password@host:6379/0, rediss:// with TLS. The name, password and TLS of the first are
// those of all. It does not connect. Clients log nothing in this process from then on: every failure is
// an error that its caller gets, and Redis being away would else be a line for each try.
func Open(urls ...string) (redis.UniversalClient, error) {
	var o redis.UniversalOptions
	for i, location := range urls {
		parsed, err := redis.ParseURL(location)
		if err != nil {
			return nil, fmt.Errorf("URL %d of Redis cannot be read", i+1) // its text may show the password
		}
		o.Addrs = append(o.Addrs, parsed.Addr)
		if i == 0 {
			o.Username, o.Password, o.DB, o.TLSConfig = parsed.Username, parsed.Password, parsed.DB, parsed.TLSConfig
		}
	}
	switch {
	case len(urls) == 0:
		return nil, errors.New("no URL of Redis")
	case len(urls) > 1 && o.DB != 0:
		return nil, errors.New("a cluster of Redis has no numbered databases")
	case len(urls) > 1 && o.TLSConfig != nil:
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12} // each server is asked for its own name
	}
	o.DialTimeout = dialTimeout
	o.ContextTimeoutEnabled = true        // a caller says by its context how long it waits
	o.MaxRetries, o.DialerRetries = -1, 1 // who asks has something better to do than to wait
	logging.Disable()
	return redis.NewUniversalClient(&o), nil
}
