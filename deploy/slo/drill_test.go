//go:build drill

package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/orderprocessing/orderprocessing/server/payments/gateway/simulator"
	"github.com/orderprocessing/orderprocessing/server/promtest"
)

const (
	// drilled is how much faster the drill is than life: an hour takes a minute. Thresholds are those of life.
	drilled = scale(60)
	// scraped is how often Prometheus looks, fast enough for a window of 5 minutes.
	scraped = "500ms"
	// settled is how long all is well first: a quarter of an hour of life.
	settled = 15 * time.Minute / time.Duration(drilled)
	// patience is how long anything may take on a busy machine.
	patience = 3 * time.Minute
	often    = 100 * time.Millisecond
)

// TestDrill breaks the gateway under load, watches who is paged, and puts it right again. Rules, routes
// and receivers are those of deploy/, with shorter times; Prometheus, Alertmanager and the server are real.
func TestDrill(t *testing.T) {
	to := newTold(t)
	shop := openShop(t)
	alertmanager := promtest.StartAlertmanager(t, alertmanagerConfig(t, to.URL))
	prometheus := promtest.StartPrometheus(t, prometheusConfig(t, alertmanager, strings.TrimPrefix(shop.OpsURL, "http://")))
	value := func(c require.TestingT, expression string) float64 {
		samples, err := prometheus.Query(t.Context(), expression)
		require.NoError(c, err)
		if len(samples) == 0 {
			return 0
		}
		return samples[0].Value
	}
	eventually := func(t *testing.T, what func(c *assert.CollectT)) {
		t.Helper()
		require.EventuallyWithT(t, what, patience, often)
	}
	shop.sell(t)

	t.Run("while all is well nobody is paged, and the heartbeat is heard", func(t *testing.T) {
		began := time.Now()
		eventually(t, func(c *assert.CollectT) { require.Positive(c, to.hooked("heartbeat", "Heartbeat")) })
		t.Logf("the heartbeat was heard after %s", time.Since(began).Round(often))
		// A minute of this life is a second: that the first orders take as long is no rest yet.
		eventually(t, func(c *assert.CollectT) {
			require.Positive(c, value(c, `sum(orderprocessing_order_decision_seconds_count{outcome="confirmed"})`))
			require.Zero(c, value(c, `count(ALERTS{severity="page"})`))
			require.Greater(c, to.quiet(), settled)
		})
	})
	to.forget()

	broken := time.Now()
	require.NoError(t, shop.bank.SetRates(simulator.Rates{ErrorBefore: .5, TimeoutBefore: .5}))
	for _, alert := range []string{"OrdersUndecided", "DependencyAway"} {
		t.Run(alert+" pages, with what whoever is woken needs", func(t *testing.T) {
			eventually(t, func(c *assert.CollectT) { require.NotNil(c, to.paged(alert, "trigger")) })
			i := to.paged(alert, "trigger")
			t.Logf("paged %s after the gateway broke", time.Since(broken).Round(often))
			require.Equal(t, "a-key", i.Key)
			require.Equal(t, "critical", i.Payload.Severity)
			require.Equal(t, "orderprocessing", i.Payload.Component)
			require.True(t, strings.HasPrefix(i.Payload.Summary, alert+": "), i.Payload.Summary)
			require.Len(t, i.Links, 1)
			require.Equal(t, runbooks+alert+".md", i.Links[0].Href)
			require.FileExists(t, filepath.Join("../../docs/runbooks", path.Base(i.Links[0].Href)))
			require.Contains(t, i.Payload.Details["firing"], "severity = page")
			require.Positive(t, value(t, `ALERTS{alertstate="firing",severity="page",alertname="`+alert+`"}`))
		})
	}
	t.Run("the page names the dependency, and was pending before it fired", func(t *testing.T) {
		require.Contains(t, to.paged("DependencyAway", "trigger").Payload.Details["firing"], "dependency = gateway")
		require.Positive(t, value(t, `count_over_time(ALERTS{alertname="DependencyAway",alertstate="pending"}[10m])`))
	})
	t.Run("the ticket that says the same is held back", func(t *testing.T) {
		eventually(t, func(c *assert.CollectT) {
			var alerts []struct{ Status struct{ State string } }
			require.NoError(c, promtest.Get(t.Context(), "http://"+alertmanager+`/api/v2/alerts?filter=alertname="OrdersUndecided"&filter=severity="ticket"`, &alerts))
			require.Len(c, alerts, 1)
			require.Equal(c, "suppressed", alerts[0].Status.State)
		})
	})

	repaired := time.Now()
	require.NoError(t, shop.bank.SetRates(simulator.Rates{}))
	for _, alert := range []string{"DependencyAway", "OrdersUndecided"} {
		t.Run(alert+" resolves itself after the repair", func(t *testing.T) {
			eventually(t, func(c *assert.CollectT) { require.NotNil(c, to.paged(alert, "resolve")) })
			t.Logf("resolved %s after the repair", time.Since(repaired).Round(often))
			require.Equal(t, to.paged(alert, "trigger").Dedup, to.paged(alert, "resolve").Dedup)
		})
	}
	shop.rest()
	t.Run("every order that was acknowledged is decided", func(t *testing.T) {
		eventually(t, func(c *assert.CollectT) {
			require.InDelta(c, shop.acknowledged, value(c, `sum(orderprocessing_orders_total{event="placed"})`), 0)
			require.InDelta(c, shop.acknowledged, value(c, `sum(orderprocessing_order_decision_seconds_count)`), 0)
		})
	})
	t.Run("a server that is gone pages too", func(t *testing.T) {
		shop.Stop(t)
		eventually(t, func(c *assert.CollectT) { require.NotNil(c, to.paged("ServersAway", "trigger")) })
	})
	t.Log("PagerDuty was told:", strings.Join(to.all(), ", "))
}

// alertmanagerConfig is that of deploy/telemetry, faster, with the receivers at this URL.
func alertmanagerConfig(t *testing.T, told string) map[string]any {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(key, []byte("a-key"), 0o600))
	changes := map[string]func(any) any{
		"routing_key_file": func(any) any { return key },
		"url": func(was any) any { // such as http://tickets.example/alerts
			receiver, _, _ := strings.Cut(strings.TrimPrefix(fmt.Sprint(was), "http://"), ".")
			return told + "/hooks/" + receiver
		},
	}
	for _, name := range []string{"group_wait", "group_interval", "repeat_interval"} {
		changes[name] = func(was any) any {
			usual, err := model.ParseDuration(was.(string))
			require.NoError(t, err)
			if usual == 0 {
				return was
			}
			return drilled.duration(time.Duration(usual))
		}
	}
	config := read(t, "../telemetry/alertmanager.yaml")
	change(config, changes)
	config["global"] = map[string]any{"pagerduty_url": told + "/v2/enqueue"}
	return config
}

// prometheusConfig is that of deploy/telemetry, faster, with the rules made anew.
func prometheusConfig(t *testing.T, alertmanager, server string) map[string]any {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "rules.yaml"))
	require.NoError(t, err)
	defer file.Close()
	require.NoError(t, write(file, drilled))
	config := read(t, "../telemetry/prometheus.yaml")
	fast := func(any) any { return scraped }
	change(config, map[string]func(any) any{
		"scrape_interval": fast, "evaluation_interval": fast,
		"rule_files": func(any) any { return []string{file.Name()} },
		"targets": func(was any) any {
			if fmt.Sprint(was) == "[alertmanager:9093]" {
				return []string{alertmanager}
			}
			return []string{server}
		},
	})
	return config
}

func read(t *testing.T, name string) (config map[string]any) {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &config))
	return config
}

// change replaces the values of these keys, wherever they stand.
func change(node any, changes map[string]func(any) any) {
	switch node := node.(type) {
	case map[string]any:
		for key, value := range node {
			if replace, ok := changes[key]; ok {
				node[key] = replace(value)
			} else {
				change(value, changes)
			}
		}
	case []any:
		for _, value := range node {
			change(value, changes)
		}
	}
}
