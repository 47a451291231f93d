// Package consultest gives tests a real agent of Consul.
package consultest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience is how long an agent may take to start on a busy machine.
const patience = time.Minute

// Agent is an agent of Consul that keeps nothing.
type Agent struct {
	Address string // http://host:port
	program string
	args    []string
	cmd     *exec.Cmd
	ended   chan struct{}
}

// Start starts an agent that keeps nothing and ends with the test, and gives its address. It checks
// servers over TLS against the authority in this file, if one is named. make test-consul builds it.
func Start(tb testing.TB, authorityFile string) (address string) {
	tb.Helper()
	return StartAgent(tb, authorityFile).Address
}

// StartAgent is Start for tests that take the agent away.
func StartAgent(tb testing.TB, authorityFile string) *Agent {
	tb.Helper()
	program := os.Getenv("ORDERPROCESSING_TEST_CONSUL")
	require.FileExists(tb, program, "make test-consul builds it, and says where it is")
	ports := make([]string, 4)
	for i := range ports {
		ports[i] = strconv.Itoa(freePort(tb))
	}
	args := []string{
		"agent", "-dev", "-log-level=error", "-bind=127.0.0.1", "-client=127.0.0.1", "-dns-port=-1", "-grpc-port=-1", "-grpc-tls-port=-1",
		"-http-port=" + ports[0], "-server-port=" + ports[1], "-serf-lan-port=" + ports[2], "-serf-wan-port=" + ports[3],
	}
	if authorityFile != "" {
		args = append(args, "-hcl", fmt.Sprintf(`enable_agent_tls_for_checks = true tls { defaults { ca_file = %q } }`, authorityFile))
	}
	a := &Agent{Address: "http://127.0.0.1:" + ports[0], program: program, args: args}
	a.Restart(tb)
	tb.Cleanup(a.end)
	return a
}

// Kill ends the agent as SIGKILL does.
func (a *Agent) Kill(tb testing.TB) {
	tb.Helper()
	a.end()
	require.False(tb, a.cmd.ProcessState.Exited(), "it ended before it was killed")
}

// Restart starts the agent again after Kill, where it was; it knows nothing any more.
func (a *Agent) Restart(tb testing.TB) {
	tb.Helper()
	a.cmd = exec.CommandContext(context.Background(), a.program, a.args...) //nolint:gosec // the test's own tool
	a.cmd.Stdout, a.cmd.Stderr = tb.Output(), tb.Output()
	require.NoError(tb, a.cmd.Start())
	ended := make(chan struct{})
	a.ended = ended
	go func() {
		_ = a.cmd.Wait() // killed
		close(ended)
	}()
	require.Eventually(tb, func() bool { return hasLeader(tb, a.Address) }, patience, 50*time.Millisecond)
}

func (a *Agent) end() {
	_ = a.cmd.Process.Kill() // it may have ended
	<-a.ended
}

// hasLeader tells whether the agent can keep anything yet.
func hasLeader(tb testing.TB, address string) bool {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/v1/status/leader", nil)
	require.NoError(tb, err)
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK && res.ContentLength > int64(len(`""`))
}

func freePort(tb testing.TB) int {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
