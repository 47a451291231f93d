package server

import (
	"encoding/json"
	"net/http"
	"net/http/pprof"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// NewOps is the handler of the operations port: /livez, /readyz, /startupz, /metrics, /debug/pprof/.
// /readyz?verbose also reports all dependencies. It has no authentication, so the port is for operators and probes alone.
func NewOps(health *Health, metrics prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	// Live means that the process can answer. A dependency that fails is no reason to restart it.
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		writeStatus(w, true, map[string]bool{"live": true})
	})
	mux.HandleFunc("GET /startupz", func(w http.ResponseWriter, _ *http.Request) {
		started := health.started.Load()
		writeStatus(w, started, map[string]bool{"started": started})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("verbose") {
			report := health.Report(r.Context())
			writeStatus(w, report.Ready, report)
			return
		}
		ready := health.Ready(r.Context())
		writeStatus(w, ready, map[string]bool{"ready": ready, "draining": health.draining.Load()})
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

func writeStatus(w http.ResponseWriter, ok bool, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(body) // a probe that went away
}
