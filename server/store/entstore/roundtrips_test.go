package entstore_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"maps"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

// TestRoundTrips holds the hot path to one round trip of statements that are prepared already: the order and its saga.
func TestRoundTrips(t *testing.T) {
	w := newWire(t, storetest.Postgres(1)(t)[0])
	s := entstore.New(openDatabase(t, w.url), entstore.Options{Now: time.Now, Follow: placing{}, Starter: &starter{dialect: database.Postgres}})
	t.Cleanup(func() { require.NoError(t, s.Close(context.WithoutCancel(t.Context()))) })
	create := func(request string) {
		_, err := s.CreateOrder(t.Context(), newOrder("cus_1", request))
		require.NoError(t, err)
	}
	create("prepares")
	before := w.sent()
	create("one trip")
	after := w.sent()
	require.Equal(t, 1, after['S']-before['S'], "a sync ends a trip")
	require.Zero(t, after['P']-before['P'], "nothing is parsed again")
	require.Equal(t, 2, after['E']-before['E'], "an order and its saga")
}

// wire is a way to a server of Postgres that counts the messages to it by their kind.
type wire struct {
	url    string
	mu     sync.Mutex
	counts map[byte]int
}

func newWire(t *testing.T, target string) *wire {
	t.Helper()
	u, err := url.Parse(target)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it ends with the test
	require.NoError(t, err)
	w := &wire{counts: map[byte]int{}}
	var ways sync.WaitGroup
	t.Cleanup(func() { _ = listener.Close(); ways.Wait() })
	server := u.Host
	ways.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			ways.Go(func() { w.carry(client, server) })
		}
	})
	u.Host = listener.Addr().String()
	w.url = u.String()
	return w
}

func (w *wire) sent() map[byte]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.counts)
}

// carry counts what goes to the server before it goes there: a start without a kind, then messages with one, each
// with its length.
func (w *wire) carry(client net.Conn, address string) {
	defer client.Close()
	server, err := net.Dial("tcp", address) //nolint:noctx // it ends with the client
	if err != nil {
		return
	}
	defer server.Close()
	go func() { _, _ = io.Copy(client, server) }()
	in := bufio.NewReader(client)
	for head := 4; ; head = 5 {
		start, err := in.Peek(head)
		if err != nil {
			return
		}
		kind, length := start[0], int(binary.BigEndian.Uint32(start[head-4:]))
		if head == 4 {
			kind = 0
		}
		w.mu.Lock()
		w.counts[kind]++
		w.mu.Unlock()
		if _, err := io.CopyN(server, in, int64(head-4+length)); err != nil {
			return
		}
	}
}
