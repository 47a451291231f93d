package discovery

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"
)

// DNS is a Resolver that looks names up again and again: every address of a name is a process.
type DNS struct {
	Names map[string][]string // host:port, by service
	Every time.Duration       // more than 0
	// LookupHost gives the addresses of a host; nil asks the system.
	LookupHost func(ctx context.Context, host string) ([]string, error)
}

// Watch implements Resolver.
func (d DNS) Watch(ctx context.Context, service string, update func([]string, error)) {
	ticker := time.NewTicker(d.Every)
	defer ticker.Stop()
	var last []string
	for first := true; ; first = false {
		found, err := d.lookup(ctx, d.Names[service])
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			update(nil, err)
		case first || !slices.Equal(found, last):
			last = found
			update(found, nil)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// lookup gives all addresses of all names, or an error when any cannot be looked up.
func (d DNS) lookup(ctx context.Context, names []string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, d.Every)
	defer cancel()
	lookupHost := d.LookupHost
	if lookupHost == nil {
		lookupHost = net.DefaultResolver.LookupHost
	}
	var found []string
	for _, name := range names {
		host, port, err := net.SplitHostPort(name)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
		addresses, err := lookupHost(ctx, host)
		if err != nil {
			return nil, err
		}
		for _, address := range addresses {
			found = append(found, net.JoinHostPort(address, port))
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}
