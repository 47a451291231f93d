package server_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/orderprocessing/orderprocessing/server/promtest"
	"github.com/orderprocessing/orderprocessing/server/servertest"
)

var (
	grouped  = regexp.MustCompile(`(?:by|without|on|ignoring|group_left) \(([^)]*)\)`)
	recorded = regexp.MustCompile(`\bslo:\w+:\w+`)
	selected = regexp.MustCompile(`\b(up|ALERTS)\b`)
	// scraping are the labels that Prometheus adds, and those of alerts and of records.
	scraping = []string{"le", "quantile", "instance", "job", "slo", "alertname", "alertstate", "severity", "db_name"}
)

// TestDashboards holds what people are shown against what a server exports, in a real Prometheus.
func TestDashboards(t *testing.T) {
	s := servertest.Start(t)
	rules, err := filepath.Abs("../deploy/prometheus/rules.yaml")
	require.NoError(t, err)
	p := promtest.StartPrometheus(t, map[string]any{
		"global":     map[string]any{"scrape_interval": "500ms", "evaluation_interval": "500ms"},
		"rule_files": []string{rules},
		"scrape_configs": []any{map[string]any{
			"job_name": "orderprocessing", "static_configs": []any{map[string]any{"targets": []string{strings.TrimPrefix(s.OpsURL, "http://")}}},
		}},
	})
	busy(t, s)
	known, exported := ourMetrics(t), scrape(t, s)
	names, records := rulesOf(t, rules)

	t.Run("every record has a value, of every objective", func(t *testing.T) {
		for _, name := range names {
			require.EventuallyWithT(t, func(c *assert.CollectT) {
				samples, err := p.Query(t.Context(), name)
				require.NoError(c, err)
				require.Len(c, samples, 3, name)
			}, time.Minute, 200*time.Millisecond)
		}
	})
	files, err := filepath.Glob("../deploy/grafana/dashboards/*.json")
	require.NoError(t, err)
	require.Len(t, files, 5)
	empty, all := 0, 0
	for _, file := range files {
		for _, expression := range expressionsOf(t, file) {
			all++
			t.Run(filepath.Base(file)+" "+expression, func(t *testing.T) {
				labels := slices.Clone(scraping)
				found := seriesNames.FindAllStringSubmatch(expression, -1)
				for _, series := range found {
					name := series[1]
					if _, ok := known[name]; !ok {
						if _, ok := exported[name]; !ok {
							name = suffixes.ReplaceAllString(name, "")
						}
					}
					m, ours := known[name]
					require.True(t, ours || exported[name] != nil, "no server exports %s", name)
					labels = append(labels, m.Labels...)
					for _, label := range labelNames.FindAllStringSubmatch(series[2], -1) {
						require.Contains(t, append(slices.Clone(scraping), m.Labels...), label[1])
					}
				}
				for _, group := range grouped.FindAllStringSubmatch(expression, -1) {
					for label := range strings.SplitSeq(group[1], ",") {
						if label = strings.TrimSpace(label); label != "" {
							require.Contains(t, labels, label)
						}
					}
				}
				for _, record := range recorded.FindAllString(expression, -1) {
					require.Contains(t, records, record)
				}
				require.Positive(t, len(found)+len(recorded.FindAllString(expression, -1))+len(selected.FindAllString(expression, -1)))
				samples, err := p.Query(t.Context(), strings.ReplaceAll(expression, "$__rate_interval", "1m"))
				require.NoError(t, err)
				if len(samples) == 0 {
					empty++
				}
			})
		}
	}
	t.Run("most show something of a server that is busy", func(t *testing.T) {
		require.Greater(t, all, 60)
		require.Less(t, empty, all/3)
	})
}

// expressionsOf gives all queries of a dashboard.
func expressionsOf(t *testing.T, file string) (expressions []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var content any
	require.NoError(t, json.Unmarshal(text, &content))
	var walk func(any)
	walk = func(node any) {
		switch node := node.(type) {
		case map[string]any:
			for key, value := range node {
				if expression, ok := value.(string); ok && key == "expr" {
					expressions = append(expressions, expression)
				}
				walk(value)
			}
		case []any:
			for _, value := range node {
				walk(value)
			}
		}
	}
	walk(content)
	slices.Sort(expressions)
	return slices.Compact(expressions)
}

// rulesOf gives the names that the rules record, sorted, and as a set.
func rulesOf(t *testing.T, file string) (names []string, set map[string]bool) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var content struct {
		Groups []struct{ Rules []struct{ Record string } }
	}
	require.NoError(t, yaml.Unmarshal(text, &content))
	set = map[string]bool{}
	for _, group := range content.Groups {
		for _, rule := range group.Rules {
			if rule.Record != "" && !set[rule.Record] {
				set[rule.Record] = true
				names = append(names, rule.Record)
			}
		}
	}
	return names, set
}
