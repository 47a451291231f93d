package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync/atomic"
	"time"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"

	"github.com/orderprocessing/orderprocessing/server"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// watchedCommand is the hidden subcommand that serves, with or without metrics.
const watchedCommand = "watched"

const (
	watchedTurns       = 8
	watchedConnections = 64
	// scrapeEvery is how often metrics are read, fifteen times as often as deploy/telemetry does.
	scrapeEvery = time.Second
)

// watchedMain is the whole server. Both that are compared are this program, so that they are built alike.
func watchedMain(ctx context.Context, args []string, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("watched on|off")
	}
	cfg, err := config.Load(nil)
	if err != nil {
		return err
	}
	logger, _, err := telemetry.NewLogger(out, cfg.Log.Level, cfg.Log.Format)
	if err != nil {
		return err
	}
	return server.Serve(ctx, cfg, server.Options{Logger: logger, Unmeasured: args[0] == "off"})
}

// measureWatched measures what watching costs: two servers in turns, one with traces and metrics.
func (b *bench) measureWatched(ctx context.Context) (err error) {
	kept, err := newCollector(ctx)
	if err != nil {
		return err
	}
	defer kept.server.Stop()
	off, err := b.serveWatched(ctx, "off")
	if err != nil {
		return err
	}
	defer off.close(ctx)
	on, err := b.serveWatched(ctx, "on", "ORDERPROCESSING_TELEMETRY_OTLP_ENDPOINT=http://"+kept.address, "ORDERPROCESSING_TELEMETRY_SAMPLE_RATIO=0.01")
	if err != nil {
		return err
	}
	defer on.close(ctx)
	reading, end := context.WithCancel(ctx)
	defer end()
	go on.scrape(reading)
	pair := []*watched{off, on}
	for turn := range watchedTurns + 1 {
		for _, w := range pair {
			if err := w.turn(ctx, turn); err != nil {
				return err
			}
		}
		slices.Reverse(pair) // who comes second may meet what the first has left
	}
	if kept.spans.Load() == 0 {
		return errors.New("no span arrived at the collector")
	}
	b.report.add(
		row{Row: "CreateOrder, traces at 1 % and metrics on", Value: median(on.rates), Unit: "orders/s"}.to("all off", median(off.rates)).atLeast(.95),
		row{Row: "  CPU an order: server", Value: median(on.cpu), Unit: "µs"}.to("all off", median(off.cpu)),
	)
	b.report.note("watched: two servers, each with home and four shards on the one Postgres, in turns of %.0f s, %d connections; figures are the medians of %d turns. "+
		"On: a call in a hundred is traced to a collector that drops it, with all that follows from the order, and metrics are read every second. "+
		"Off: no traces, and no metrics of calls, commits and orders; those of sagas and budgets are counted all the same. "+
		"Orders are carried on during a turn, and until they rest before the next", b.seconds/2, watchedConnections, watchedTurns)
	return nil
}

// watched is one of the two servers.
type watched struct {
	*bench
	*process
	name       string
	shards     shards
	rates, cpu []float64 // orders a second, and microseconds of the server's CPU an order, by turn
}

func (b *bench) serveWatched(ctx context.Context, name string, environment ...string) (*watched, error) {
	cfg, err := b.databases(ctx, "watched_"+name)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	w := &watched{bench: b, name: name}
	if w.process, err = b.start(ctx, "watched-"+name, []string{self, watchedCommand, name}, append(environment, environmentOf(cfg)...)...); err != nil {
		return nil, err
	}
	if err := w.stockUp(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("put goods on the shelves: %w", err), w.stop())
	}
	if w.shards, err = openShards(ctx, urlsOf(cfg)); err != nil {
		return nil, errors.Join(err, w.stop())
	}
	return w, nil
}

func (w *watched) close(ctx context.Context) {
	w.shards.close(context.WithoutCancel(ctx))
	_ = w.stop() // its figures are taken
}

// turn loads the server and waits until it rests. The first turn warms up.
func (w *watched) turn(ctx context.Context, turn int) error {
	before, err := w.metrics(ctx)
	if err != nil {
		return err
	}
	r, err := runLoad(ctx, loadJob{
		Host: w.api, Do: doCreate, Connections: watchedConnections, Seconds: w.seconds / 2, Run: fmt.Sprintf("watched-%s-%d", w.name, turn),
	})
	if err != nil {
		return err
	}
	after, err := w.metrics(ctx)
	if err != nil {
		return err
	}
	if turn > 0 {
		w.rates = append(w.rates, float64(r.Answered)/r.Seconds)
		w.cpu = append(w.cpu, 1e6*(after["process_cpu_seconds_total"]-before["process_cpu_seconds_total"])/float64(r.Answered))
	}
	_, _, err = w.shards.rest(ctx)
	return err
}

// scrape reads the metrics again and again until the context ends.
func (w *watched) scrape(ctx context.Context) {
	ticker := time.NewTicker(scrapeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			_, _ = w.metrics(ctx) // a turn fails where the server does
		}
	}
}

// collector takes spans, counts them and drops them.
type collector struct {
	coltrace.UnimplementedTraceServiceServer
	server  *grpc.Server
	address string
	spans   atomic.Int64
}

func newCollector(ctx context.Context) (*collector, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &collector{server: grpc.NewServer(), address: listener.Addr().String()}
	coltrace.RegisterTraceServiceServer(c.server, c)
	go c.server.Serve(listener) //nolint:errcheck // ends with Stop
	return c, nil
}

// Export implements the service of a collector.
func (c *collector) Export(_ context.Context, req *coltrace.ExportTraceServiceRequest) (*coltrace.ExportTraceServiceResponse, error) {
	for _, resource := range req.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			c.spans.Add(int64(len(scope.GetSpans())))
		}
	}
	return &coltrace.ExportTraceServiceResponse{}, nil
}
