package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestLoop makes calls over many connections at once, each with an answer of its own, some longer than one read.
func TestLoop(t *testing.T) {
	t.Run("HTTP/1.1", func(t *testing.T) { testLoop(t, true) })
	t.Run("h2c", func(t *testing.T) { testLoop(t, false) })
}

func testLoop(t *testing.T, http1 bool) {
	t.Helper()
	const connections, calls = 20, 50
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked, _ := io.ReadAll(r.Body)
		if string(asked) == "refuse" {
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		answer := strings.Repeat(string(asked)+" ", 10_000)
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		_, _ = io.WriteString(w, answer)
	}))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(http1)
	server.Config.Protocols.SetUnencryptedHTTP2(!http1)
	server.Start()
	defer server.Close()
	l := openLoop(t)
	answered, errs := make([]int, connections), make([]error, connections)
	var work []func()
	for i := range connections {
		c := dialLoop(t, l, loadJob{Host: server.Listener.Addr().String(), HTTP1: http1})
		work = append(work, func() {
			for n := range calls {
				asked := strconv.Itoa(i*calls + n)
				answer, err := c.call("/", []byte(asked))
				if errs[i] = err; err != nil {
					return
				}
				if string(answer) == strings.Repeat(asked+" ", 10_000) {
					answered[i]++
				}
			}
			_, errs[i] = c.call("/", []byte("refuse"))
		})
	}
	require.NoError(t, l.run(t.Context(), work))
	for i := range connections {
		require.Equal(t, calls, answered[i])
		require.ErrorIs(t, errs[i], errShed)
	}
}

// TestLoop_ends does so when its context does, whatever it waits for.
func TestLoop_ends(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it ends with the test
	require.NoError(t, err)
	defer silent.Close()
	l := openLoop(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failed := make([]error, 3)
	var work []func()
	for i := range failed {
		c := dialLoop(t, l, loadJob{Host: silent.Addr().String(), HTTP1: true})
		work = append(work, func() {
			cancel()
			_, failed[i] = c.call("/", nil)
		})
	}
	require.ErrorIs(t, l.run(ctx, work), context.Canceled)
	for _, err := range failed {
		require.ErrorIs(t, err, net.ErrClosed)
	}
}

// TestLoop_again sends a call again whose connection the server has closed meanwhile.
func TestLoop_again(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	l := openLoop(t)
	c := dialLoop(t, l, loadJob{Host: server.Listener.Addr().String(), HTTP1: true})
	var failed error
	require.NoError(t, l.run(t.Context(), []func(){func() {
		for range 3 {
			_, err := c.call("/", nil)
			failed = errors.Join(failed, err)
			server.CloseClientConnections()
		}
	}}))
	require.NoError(t, failed)
}

// TestLoop_arrivals makes each call that is due when it is due, over whoever is free, and counts those that nobody was.
func TestLoop_arrivals(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	l := openLoop(t)
	started := time.Now()
	until := started.Add(100 * time.Millisecond)
	l.arriving = &arrivals{rate: 5000, next: started, until: until}
	made := 0
	var work []func()
	for range 3 {
		c := dialLoop(t, l, loadJob{Host: server.Listener.Addr().String(), HTTP1: true})
		work = append(work, func() {
			for due := l.turn(); !due.IsZero(); due = l.turn() {
				if _, err := c.call("/", nil); err != nil || due.Before(started) || due.After(until) {
					t.Errorf("due at %s: %v", due, err)
				}
				made++
			}
		})
	}
	require.NoError(t, l.run(t.Context(), work))
	require.Positive(t, made)
	require.InDelta(t, 500, made+l.unsent, 200)
}

// openLoop makes a loop that ends with the test.
func openLoop(t *testing.T) *loop {
	t.Helper()
	l, err := newLoop()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.close()) })
	return l
}

// dialLoop opens a connection of a loop.
func dialLoop(t *testing.T, l *loop, j loadJob) caller {
	t.Helper()
	c, err := j.dial(context.WithoutCancel(t.Context()), l)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.close() })
	return c
}
