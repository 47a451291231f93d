package server_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/servertest"
)

const metricsFile = "../docs/metrics.md"

// metric is one of ours, as the source makes it.
type metric struct {
	Name, Type, Help string
	Labels           []string // sorted
}

// ourMetrics reads the source for the metrics that it makes, by name.
func ourMetrics(t *testing.T) map[string]metric {
	t.Helper()
	names := constants(t, "telemetry/names.go")
	found := map[string]metric{}
	for _, room := range []string{".", "../interceptors"} {
		require.NoError(t, filepath.WalkDir(room, func(name string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					if m, ok := metricOf(t, file, call, names); ok {
						require.NotContains(t, found, m.Name)
						found[m.Name] = m
					}
				}
				return true
			})
			return nil
		}))
	}
	return found
}

// constants gives the values of a file's constants.
func constants(t *testing.T, name string) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
	require.NoError(t, err)
	values := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
			if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
				values[spec.Names[0].Name], err = strconv.Unquote(literal.Value)
				require.NoError(t, err)
			}
		}
		return true
	})
	return values
}

// metricOf reads a call such as prometheus.NewGaugeVec(prometheus.GaugeOpts{…}, []string{…}).
func metricOf(t *testing.T, file *ast.File, call *ast.CallExpr, names map[string]string) (m metric, ok bool) {
	t.Helper()
	function, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || len(call.Args) == 0 || fmt.Sprint(function.X) != "prometheus" {
		return m, false
	}
	options, ok := call.Args[0].(*ast.CompositeLit)
	if !ok || !strings.HasPrefix(function.Sel.Name, "New") {
		return m, false
	}
	name := func(e ast.Expr) string {
		switch e := e.(type) {
		case *ast.SelectorExpr:
			require.Contains(t, names, e.Sel.Name)
			return names[e.Sel.Name]
		case *ast.Ident:
			require.Contains(t, names, e.Name, "names of metrics and labels stand in telemetry/names.go")
			return names[e.Name]
		}
		require.Fail(t, "names of metrics and labels stand in telemetry/names.go")
		return ""
	}
	m.Type = strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(function.Sel.Name, "New"), "Vec"), "Func"))
	labels := func(e ast.Expr) {
		if variable, ok := e.(*ast.Ident); ok {
			e = assigned(file, variable.Name)
		}
		list, _ := e.(*ast.CompositeLit)
		require.NotNil(t, list, "the labels of a metric are a literal")
		for _, one := range list.Elts {
			if pair, ok := one.(*ast.KeyValueExpr); ok {
				one = pair.Key
			}
			m.Labels = append(m.Labels, name(one))
		}
	}
	for _, field := range options.Elts {
		pair := field.(*ast.KeyValueExpr) //nolint:forcetypeassert // such options are always named
		switch fmt.Sprint(pair.Key) {
		case "Name":
			m.Name = name(pair.Value)
		case "Help":
			literal, ok := pair.Value.(*ast.BasicLit)
			require.True(t, ok, "the help of %s is a literal", m.Name)
			m.Help, _ = strconv.Unquote(literal.Value)
		case "ConstLabels":
			labels(pair.Value)
		}
	}
	if strings.HasSuffix(function.Sel.Name, "Vec") {
		labels(call.Args[1])
	}
	slices.Sort(m.Labels)
	return m, true
}

// assigned gives what a variable of a file is first set to.
func assigned(file *ast.File, variable string) (value ast.Expr) {
	ast.Inspect(file, func(n ast.Node) bool {
		if set, ok := n.(*ast.AssignStmt); ok && value == nil && len(set.Lhs) == 1 && fmt.Sprint(set.Lhs[0]) == variable {
			value = set.Rhs[0]
		}
		return true
	})
	return value
}

// scrape gives what a server exports.
func scrape(t *testing.T, s *servertest.Server) map[string]*dto.MetricFamily {
	t.Helper()
	response, err := http.Get(s.OpsURL + "/metrics") //nolint:noctx // of this test's own server
	require.NoError(t, err)
	defer response.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	require.NoError(t, err)
	return families
}

// busy lets a server do a little of everything.
func busy(t *testing.T, s *servertest.Server) {
	t.Helper()
	stocked(t, s, "busy", 1, 0)
	first, err := s.Orders.CreateOrder(t.Context(), buying("busy"))
	require.NoError(t, err)
	untilConfirmed(t, s, first.GetOrder().GetId())
	late := buying("busy")
	late.RequestId = "late"
	second, err := s.Orders.CreateOrder(t.Context(), late)
	require.NoError(t, err)
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		res, err := s.Orders.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: second.GetOrder().GetId()})
		require.NoError(c, err)
		require.Equal(c, ordersv1.Lifecycle_LIFECYCLE_REJECTED, res.GetOrder().GetLifecycle())
	}, 30*time.Second, 20*time.Millisecond)
	for i := range 300 { // names that callers choose must not become labels
		_, err := s.Orders.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: fmt.Sprintf("ord_%d", i)})
		require.Error(t, err)
		response, err := http.Get(fmt.Sprintf("%s/no/such/%d", s.URL, i)) //nolint:noctx // of this test's own server
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
	}
}

// maxValues bounds what a label may take: the procedures are the most of anything.
const maxValues = 100

func TestMetrics(t *testing.T) {
	known := ourMetrics(t)
	s := servertest.Start(t)
	busy(t, s)
	families := scrape(t, s)
	t.Run("every metric has the labels of its documentation, and few values of each", func(t *testing.T) {
		for name, family := range families {
			m, ours := known[name]
			require.Equal(t, ours, strings.HasPrefix(name, "orderprocessing_"), name)
			values := map[string]map[string]bool{}
			for _, series := range family.GetMetric() {
				for _, label := range series.GetLabel() {
					if values[label.GetName()] == nil {
						values[label.GetName()] = map[string]bool{}
					}
					values[label.GetName()][label.GetValue()] = true
				}
			}
			for label, taken := range values {
				require.LessOrEqual(t, len(taken), maxValues, "%s of %s", label, name)
			}
			if ours {
				require.Equal(t, m.Labels, slices.Sorted(maps.Keys(values)), name)
				require.Equal(t, strings.ToUpper(m.Type), family.GetType().String(), name)
			} else {
				require.Subset(t, []string{"db_name", "quantile", "version"}, slices.Collect(maps.Keys(values)), name)
			}
		}
	})
	t.Run("each writer tells of its batches", func(t *testing.T) {
		for _, name := range []string{"orderprocessing_store_batch_size", "orderprocessing_store_batch_wait_seconds"} {
			told := map[string]bool{}
			for _, series := range families[name].GetMetric() {
				for _, label := range series.GetLabel() {
					if label.GetName() == "written" && series.GetHistogram().GetSampleCount() > 0 {
						told[label.GetValue()] = true
					}
				}
			}
			require.Equal(t, map[string]bool{"creates": true, "changes": true, "holds": true, "payments": true, "sagas": true}, told, name)
		}
	})
	t.Run("orders are counted once for what became of them", func(t *testing.T) {
		events := map[string]float64{}
		for _, series := range families["orderprocessing_orders_total"].GetMetric() {
			for _, label := range series.GetLabel() {
				if label.GetName() == "event" {
					events[label.GetValue()] += series.GetCounter().GetValue()
				}
			}
		}
		require.Equal(t, map[string]float64{"placed": 2, "confirmed": 1, "rejected": 1}, events)
		for _, series := range families["orderprocessing_order_decision_seconds"].GetMetric() {
			require.EqualValues(t, 1, series.GetHistogram().GetSampleCount(), series.GetLabel()[0].GetValue())
			last := series.GetHistogram().GetBucket()
			require.Contains(t, boundsOf(last), 5.0)
			require.Contains(t, boundsOf(last), 60.0)
		}
	})
}

func boundsOf(buckets []*dto.Bucket) (bounds []float64) {
	for _, b := range buckets {
		bounds = append(bounds, b.GetUpperBound())
	}
	return bounds
}

var updateMetrics = flag.Bool("update-metrics", false, "write docs/metrics.md anew")

func TestMetricsDocumentation(t *testing.T) {
	var table strings.Builder
	table.WriteString(`# Metrics

What the operations port exports at /metrics, generated from the source: ` + "`go test ./server -run TestMetricsDocumentation -update-metrics`" + `.
Besides these there are those of the Go runtime (go_…, process_…) and of the connections to each database
(go_sql_…, by db_name). Durations are in seconds; histograms of calls carry trace ids as exemplars.

| name | type | labels | what it tells |
|---|---|---|---|
`)
	all := ourMetrics(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		m := all[name]
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", name, m.Type, strings.Join(m.Labels, ", "), m.Help)
	}
	if *updateMetrics {
		require.NoError(t, os.WriteFile(metricsFile, []byte(table.String()), 0o600))
	}
	published, err := os.ReadFile(metricsFile)
	require.NoError(t, err)
	require.Equal(t, string(published), table.String(), "the metrics have changed; write their page anew with -update-metrics")
}
