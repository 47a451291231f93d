package discovery_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orderprocessing/orderprocessing/server/discovery"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// backend is a Resolver under test.
type backend struct {
	resolver discovery.Resolver
	set      func(addresses ...string) // where the service stock is from now on; nil when that never changes
}

// runSuite holds a Resolver to what Watch promises. make gives one whose service stock is at two
// addresses: 10.0.0.1:80 and 10.0.0.2:80.
func runSuite(t *testing.T, make func(*testing.T) backend) {
	t.Helper()
	t.Run("the addresses are told at once, sorted", func(t *testing.T) {
		w := watch(t, make(t).resolver, "stock")
		require.Equal(t, []string{"10.0.0.1:80", "10.0.0.2:80"}, w.next(t))
	})
	t.Run("a service that is nowhere has no address", func(t *testing.T) {
		w := watch(t, make(t).resolver, "none")
		require.Empty(t, w.next(t))
	})
	if b := make(t); b.set != nil { // a fixed list does not change
		t.Run("one that comes and one that goes are told", func(t *testing.T) {
			w := watch(t, b.resolver, "stock")
			require.Len(t, w.next(t), 2)
			b.set("10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80")
			w.until(t, "10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80")
			b.set("10.0.0.3:80")
			w.until(t, "10.0.0.3:80")
		})
	}
	t.Run("a watch ends with its context", func(t *testing.T) {
		w := watch(t, make(t).resolver, "stock")
		w.next(t)
		w.cancel()
		<-w.ended
	})
}

type watched struct {
	updates chan []string
	cancel  context.CancelFunc
	ended   chan struct{}
}

func watch(t *testing.T, r discovery.Resolver, service string) *watched {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &watched{updates: make(chan []string, 100), cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(w.ended)
		r.Watch(ctx, service, func(addresses []string, err error) {
			if err == nil {
				w.updates <- addresses
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		<-w.ended
	})
	return w
}

func (w *watched) next(t *testing.T) []string {
	t.Helper()
	select {
	case addresses := <-w.updates:
		return addresses
	case <-time.After(30 * time.Second):
		require.FailNow(t, "nothing was told")
		return nil
	}
}

// until waits for these addresses; those in between, while one after the other comes and goes, are told too.
func (w *watched) until(t *testing.T, addresses ...string) {
	t.Helper()
	for !slices.Equal(w.next(t), addresses) {
	}
}

func TestFixed(t *testing.T) {
	runSuite(t, func(*testing.T) backend {
		return backend{resolver: discovery.Fixed{"stock": {"10.0.0.2:80", "10.0.0.1:80"}}}
	})
}

// names is a DNS with one name.
type names struct {
	mu        sync.Mutex
	addresses []string
	failing   bool
}

func (n *names) lookup(_ context.Context, host string) ([]string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failing || host != "stock.test" {
		return nil, errors.New("no such host")
	}
	return n.addresses, nil
}

func (n *names) set(failing bool, addresses ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.failing, n.addresses = failing, addresses
}

func (n *names) resolver() discovery.DNS {
	return discovery.DNS{Names: map[string][]string{"stock": {"stock.test:80"}}, Every: 10 * time.Millisecond, LookupHost: n.lookup}
}

func TestDNS(t *testing.T) {
	runSuite(t, func(*testing.T) backend {
		n := &names{addresses: []string{"10.0.0.2", "10.0.0.1"}}
		return backend{resolver: n.resolver(), set: func(addresses ...string) {
			hosts := make([]string, len(addresses))
			for i, address := range addresses {
				hosts[i] = address[:len(address)-len(":80")]
			}
			n.set(false, hosts...)
		}}
	})
	t.Run("a failure is told, and what comes after it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n := &names{addresses: []string{"10.0.0.1"}}
			ctx, cancel := context.WithCancel(t.Context())
			var told []any
			go n.resolver().Watch(ctx, "stock", func(addresses []string, err error) {
				if err != nil {
					told = append(told, err.Error())
					return
				}
				told = append(told, addresses)
			})
			synctest.Wait()
			n.set(true)
			time.Sleep(10 * time.Millisecond) // in the bubble
			synctest.Wait()
			n.set(false, "10.0.0.2")
			time.Sleep(10 * time.Millisecond) // in the bubble
			synctest.Wait()
			cancel()
			synctest.Wait()
			require.Equal(t, []any{[]string{"10.0.0.1:80"}, "no such host", []string{"10.0.0.2:80"}}, told)
		})
	})
}
