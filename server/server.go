// Package server puts the process together: it builds every part from the configuration, starts
// them and stops them in reverse. Rules of the business live in the rooms below.
package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/interceptors"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/config/live"
	"github.com/orderprocessing/orderprocessing/server/inventory"
	"github.com/orderprocessing/orderprocessing/server/orders"
	"github.com/orderprocessing/orderprocessing/server/pagetoken"
	"github.com/orderprocessing/orderprocessing/server/peers"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// Options say what a process is told besides its configuration.
type Options struct {
	Version string
	Logger  *slog.Logger
	Opened  func(api, ops net.Addr) // called once the ports are open; may be nil
	// Source is where the configuration was read from, and is read again; nil when it never changes.
	Source  *config.Source
	Level   *slog.LevelVar   // of Logger; nil when it never changes
	Hangups <-chan os.Signal // tells to read the configuration again; may be nil
	Notice  io.Writer        // what a person must be told once, such as the first key; nil for nobody
	// Authenticator stands before the one that knows users, keys and services; nil for none. Tests have
	// callers of their own.
	Authenticator func(auth.Authenticator) auth.Authenticator
	// Orders stands before the handler of orders; nil for none. Measurements have answers ready.
	Orders func(ordersv1connect.OrderServiceHandler) ordersv1connect.OrderServiceHandler
	// Unmeasured leaves calls and commits without metrics, to measure what those cost.
	Unmeasured bool
}

// Serve builds everything and serves until the context ends.
func Serve(ctx context.Context, cfg config.Config, o Options) (err error) {
	t, err := telemetry.Setup(ctx, telemetry.Options{
		Version: o.Version, OTLPEndpoint: cfg.Telemetry.OTLPEndpoint, SampleRatio: cfg.Telemetry.SampleRatio, Logger: o.Logger,
	})
	if err != nil {
		return err
	}
	parts := []Part{{Name: "telemetry", Stop: t.Stop}}
	running := false // then they are stopped by whoever runs them
	defer func() {
		if !running {
			for _, part := range slices.Backward(parts) {
				err = errors.Join(err, part.stop(ctx))
			}
		}
	}()
	kept, err := openSecrets(ctx, cfg, o.Logger, t.Registry, waitForVault(cfg, o.Logger, t))
	parts = append(parts, Part{Name: "secrets", Stop: kept.stop})
	if err == nil {
		cfg, err = kept.resolve(ctx, cfg)
	}
	if err != nil && ctx.Err() != nil { // told to stop while it waited for Vault
		return nil
	}
	if err != nil {
		return err
	}
	settings := newSettings(cfg, o, t, kept)
	copies, copying, err := newCopies(cfg, o.Logger, t.Registry)
	if err != nil {
		return err
	}
	parts = append(parts, copying)
	watched := observers(t.Registry, copies, kept.login)
	if o.Unmeasured {
		watched.Observe, watched.Moved = nil, nil
	}
	stores, err := OpenStores(ctx, cfg, watched)
	if err != nil {
		return err
	}
	parts = append(parts, Part{Name: "stores", Stop: stores.Close})
	if copies != nil {
		stores.Reads = copies.Of(stores.Shards)
	}
	measurePools(t.Registry, stores)
	others, err := openNeighbors(cfg, o.Logger, t)
	if err != nil {
		return err
	}
	parts = append(parts, Part{Name: "peers", Stop: others.close})
	health := NewHealth(o.Logger, slices.Concat(checksOf(cfg, stores), others.checks(), kept.checks())...)
	api, beside, err := newAPI(ctx, cfg, o, t, stores, others, health, settings, kept.login)
	if err != nil {
		return err
	}
	parts = append(parts, beside...)
	for _, part := range parts {
		health.Add(part.Checks...)
	}
	running = true
	return Run(ctx, Process{
		Config: cfg,
		API:    api,
		Ops:    NewOps(health, t.Registry),
		Health: health,
		Logger: o.Logger,
		Parts:  append(parts, settingsPart(settings, o)),
		Opened: func(api, ops net.Addr) {
			others.join(api)
			if o.Opened != nil {
				o.Opened(api, ops)
			}
		},
		Leave: others.leave,
	})
}

// newAPI builds the API port and the parts that run beside it. When it fails nothing is left open.
func newAPI(
	ctx context.Context, cfg config.Config, o Options, t *telemetry.Telemetry, stores *Stores, others *neighbors, health *Health,
	settings *live.Settings, logins loginOf,
) (_ *API, beside []Part, err error) {
	key, err := pageTokenKey(ctx, cfg, stores)
	if err != nil {
		return nil, nil, err
	}
	tokens := pagetoken.New(key)
	switches, flagging, err := openFlags(ctx, cfg, o.Logger, t.Registry, stores)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, flagging.Stop(ctx))
		}
	}()
	if stores.Reads != orders.Reads(stores.Shards) {
		stores.Reads = switchedReads{on: switches.cachedReads, copies: stores.Reads, stored: stores.Shards}
	}
	w, err := openIdentity(ctx, cfg, o.Notice, stores, tokens)
	if err != nil {
		return nil, nil, err
	}
	counts, limits, limiting, err := newLimits(cfg, o.Logger, t.Registry)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, limiting.Stop(ctx))
		}
	}()
	chain, err := newChain(cfg, o, t, stores, w, limits)
	if err != nil {
		return nil, nil, err
	}
	followLimits(settings, chain, counts, limits)
	flow := &processes{crowded: chain.Crowded, hub: orders.NewHub()}
	if p := others.peers[config.ServiceOrders]; p != nil {
		flow.orders = peers.NewOrders(p)
	}
	m, err := openMoney(ctx, cfg, o.Logger, t, stores, tokens, flow)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.close(ctx))
		}
	}()
	goods := inventory.New(stores.Shards, tokens, time.Now)
	shop := newShop(stores, others, m, goods)
	if err := flow.open(cfg, o.Logger, t, stores, shop, switches); err != nil {
		return nil, nil, err
	}
	replicas, watching, err := openReplicas(ctx, cfg, o.Logger, t.Registry, stores, logins)
	if err != nil {
		flow.host.end()
		return nil, nil, err
	}
	followPools(settings, stores, replicas)
	if m.caller != nil {
		followGateway(settings, cfg.Payments, m.caller)
	}
	served := services{
		cfg: cfg, options: o, stores: stores, replicas: replicas, tokens: tokens, who: w, money: m, shop: shop, goods: goods, flow: flow,
		switches: switches,
		verified: verified(t.Registry),
	}
	api, err := NewAPI(cfg.Server, chain, health, served.all(chain.HandlerOptions())...)
	if err != nil {
		flow.host.end()
		return nil, nil, errors.Join(err, replicas.Stop(ctx))
	}
	health.Add(flow.host.checks...)
	api.OnDrain = flow.hub.Close
	if cfg.Serves(config.ServiceIdentity) {
		api.Handle(w.keysPath, w.keys)
	}
	if m.webhook != nil {
		api.Handle(m.path, m.webhook)
	}
	beside = append([]Part{limiting, watching, flagging}, m.parts...)
	return api, append(beside, flow.part(cfg), newJobs(cfg, o.Logger, t.Registry, stores, m.cases).part()), nil
}

// newChain builds what every call passes.
func newChain(
	cfg config.Config, o Options, t *telemetry.Telemetry, stores *Stores, w *who, limits *interceptors.Limits,
) (*interceptors.Chain, error) {
	var counted prometheus.Registerer = t.Registry
	if o.Unmeasured {
		counted = nil
	}
	return interceptors.New(interceptors.Options{
		Logger:            o.Logger,
		Registry:          counted,
		Tracer:            t.Tracer,
		Propagator:        t.Propagator,
		TrustRemote:       cfg.Telemetry.TrustRemote,
		MaxRequestBytes:   cfg.Server.MaxRequestBytes,
		ReadTimeout:       cfg.Server.ReadTimeout,
		WriteTimeout:      cfg.Server.WriteTimeout,
		StreamIdleTimeout: cfg.Server.StreamIdleTimeout,
		Authenticator:     authenticator(cfg.Server, w.auth, o),
		Denied:            denied(stores.Audit, o.Logger),
		Acted:             acted(stores.Audit),
		OpenReflection:    cfg.Server.OpenReflection,
		Limits:            limits,
	})
}

// pageTokenKey is the configured key, or one that the replicas keep in home.
func pageTokenKey(ctx context.Context, cfg config.Config, stores *Stores) ([]byte, error) {
	if cfg.Store.PageTokenKey != "" {
		return []byte(cfg.Store.PageTokenKey.Reveal()), nil
	}
	return stores.Home.Key(ctx, "page-token")
}

// checksOf lists the databases and the collector. Only files of this process's own make it unready: whatever
// several replicas share would make all of them unready at once.
func checksOf(cfg config.Config, stores *Stores) []Check {
	locations := Databases(cfg)
	shared := func(i int) bool { return !strings.HasPrefix(locations[i].Reveal(), "sqlite:") }
	checks := []Check{{Name: "home", Optional: shared(0), Run: stores.Home.Ping}}
	for i, one := range stores.Shards.Shards() {
		checks = append(checks, Check{Name: fmt.Sprintf("shard-%d", i), Optional: true, Run: one.Ping})
	}
	if endpoint := cfg.Telemetry.OTLPEndpoint; endpoint != "" {
		checks = append(checks, Check{Name: "collector", Optional: true, Run: reach(endpoint)})
	}
	return checks
}

// reach tries to connect to where a URL leads.
func reach(location string) func(context.Context) error {
	return func(ctx context.Context) error {
		u, err := url.Parse(location)
		if err != nil {
			return err
		}
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), u.Scheme)))
		if err != nil {
			return err
		}
		return conn.Close()
	}
}
