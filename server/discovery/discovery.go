// Package discovery finds the processes that serve a service: by a fixed list, by DNS or by Consul. It
// tells a process's own place to Consul, and gives grpc-go what it finds, without those addresses that
// keep failing. Which services there are, and what they do, it does not know.
package discovery

import (
	"context"
	"slices"
)

// Resolver finds the addresses of services.
type Resolver interface {
	// Watch tells where a service is, host:port, sorted, at once and whenever that changes, until ctx
	// ends; then it returns. What cannot be found out is told as an error, and what was told before
	// still counts. It calls update from one goroutine.
	Watch(ctx context.Context, service string, update func(addresses []string, err error))
}

// Fixed is a Resolver that knows the addresses of each service from the beginning.
type Fixed map[string][]string

// Watch implements Resolver.
func (f Fixed) Watch(ctx context.Context, service string, update func([]string, error)) {
	update(slices.Sorted(slices.Values(f[service])), nil)
	<-ctx.Done()
}
