package main_test

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/promtest"
)

// prometheus is a real one that reads the operations port of a server every second, with our rules.
type prometheus struct{ promtest.Prometheus }

func startPrometheus(t *testing.T, opsURL string) prometheus {
	t.Helper()
	rules, err := filepath.Abs("../../deploy/prometheus/rules.yaml")
	require.NoError(t, err)
	type object map[string]any
	p := prometheus{promtest.StartPrometheus(t, object{
		"global":     object{"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
		"rule_files": []string{rules},
		"scrape_configs": []object{{
			"job_name": "orderprocessing", "static_configs": []object{{"targets": []string{strings.TrimPrefix(opsURL, "http://")}}},
		}},
	})}
	require.Eventually(t, func() bool { return p.sample(t, "up") == 1 }, startTime, 100*time.Millisecond)
	return p
}

// takes tells whether Prometheus understands a query.
func (p prometheus) takes(t *testing.T, query string) bool {
	t.Helper()
	return promtest.Get(t.Context(), p.URL+"/api/v1/query?query="+url.QueryEscape(query), nil) == nil
}

// sample gives the value of a query, 0 when there is none.
func (p prometheus) sample(t *testing.T, query string) float64 {
	t.Helper()
	samples, err := p.Query(t.Context(), query)
	if err != nil || len(samples) == 0 {
		return 0
	}
	return samples[0].Value
}

// tells whether an alert is there, of a dependency if one is named, and has come so far: pending, which includes
// firing, or firing.
func (p prometheus) tells(t *testing.T, name, dependency, state string) bool {
	t.Helper()
	if state == "pending" {
		state = "pending|firing"
	}
	return p.sample(t, fmt.Sprintf(`count(ALERTS{alertname=%q,dependency=%q,alertstate=~%q})`, name, dependency, state)) > 0
}
