package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	client "github.com/orderprocessing/orderprocessing/clients/go"
)

// startTime bounds how long a server may take to serve, and to stop.
const startTime = time.Minute

// server is a process that serves.
type server struct {
	url, opsURL string
	log         *serverLog

	site  *site
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has ended
	code  int           // its exit code, after ended; -1 when it was killed
}

// serve starts a server on free ports. It ends with the test, or before.
func (s *site) serve(t *testing.T, args ...string) *server {
	t.Helper()
	return s.launch(t, append([]string{"--server.port", "0", "--ops.port", "0"}, args...)...).serving(t)
}

// serving waits until the process says where it serves.
func (srv *server) serving(t *testing.T) *server {
	t.Helper()
	select {
	case at := <-srv.log.serving:
		srv.url, srv.opsURL = "http://"+at.Address, "http://"+at.OpsAddress
	case <-srv.ended:
		require.FailNow(t, "the server does not start", "%s", srv.log)
	case <-time.After(startTime):
		require.FailNow(t, "the server does not serve", "%s", srv.log)
	}
	return srv
}

// launch starts a server and does not wait for it.
func (s *site) launch(t *testing.T, args ...string) *server {
	t.Helper()
	return s.begin(t, append([]string{"serve"}, args...)...)
}

// begin starts a command that serves until it is told to stop.
func (s *site) begin(t *testing.T, args ...string) *server {
	t.Helper()
	srv := &server{site: s, log: &serverLog{serving: make(chan address, 1)}, ended: make(chan struct{})}
	srv.cmd = s.command(t.Context(), args...)
	srv.cmd.Stderr = srv.log
	require.NoError(t, srv.cmd.Start())
	go func() {
		_ = srv.cmd.Wait() // the exit code says it
		srv.code = srv.cmd.ProcessState.ExitCode()
		close(srv.ended)
	}()
	t.Cleanup(func() {
		_ = srv.cmd.Process.Kill() // it may have ended
		<-srv.ended
		if t.Failed() {
			t.Logf("the server's log ends with:\n%s", srv.log.tail())
		}
	})
	return srv
}

// kill9 ends the server as a power failure does.
func (srv *server) kill9(t *testing.T) {
	t.Helper()
	require.NoError(t, srv.cmd.Process.Kill())
	<-srv.ended
	require.Equal(t, -1, srv.code, "it ended before it was killed:\n%s", srv.log)
}

// terminate asks the server to stop.
func (srv *server) terminate(t *testing.T) {
	t.Helper()
	require.NoError(t, srv.cmd.Process.Signal(syscall.SIGTERM))
}

// wait waits for the server to end and gives its exit code.
func (srv *server) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-srv.ended:
	case <-time.After(startTime):
		require.FailNow(t, "the server does not stop", "%s", srv.log)
	}
	return srv.code
}

// client is a client of the server that retries where it is safe.
func (srv *server) client(t *testing.T) *client.Client {
	t.Helper()
	c, err := client.New(srv.url, client.WithTimeout(time.Minute), client.WithToken(srv.site.token(t)))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// status asks the operations port and gives the HTTP status.
func (srv *server) status(t *testing.T, path string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.opsURL+path, nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return res.StatusCode
}

// address is where a server says that it serves.
type address struct {
	Address    string `json:"address"`
	OpsAddress string `json:"ops_address"`
}

// serverLog keeps what a server logs, and finds the line that says where it serves.
type serverLog struct {
	serving chan address

	mu   sync.Mutex
	text bytes.Buffer
	line []byte // not ended yet
}

func (l *serverLog) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(data)
	l.line = append(l.line, data...)
	for {
		line, rest, whole := bytes.Cut(l.line, []byte("\n"))
		if !whole {
			return len(data), nil
		}
		var record struct {
			Message string `json:"msg"`
			address
		}
		if json.Unmarshal(line, &record) == nil && record.Message == "serving" {
			l.serving <- record.address
		}
		l.line = rest
	}
}

func (l *serverLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// tail is the end of the log, without the calls that went well.
func (l *serverLog) tail() string {
	lines := slices.DeleteFunc(strings.SplitAfter(l.String(), "\n"), func(line string) bool {
		return strings.Contains(line, `"msg":"call"`) && strings.Contains(line, `"code":"ok"`)
	})
	return strings.Join(lines[max(0, len(lines)-20):], "")
}
