// Package promtest gives tests a real Prometheus and a real Alertmanager, of Debian's packages, on free
// ports of the loopback interface.
package promtest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// patience is how long a program may take to start on a busy machine.
const patience = time.Minute

// Prometheus is one that ends with the test.
type Prometheus struct{ URL string }

// StartPrometheus starts one with this configuration, which is anything that YAML can hold.
func StartPrometheus(tb testing.TB, config any) Prometheus {
	tb.Helper()
	dir, address := tb.TempDir(), freeAddress(tb)
	start(tb, address, "prometheus",
		"--config.file="+write(tb, dir, config), "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address,
		"--rules.alert.resend-delay=5s", // the first alerts are made before it has found its Alertmanager
		"--log.level=warn")
	return Prometheus{URL: "http://" + address}
}

// StartAlertmanager starts an Alertmanager with this configuration and gives its host:port.
func StartAlertmanager(tb testing.TB, config any) (address string) {
	tb.Helper()
	dir, address := tb.TempDir(), freeAddress(tb)
	start(tb, address, "prometheus-alertmanager",
		"--config.file="+write(tb, dir, config), "--storage.path="+filepath.Join(dir, "data"), "--web.listen-address="+address,
		"--cluster.listen-address=", "--log.level=warn")
	return address
}

// Sample is the value of one series.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// Query evaluates an expression now. It gives nil for nothing.
func (p Prometheus) Query(ctx context.Context, expression string) ([]Sample, error) {
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any // when, and the value as text
			}
		}
	}
	if err := Get(ctx, p.URL+"/api/v1/query?query="+url.QueryEscape(expression), &answer); err != nil {
		return nil, err
	}
	var samples []Sample
	for _, series := range answer.Data.Result {
		text, _ := series.Value[1].(string)
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, err
		}
		samples = append(samples, Sample{Labels: series.Metric, Value: value})
	}
	return samples, nil
}

// write writes a configuration as YAML.
func write(tb testing.TB, dir string, config any) (file string) {
	tb.Helper()
	text, err := yaml.Marshal(config)
	require.NoError(tb, err)
	file = filepath.Join(dir, "config.yaml")
	require.NoError(tb, os.WriteFile(file, text, 0o600))
	return file
}

// start runs a program until the test ends, and returns when it is ready.
func start(tb testing.TB, address, program string, args ...string) {
	tb.Helper()
	cmd := exec.CommandContext(context.Background(), program, args...) //nolint:gosec // the test's own tool
	cmd.Stdout, cmd.Stderr = tb.Output(), tb.Output()
	require.NoError(tb, cmd.Start(), ".ci/deps installs it")
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // killed
		close(ended)
	}()
	tb.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		<-ended
	})
	require.Eventually(tb, func() bool {
		return Get(tb.Context(), "http://"+address+"/-/ready", nil) == nil
	}, patience, 50*time.Millisecond)
}

func freeAddress(tb testing.TB) string {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	defer l.Close()
	return l.Addr().String()
}

// Get reads what a program answers to a GET as JSON; answer may be nil. Any status but 200 is an error.
func Get(ctx context.Context, address string, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", response.Status, text)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}
