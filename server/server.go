// Package server puts the process together: it builds every part from the configuration, starts
// them and stops them in reverse. Rules of the business live in the rooms below.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"connectrpc.com/connect"

	identityv1 "github.com/orderprocessing/orderprocessing/gen/identity/v1"
	"github.com/orderprocessing/orderprocessing/gen/identity/v1/identityv1connect"
	inventoryv1 "github.com/orderprocessing/orderprocessing/gen/inventory/v1"
	"github.com/orderprocessing/orderprocessing/gen/inventory/v1/inventoryv1connect"
	operationsv1 "github.com/orderprocessing/orderprocessing/gen/operations/v1"
	"github.com/orderprocessing/orderprocessing/gen/operations/v1/operationsv1connect"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	paymentsv1 "github.com/orderprocessing/orderprocessing/gen/payments/v1"
	"github.com/orderprocessing/orderprocessing/gen/payments/v1/paymentsv1connect"
	"github.com/orderprocessing/orderprocessing/interceptors"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/consistency"
	"github.com/orderprocessing/orderprocessing/server/identity"
	"github.com/orderprocessing/orderprocessing/server/integrity"
	"github.com/orderprocessing/orderprocessing/server/inventory"
	"github.com/orderprocessing/orderprocessing/server/operations"
	"github.com/orderprocessing/orderprocessing/server/orders"
	"github.com/orderprocessing/orderprocessing/server/pagetoken"
	"github.com/orderprocessing/orderprocessing/server/payments"
	"github.com/orderprocessing/orderprocessing/server/store/replica"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// Options say what a process is told besides its configuration.
type Options struct {
	Version string
	Logger  *slog.Logger
	Opened  func(api, ops net.Addr) // called once the ports are open; may be nil
	Notice  io.Writer               // what a person must be told once, such as the first key; nil for nobody
	// Authenticator stands before the one that knows users, keys and services; nil for none. Tests have
	// callers of their own.
	Authenticator func(auth.Authenticator) auth.Authenticator
	// Orders stands before the handler of orders; nil for none. Measurements have answers ready.
	Orders func(ordersv1connect.OrderServiceHandler) ordersv1connect.OrderServiceHandler
}

// Serve builds everything and serves until the context ends.
func Serve(ctx context.Context, cfg config.Config, o Options) (err error) {
	t, err := telemetry.Setup(ctx, telemetry.Options{
		Version: o.Version, OTLPEndpoint: cfg.Telemetry.OTLPEndpoint, SampleRatio: cfg.Telemetry.SampleRatio,
	})
	if err != nil {
		return err
	}
	copies, copying, err := newCopies(cfg, o.Logger, t.Registry)
	if err != nil {
		return errors.Join(err, t.Stop(ctx))
	}
	stores, err := OpenStores(ctx, cfg, observers(t.Registry, copies))
	if err != nil {
		return errors.Join(err, copying.stop(ctx), t.Stop(ctx))
	}
	if copies != nil {
		stores.Reads = copies.Of(stores.Shards)
	}
	measurePools(t.Registry, stores)
	parts := []Part{
		{Name: "telemetry", Stop: t.Stop},
		copying,
		{Name: "stores", Stop: stores.Close},
	}
	health := NewHealth(checksOf(stores)...)
	api, beside, err := newAPI(ctx, cfg, o, t, stores, health)
	if err != nil {
		return errors.Join(err, stores.Close(ctx), copying.stop(ctx), t.Stop(ctx))
	}
	return Run(ctx, Process{
		Config: cfg,
		API:    api,
		Ops:    NewOps(health, t.Registry),
		Health: health,
		Logger: o.Logger,
		Parts:  append(parts, beside...),
		Opened: o.Opened,
	})
}

// newAPI builds the API port and the parts that run beside it. When it fails nothing is left open.
func newAPI(
	ctx context.Context, cfg config.Config, o Options, t *telemetry.Telemetry, stores *Stores, health *Health,
) (_ *API, beside []Part, err error) {
	key, err := pageTokenKey(ctx, cfg, stores)
	if err != nil {
		return nil, nil, err
	}
	tokens := pagetoken.New(key)
	w, err := openIdentity(ctx, cfg, o.Notice, stores, tokens)
	if err != nil {
		return nil, nil, err
	}
	limits, limiting, err := newLimits(cfg, o.Logger, t.Registry)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, limiting.Stop(ctx))
		}
	}()
	chain, err := interceptors.New(interceptors.Options{
		Logger:            o.Logger,
		Registry:          t.Registry,
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
	if err != nil {
		return nil, nil, err
	}
	flow := &processes{hub: orders.NewHub()}
	m, err := openMoney(ctx, cfg, o.Logger, t, stores, tokens, flow)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.close(ctx))
		}
	}()
	if err := flow.open(cfg, o.Logger, t, stores, m.cases); err != nil {
		return nil, nil, err
	}
	replicas, watching, err := openReplicas(ctx, cfg, o.Logger, t.Registry, stores)
	if err != nil {
		flow.host.end()
		return nil, nil, err
	}
	api, err := NewAPI(cfg.Server, chain, health, services(o, stores, replicas, tokens, w, m, flow, verified(t.Registry), chain.HandlerOptions())...)
	if err != nil {
		flow.host.end()
		return nil, nil, errors.Join(err, replicas.Stop(ctx))
	}
	health.Add(flow.host.checks...)
	api.OnDrain = flow.hub.Close
	api.Handle(w.keysPath, w.keys)
	if m.webhook != nil {
		api.Handle(m.path, m.webhook)
	}
	beside = append([]Part{limiting, watching}, m.parts...)
	return api, append(beside, flow.part(), newJobs(cfg, o.Logger, t.Registry, stores, m.cases).part()), nil
}

// services builds the use cases over the stores and lists every service of the API port. There is no
// service of payments without a gateway.
func services(
	o Options, stores *Stores, replicas *replica.Replicas, tokens *pagetoken.Tokens, w *who, m *money, flow *processes,
	verified func(integrity.Report), options []connect.HandlerOption,
) []Service {
	orderOptions := orders.Options{
		Store: stores.Shards, Reads: stores.Reads, Stock: stores.Shards, People: stores.Principals, Tokens: tokens,
		Now: time.Now, Hub: flow.hub,
	}
	if replicas.Any() {
		orderOptions.Replicas = replicas
	}
	options = append(options, withTokens(replicas, consistency.New(tokens)))
	if m.cases != nil {
		orderOptions.Payments = m.cases
	}
	orderCases := orders.New(orderOptions)
	inventoryCases := inventory.New(stores.Shards, tokens, time.Now)
	audit := stores.Sources()
	if m.cases != nil {
		audit.Compare = comparing(m.cases.Current, func(ctx context.Context, since time.Time) (payments.Reconciliation, error) {
			return m.cases.Reconcile(ctx, m.cases.Current, since)
		})
	}
	operationCases := operations.New(operations.Options{
		Audit: audit, Kinds: stores.Kinds(), Home: stores.Home, Sagas: flow.engine, Book: flow.book, Tokens: tokens,
		Verified: verified, Replicas: replicas.Statuses,
	})
	service := func(path string, handler http.Handler) Service { return Service{Path: path, Handler: handler} }

	var orderHandler ordersv1connect.OrderServiceHandler = orders.NewHandler(orderCases)
	if o.Orders != nil {
		orderHandler = o.Orders(orderHandler)
	}
	orderService := service(ordersv1connect.NewOrderServiceHandler(orderHandler, options...))
	orderService.Descriptor = ordersv1.File_orders_v1_order_service_proto.Services().ByName("OrderService")
	returnService := service(ordersv1connect.NewReturnServiceHandler(orders.NewReturnHandler(orderCases), options...))
	returnService.Descriptor = ordersv1.File_orders_v1_return_service_proto.Services().ByName("ReturnService")
	shipmentService := service(ordersv1connect.NewShipmentServiceHandler(orders.NewShipmentHandler(orderCases), options...))
	shipmentService.Descriptor = ordersv1.File_orders_v1_shipment_service_proto.Services().ByName("ShipmentService")
	inventoryService := service(inventoryv1connect.NewInventoryServiceHandler(inventory.NewHandler(inventoryCases), options...))
	inventoryService.Descriptor = inventoryv1.File_inventory_v1_inventory_service_proto.Services().ByName("InventoryService")
	identityService := service(identityv1connect.NewIdentityServiceHandler(identity.NewHandler(w.cases), options...))
	identityService.Descriptor = identityv1.File_identity_v1_identity_service_proto.Services().ByName("IdentityService")
	operationsService := service(operationsv1connect.NewOperationsServiceHandler(operations.NewHandler(operationCases), options...))
	operationsService.Descriptor = operationsv1.File_operations_v1_operations_service_proto.Services().ByName("OperationsService")
	all := []Service{orderService, shipmentService, returnService, inventoryService, identityService, operationsService}
	if m.cases != nil {
		paymentService := service(paymentsv1connect.NewPaymentServiceHandler(payments.NewHandler(m.cases), options...))
		paymentService.Descriptor = paymentsv1.File_payments_v1_payment_service_proto.Services().ByName("PaymentService")
		all = append(all, paymentService)
	}
	return all
}

// pageTokenKey is the configured key, or one that the replicas keep in home.
func pageTokenKey(ctx context.Context, cfg config.Config, stores *Stores) ([]byte, error) {
	if cfg.Store.PageTokenKey != "" {
		return []byte(cfg.Store.PageTokenKey.Reveal()), nil
	}
	return stores.Home.Key(ctx, "page-token")
}

// checksOf lists what the process cannot do without. A shard that is away costs its own orders
// only, so it does not make the process unready.
func checksOf(stores *Stores) []Check {
	checks := []Check{{Name: "home", Run: stores.Home.Ping}}
	for i, one := range stores.Shards.Shards() {
		checks = append(checks, Check{Name: fmt.Sprintf("shard-%d", i), Optional: true, Run: one.Ping})
	}
	return checks
}
