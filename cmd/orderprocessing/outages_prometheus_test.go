package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/servertest"
)

// prometheus is a real one that reads the operations port of a server every second, with our rules.
type prometheus struct{ url string }

func startPrometheus(t *testing.T, opsURL string) *prometheus {
	t.Helper()
	rules, err := filepath.Abs("../../deploy/prometheus/rules.yaml")
	require.NoError(t, err)
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yaml")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, `
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [%q]
scrape_configs: [{job_name: orderprocessing, static_configs: [{targets: [%q]}]}]
`, rules, strings.TrimPrefix(opsURL, "http://")), 0o600))
	address := "127.0.0.1:" + strconv.Itoa(servertest.FreePort(t))
	cmd := exec.CommandContext(t.Context(), "prometheus", //nolint:gosec // our own arguments
		"--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address, "--log.level=error")
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	require.NoError(t, cmd.Start(), ".ci/deps installs Prometheus")
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	p := &prometheus{url: "http://" + address}
	require.Eventually(t, func() bool { return p.sample(t, "up") == 1 }, startTime, 100*time.Millisecond)
	return p
}

// ask asks the API, and gives false while it does not answer.
func (p *prometheus) ask(t *testing.T, path string, answer any) bool {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK && json.NewDecoder(res.Body).Decode(answer) == nil
}

// sample gives the value of a query, 0 when there is none.
func (p *prometheus) sample(t *testing.T, query string) float64 {
	t.Helper()
	var answer struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	if !p.ask(t, "/api/v1/query?query="+url.QueryEscape(query), &answer) || len(answer.Data.Result) == 0 {
		return 0
	}
	text, _ := answer.Data.Result[0].Value[1].(string)
	value, err := strconv.ParseFloat(text, 64)
	require.NoError(t, err)
	return value
}

// tells whether an alert is there, of a dependency if one is named, and has come so far: pending, which includes
// firing, or firing.
func (p *prometheus) tells(t *testing.T, name, dependency, state string) bool {
	t.Helper()
	var answer struct {
		Data struct {
			Alerts []struct {
				Labels map[string]string
				State  string
			}
		}
	}
	p.ask(t, "/api/v1/alerts", &answer)
	for _, a := range answer.Data.Alerts {
		if a.Labels["alertname"] == name && a.Labels["dependency"] == dependency && (state == "pending" || a.State == state) {
			return true
		}
	}
	return false
}
