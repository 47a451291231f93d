//go:build collector

package main_test

import (
	"compress/gzip"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// collectTime bounds how long a trace may take to arrive: the collector waits 15 seconds for its end.
const collectTime = 2 * time.Minute

// TestCollector runs a real collector by the configuration that ships, with stand-ins for Jaeger and Loki. It is
// killed under load and started again: nobody notices, and the log comes whole.
func TestCollector(t *testing.T) {
	traces, logs := startTraces(t), startLogs(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "orderprocessing.log")
	endpoint, healthy := "127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t)
	places := filepath.Join(dir, "places.yaml")
	require.NoError(t, os.WriteFile(places, fmt.Appendf(nil, `
receivers: {otlp: {protocols: {grpc: {endpoint: %q}}}, filelog: {include: [%q]}}
exporters: {otlp/traces: {endpoint: %q}, otlphttp/logs: {endpoint: %q}}
extensions: {health_check: {endpoint: %q}, file_storage: {directory: %q}}
service: {telemetry: {metrics: {level: none}}}
`, endpoint, file, traces.address, logs.URL+"/otlp", healthy, filepath.Join(dir, "kept")), 0o600))
	kill := startRealCollector(t, places, "http://"+healthy)

	srv := newSite(t).with("ORDERPROCESSING_TELEMETRY_OTLP_ENDPOINT=http://"+endpoint, "ORDERPROCESSING_TELEMETRY_SAMPLE_RATIO=1").serve(t)
	srv.stock(t)
	place := func(name, method string) *ordersv1.Order {
		t.Helper()
		request := purchase(0, 0)
		request.RequestId, request.PaymentMethod = name, method
		response, err := srv.client(t).Orders.CreateOrder(t.Context(), request)
		require.NoError(t, err)
		return response.GetOrder()
	}
	// The log goes to a file as a shell's 2>> does.
	written := 0
	write := func() {
		t.Helper()
		all := srv.log.String()
		f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		require.NoError(t, err)
		_, err = f.WriteString(all[written:])
		require.NoError(t, err)
		require.NoError(t, f.Close())
		written = len(all)
	}
	arrives := func(o *ordersv1.Order) {
		t.Helper()
		require.Eventually(t, func() bool { return traces.has(o.GetId()) }, collectTime, 100*time.Millisecond, "the trace of %s", o.GetId())
	}

	const plain = 200
	for i := range plain {
		place(fmt.Sprint("plain-", i), "tok_ok")
	}
	arrives(place("before", "tok_unavailable")) // its payment is tried again and again
	kept := traces.count("orders.v1.OrderService/CreateOrder")
	require.Greater(t, kept, 0, "a share of what went well is kept")
	require.Less(t, kept, plain/2, "most of what went well is not kept")
	write()
	logs.waitFor(t, srv.log.String())

	kill()
	for i := range plain {
		place(fmt.Sprint("meanwhile-", i), "tok_ok")
	}
	write()
	startRealCollector(t, places, "http://"+healthy)
	arrives(place("after", "tok_unavailable"))
	write()
	logs.waitFor(t, srv.log.String())
	srv.terminate(t)
	require.Zero(t, srv.wait(t), "%s", srv.log.tail())
	srv.site.verify(t)
}

// startRealCollector starts a collector by the configuration that ships, with some of it replaced, and waits until
// it is healthy. It ends with the test, or is killed. make test-collector builds it.
func startRealCollector(t *testing.T, places, healthy string) (kill func()) {
	t.Helper()
	program := os.Getenv("ORDERPROCESSING_TEST_COLLECTOR")
	require.FileExists(t, program, "make test-collector builds it, and says where it is")
	shipped, err := filepath.Abs("../../deploy/telemetry/collector.yaml")
	require.NoError(t, err)
	cmd := exec.CommandContext(context.Background(), program, "--config=file:"+shipped, "--config=file:"+places) //nolint:gosec // the test's own tool
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	require.NoError(t, cmd.Start())
	kill = func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	}
	t.Cleanup(kill)
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, healthy, nil)
		require.NoError(t, err)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		return res.Body.Close() == nil && res.StatusCode == http.StatusOK
	}, startTime, 50*time.Millisecond)
	return kill
}

// keptTraces stands in for Jaeger.
type keptTraces struct {
	*receiver
	mu    sync.Mutex
	spans map[string]int // by name
	sagas []string       // keys, with the step
}

func startTraces(t *testing.T) *keptTraces {
	t.Helper()
	k := &keptTraces{receiver: &receiver{address: "127.0.0.1:0"}, spans: map[string]int{}}
	k.told = k.keep
	k.start(t)
	t.Cleanup(k.stop)
	return k
}

func (k *keptTraces) keep(req *coltrace.ExportTraceServiceRequest) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, resource := range req.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				k.spans[span.GetName()]++
				for _, attribute := range span.GetAttributes() {
					if attribute.GetKey() == telemetry.AttributeSaga {
						k.sagas = append(k.sagas, attribute.GetValue().GetStringValue())
					}
				}
			}
		}
	}
}

// has tells whether a trace has come in which the saga of an order went on.
func (k *keptTraces) has(orderID string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, key := range k.sagas {
		if strings.HasPrefix(key, orderID+"/") {
			return true
		}
	}
	return false
}

func (k *keptTraces) count(span string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.spans[span]
}

// keptLogs stands in for Loki.
type keptLogs struct {
	*httptest.Server
	mu      sync.Mutex
	records map[[2]string]bool // message and span
}

func startLogs(t *testing.T) *keptLogs {
	t.Helper()
	k := &keptLogs{records: map[[2]string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /otlp/v1/logs", func(w http.ResponseWriter, r *http.Request) {
		if err := k.take(r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
	k.Server = httptest.NewServer(mux)
	t.Cleanup(k.Close)
	return k
}

func (k *keptLogs) take(r *http.Request) error {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		var err error
		if body, err = gzip.NewReader(r.Body); err != nil {
			return err
		}
	}
	content, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	var req collogs.ExportLogsServiceRequest
	if err := proto.Unmarshal(content, &req); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, resource := range req.GetResourceLogs() {
		for _, scope := range resource.GetScopeLogs() {
			for _, record := range scope.GetLogRecords() {
				k.records[[2]string{record.GetBody().GetStringValue(), hex.EncodeToString(record.GetSpanId())}] = true
			}
		}
	}
	return nil
}

// waitFor waits until every line of a log has come, with the span that it was said in.
func (k *keptLogs) waitFor(t *testing.T, log string) {
	t.Helper()
	wanted := map[[2]string]bool{}
	for line := range strings.Lines(log) {
		var record struct {
			Message string `json:"msg"`
			Span    string `json:"span_id"`
		}
		require.NoError(t, json.Unmarshal([]byte(line), &record), "%s", line)
		wanted[[2]string{record.Message, record.Span}] = true
	}
	require.Eventually(t, func() bool {
		k.mu.Lock()
		defer k.mu.Unlock()
		for one := range wanted {
			if !k.records[one] {
				return false
			}
		}
		return true
	}, collectTime, 100*time.Millisecond)
}
