package main_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// metric gives a line of the server's metrics; empty if there is none.
func (srv *server) metric(t *testing.T, name string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.opsURL+"/metrics", nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func TestServe_Reload(t *testing.T) {
	s := newSite(t)
	path := filepath.Join(s.dir, "config.yaml")
	file := func(text string) {
		require.NoError(t, os.WriteFile(path+".new", []byte(text), 0o600))
		require.NoError(t, os.Rename(path+".new", path))
	}
	reloads := func(outcome string) string { return `orderprocessing_config_reloads_total{outcome="` + outcome + `"}` }
	good := func(i int) string {
		return fmt.Sprintf(`
log: {level: %s}
store: {max_connections: %d}
limits:
  write: {per_minute: %d, burst: %d}
  concurrency: {most: %d, least: 64, target: %ds}
payments: {call_timeout: %ds, breaker: {failure_rate: 0.%d}}
`, []string{"info", "warn"}[i%2], 2+i%7, 600_000+i, 60_000+i, 512+i, 1+i%5, 9-i%5, 1+i%9)
	}
	file(good(0))
	srv := s.serve(t)
	crowd := letIn(t, 1000, srv.bare(t, true), srv.bare(t, false))
	is := func(name, want string) {
		t.Helper()
		require.Eventually(t, func() bool { return srv.metric(t, name) == want }, startTime, 20*time.Millisecond, "%s\n%s", name, srv.log.tail())
	}

	// Good and bad files take turns while buyers buy.
	is(reloads("unchanged"), "1")
	for i := range 4 {
		file(good(i + 1))
		is(reloads("applied"), fmt.Sprint(i+1))
		fingerprint := srv.metric(t, "orderprocessing_config_fingerprint")
		file([]string{"log: {level: debug\n", "log: {level: loud}\n", "", "limits: {write: {per_minute: 1, burst: 0}}\n"}[i])
		is(reloads("refused"), fmt.Sprint(i+1))
		require.Equal(t, fingerprint, srv.metric(t, "orderprocessing_config_fingerprint"))
	}
	file(good(4) + "server: {idle_timeout: 7s}\nrisk: {mode: off}\n")
	is(reloads("restart_needed"), "1")
	is("orderprocessing_config_restart_pending", "2")
	require.NoError(t, srv.cmd.Process.Signal(syscall.SIGHUP))
	is(reloads("restart_needed"), "2")

	crowd.wait(t)
	crowd.stop()
	crowd.gone.Wait()
	require.Empty(t, crowd.failed, "no request may notice")
	log := srv.log.String()
	require.Equal(t, 4, strings.Count(log, `"msg":"the new settings are refused, those before stay in force"`)+strings.Count(log, `"msg":"the config file is not read, the settings before stay in force"`))
	require.Contains(t, log, `"keys":"server.idle_timeout, risk.mode"`)
	require.Contains(t, log, "config.yaml:1")
	srv.terminate(t)
	require.Zero(t, srv.wait(t), "%s", srv.log)
	s.verify(t)
}

func TestServe_Reload_limits(t *testing.T) {
	s := newSite(t)
	path := filepath.Join(s.dir, "config.yaml")
	require.NoError(t, os.WriteFile(path, []byte("limits: {concurrency: {most: 0}}\n"), 0o600))
	srv := s.serve(t, "--payments.call_timeout", "5s")
	limit := "orderprocessing_concurrency_limit"
	require.Equal(t, "0", srv.metric(t, limit))
	for _, most := range []string{"300", "200", "0"} {
		require.NoError(t, os.WriteFile(path, []byte("limits: {concurrency: {most: "+most+"}}\n"), 0o600))
		require.Eventually(t, func() bool { return srv.metric(t, limit) == most }, startTime, 20*time.Millisecond)
	}
	require.NoError(t, os.WriteFile(path, []byte("limits: {write: {per_minute: 1, burst: 1}, trusted_factor: 1}\n"), 0o600))
	require.Eventually(t, func() bool { return srv.metric(t, limit) == "512" }, startTime, 20*time.Millisecond)
	orders := srv.bare(t, true)
	_, err := orders.CreateOrder(t.Context(), purchase(0, 0))
	require.NoError(t, err)
	_, err = orders.CreateOrder(t.Context(), purchase(0, 1))
	require.ErrorContains(t, err, "too many calls")
	require.NoError(t, os.WriteFile(path, []byte("limits: {write: {per_minute: 0}}\n"), 0o600))
	require.Eventually(t, func() bool {
		_, err := orders.CreateOrder(t.Context(), purchase(0, 2))
		return err == nil
	}, startTime, 20*time.Millisecond)
}
