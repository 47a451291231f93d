package main_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// gate is the one address of servers that come and go behind it. It counts what they answer, which
// tells how far an import is: each document that was acknowledged is some bytes.
type gate struct {
	url string

	mu       sync.Mutex
	backend  string // where the server listens now
	answered int64  // bytes since the last reset
	at       int64  // answered bytes at which to tell
	tell     chan struct{}
}

func newGate(t *testing.T) *gate {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	g := &gate{url: "http://" + listener.Addr().String()}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() {
		for {
			caller, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { g.pass(ctx, caller) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		stop()
		running.Wait()
	})
	return g
}

// to leads callers to a server.
func (g *gate) to(srv *server) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.backend = strings.TrimPrefix(srv.url, "http://")
}

// reset starts to count anew.
func (g *gate) reset() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answered = 0
}

// count is how many bytes were answered.
func (g *gate) count() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.answered
}

// reached gives a channel that is closed when this many bytes have been answered since the last
// reset. There is one at a time.
func (g *gate) reached(bytes int64) <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.at, g.tell = bytes, make(chan struct{})
	tell := g.tell
	g.check()
	return tell
}

func (g *gate) check() {
	if g.tell != nil && g.answered >= g.at {
		close(g.tell)
		g.tell = nil
	}
}

// pass connects a caller with the server until either of them goes away.
func (g *gate) pass(ctx context.Context, caller net.Conn) {
	defer caller.Close()
	g.mu.Lock()
	backend := g.backend
	g.mu.Unlock()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", backend)
	if err != nil {
		return
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	var asking sync.WaitGroup
	asking.Go(func() {
		_, _ = io.Copy(conn, caller) // until one of them is gone
		_ = conn.Close()
	})
	_, _ = io.Copy(io.MultiWriter(caller, (*meter)(g)), conn)
	_ = caller.Close()
	asking.Wait()
}

// meter counts what is written to it.
type meter gate

func (m *meter) Write(data []byte) (int, error) {
	g := (*gate)(m)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answered += int64(len(data))
	g.check()
	return len(data), nil
}
