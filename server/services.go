package server

import (
	"context"
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
)

// services is what the services of the API port are built from.
type services struct {
	cfg      config.Config
	options  Options
	stores   *Stores
	replicas *replica.Replicas
	tokens   *pagetoken.Tokens
	who      *who
	money    *money
	shop     *shop
	goods    *inventory.Service
	flow     *processes
	switches *switches
	verified func(integrity.Report)
}

// all lists the services that this process runs. There is no service of payments without a gateway.
func (s services) all(options []connect.HandlerOption) (all []Service) {
	options = append(options, withTokens(s.replicas, consistency.New(s.tokens)))
	add := func(path string, handler http.Handler) *Service {
		all = append(all, Service{Path: path, Handler: handler})
		return &all[len(all)-1]
	}
	if s.cfg.Serves(config.ServiceOrders) {
		cases := orders.New(s.orders())
		var handler ordersv1connect.OrderServiceHandler = orders.NewHandler(cases)
		if s.options.Orders != nil {
			handler = s.options.Orders(handler)
		}
		add(ordersv1connect.NewOrderServiceHandler(handler, options...)).
			Descriptor = ordersv1.File_orders_v1_order_service_proto.Services().ByName("OrderService")
		add(ordersv1connect.NewShipmentServiceHandler(orders.NewShipmentHandler(cases), options...)).
			Descriptor = ordersv1.File_orders_v1_shipment_service_proto.Services().ByName("ShipmentService")
		add(ordersv1connect.NewReturnServiceHandler(orders.NewReturnHandler(cases), options...)).
			Descriptor = ordersv1.File_orders_v1_return_service_proto.Services().ByName("ReturnService")
	}
	if s.cfg.Serves(config.ServiceInventory) {
		add(inventoryv1connect.NewInventoryServiceHandler(inventory.NewHandler(s.goods), options...)).
			Descriptor = inventoryv1.File_inventory_v1_inventory_service_proto.Services().ByName("InventoryService")
	}
	if s.cfg.Serves(config.ServiceIdentity) {
		add(identityv1connect.NewIdentityServiceHandler(identity.NewHandler(s.who.cases), options...)).
			Descriptor = identityv1.File_identity_v1_identity_service_proto.Services().ByName("IdentityService")
	}
	if s.cfg.Serves(config.ServiceOperations) {
		o := operations.Options{
			Audit: audited(s.cfg, s.stores, s.money), Kinds: s.stores.Kinds(), Home: s.stores.Home,
			Sagas: s.flow.engine, Book: s.flow.book, Tokens: s.tokens, Verified: s.verified, Replicas: s.replicas.Statuses,
		}
		if s.switches.keeper != nil {
			o.Flags = s.switches.keeper
		}
		cases := operations.New(o)
		add(operationsv1connect.NewOperationsServiceHandler(operations.NewHandler(cases), options...)).
			Descriptor = operationsv1.File_operations_v1_operations_service_proto.Services().ByName("OperationsService")
	}
	if s.money.cases != nil {
		add(paymentsv1connect.NewPaymentServiceHandler(payments.NewHandler(s.money.cases), options...)).
			Descriptor = paymentsv1.File_payments_v1_payment_service_proto.Services().ByName("PaymentService")
		add(paymentsv1connect.NewOrderPaymentServiceHandler(payments.NewOrderHandler(s.money.cases), options...)).
			Descriptor = paymentsv1.File_payments_v1_order_payment_service_proto.Services().ByName("OrderPaymentService")
	}
	return all
}

func (s services) orders() orders.Options {
	o := orders.Options{
		Store: s.stores.Shards, Reads: s.stores.Reads, Stock: s.stores.Shards, People: s.switches.forgetting(s.stores.Principals), Tokens: s.tokens,
		Now: time.Now, Hub: s.flow.hub, MayAmend: s.switches.amendments,
	}
	if s.replicas.Any() {
		o.Replicas = s.replicas
	}
	if s.shop.money != nil {
		o.Payments, o.PaymentMoved = s.shop.money, s.flow.paymentMoved
	}
	return o
}

// audited is what operators have checked. The ledger of a gateway that another process speaks to is
// opened when it is read.
func audited(cfg config.Config, stores *Stores, m *money) integrity.Sources {
	audit := stores.Sources()
	switch {
	case m.cases != nil:
		audit.Compare = comparing(m.cases.Current, func(ctx context.Context, since time.Time) (payments.Reconciliation, error) {
			return m.cases.Reconcile(ctx, m.cases.Current, since)
		})
	case cfg.Payments.Enabled():
		audit.Compare = func(ctx context.Context) (integrity.Compared, []integrity.Difference, error) {
			sources, end, err := OpenSources(ctx, cfg, stores)
			if err != nil {
				return integrity.Compared{}, nil, err
			}
			compared, differences, err := sources.Compare(ctx)
			if endErr := end(ctx); err == nil {
				err = endErr
			}
			return compared, differences, err
		}
	}
	return audit
}
