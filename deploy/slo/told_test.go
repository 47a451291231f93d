//go:build drill

package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// told is who Alertmanager tells: PagerDuty's Events API v2
// (https://developer.pagerduty.com/docs/send-alert-event), and the receivers of webhooks.
type told struct {
	URL   string
	mu    sync.Mutex
	pages []incident
	last  time.Time      // when PagerDuty was told, or what it was told forgotten
	hooks map[string]int // alerts that were received, by path and alert
}

// incident is an event of PagerDuty's.
type incident struct {
	Key     string `json:"routing_key"`
	Action  string `json:"event_action"`
	Dedup   string `json:"dedup_key"`
	Payload struct {
		Summary   string            `json:"summary"`
		Severity  string            `json:"severity"`
		Class     string            `json:"class"`
		Component string            `json:"component"`
		Details   map[string]string `json:"custom_details"`
	} `json:"payload"`
	Links []struct{ Href, Text string } `json:"links"`
}

func newTold(t *testing.T) *told {
	t.Helper()
	to, mux := &told{hooks: map[string]int{}, last: time.Now()}, http.NewServeMux()
	mux.HandleFunc("POST /v2/enqueue", func(w http.ResponseWriter, r *http.Request) {
		var i incident
		assert.NoError(t, json.NewDecoder(r.Body).Decode(&i))
		to.mu.Lock()
		defer to.mu.Unlock()
		to.pages, to.last = append(to.pages, i), time.Now()
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write([]byte(`{"status":"success","message":"Event processed","dedup_key":"` + i.Dedup + `"}`))
	})
	mux.HandleFunc("POST /hooks/", func(_ http.ResponseWriter, r *http.Request) {
		var hook struct {
			Alerts []struct{ Labels map[string]string }
		}
		assert.NoError(t, json.NewDecoder(r.Body).Decode(&hook))
		to.mu.Lock()
		defer to.mu.Unlock()
		for _, alert := range hook.Alerts {
			to.hooks[strings.TrimPrefix(r.URL.Path, "/hooks/")+" "+alert.Labels["alertname"]]++
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	to.URL = server.URL
	return to
}

// paged gives the latest event of an alert with this action, such as trigger or resolve.
func (to *told) paged(alert, action string) *incident {
	to.mu.Lock()
	defer to.mu.Unlock()
	for _, i := range slices.Backward(to.pages) {
		if i.Action == action && i.Payload.Class == alert {
			return &i
		}
	}
	return nil
}

// all gives what PagerDuty was told, as action and alert.
func (to *told) all() (events []string) {
	to.mu.Lock()
	defer to.mu.Unlock()
	for _, i := range to.pages {
		events = append(events, i.Action+" "+i.Payload.Class)
	}
	return events
}

// quiet tells how long PagerDuty has been told nothing.
func (to *told) quiet() time.Duration {
	to.mu.Lock()
	defer to.mu.Unlock()
	return time.Since(to.last)
}

// forget begins a new chapter.
func (to *told) forget() {
	to.mu.Lock()
	defer to.mu.Unlock()
	to.pages, to.last = nil, time.Now()
}

// hooked tells how often a receiver of webhooks was told of an alert.
func (to *told) hooked(receiver, alert string) int {
	to.mu.Lock()
	defer to.mu.Unlock()
	return to.hooks[receiver+" "+alert]
}
