package server_test

import (
	"os"
	"regexp"
	"strconv"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/orderprocessing/orderprocessing/server/servertest"
)

var (
	seriesNames = regexp.MustCompile(`\b((?:orderprocessing|go|process)_\w+)(\{[^}]*\})?`)
	labelNames  = regexp.MustCompile(`(\w+)(?:=~|=|!=|!~)"`)
	bounds      = regexp.MustCompile(`le=~?"([^"|]+)`) // 5 of le=~"5|5[.]0"
	suffixes    = regexp.MustCompile(`_(bucket|sum|count)$`)
)

// beside are metrics of servers that have what the one of this test has not: Vault, a collector.
var beside = map[string]bool{"orderprocessing_vault_calls_total": true, "orderprocessing_trace_exports_total": true}

func TestAlertRules(t *testing.T) {
	text, err := os.ReadFile("../deploy/prometheus/rules.yaml")
	require.NoError(t, err)
	var file struct {
		Groups []struct {
			Rules []struct{ Expr string }
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &file))
	known := ourMetrics(t)
	s := servertest.Start(t)
	busy(t, s)
	exported := scrape(t, s)
	checked := 0
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			for _, found := range seriesNames.FindAllStringSubmatch(rule.Expr, -1) {
				name := found[1]
				if _, ok := exported[name]; !ok {
					name = suffixes.ReplaceAllString(name, "")
				}
				if beside[name] {
					require.Contains(t, known, name, rule.Expr)
					continue
				}
				require.Contains(t, exported, name, "a server does not export what a rule looks at: %s", rule.Expr)
				for _, label := range labelNames.FindAllStringSubmatch(found[2], -1) {
					if label[1] != "le" {
						require.Contains(t, known[name].Labels, label[1], rule.Expr)
					}
				}
				if le := bounds.FindStringSubmatch(found[2]); le != nil {
					require.True(t, hasBound(exported[name], le[1]), "%s has no bucket at %s", name, le[1])
				}
				checked++
			}
		}
	}
	require.Greater(t, checked, 20)
}

// hasBound tells whether a histogram has a bucket with this bound.
func hasBound(family *dto.MetricFamily, bound string) bool {
	for _, b := range family.GetMetric()[0].GetHistogram().GetBucket() {
		if strconv.FormatFloat(b.GetUpperBound(), 'g', -1, 64) == bound {
			return true
		}
	}
	return false
}
