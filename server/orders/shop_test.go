package orders_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/interceptors"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/orders"
	"github.com/orderprocessing/orderprocessing/server/pagetoken"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shop is the services of this room over a store, without the sagas: tests do their part.
type shop struct {
	t         *testing.T
	store     store.Store
	hub       *orders.Hub
	till      till
	handler   http.Handler // of all services
	orders    ordersv1connect.OrderServiceClient
	shipments ordersv1connect.ShipmentServiceClient
	returns   ordersv1connect.ReturnServiceClient
}

// till is what was taken for orders and not given back.
type till map[order.ID]money.Minor

func (t till) Refundable(_ context.Context, orderID order.ID) (money.Minor, error) {
	return t[orderID], nil
}

// newShop opens a shop; change may adjust what the service works with.
func newShop(t *testing.T, change ...func(*orders.Options)) *shop {
	t.Helper()
	d, err := database.Open(t.Context(), storetest.SQLite(1)(t)[0], database.Options{})
	require.NoError(t, err)
	s := &shop{t: t, store: entstore.New(d, entstore.Options{Now: time.Now}), hub: orders.NewHub(), till: till{}}
	t.Cleanup(func() { require.NoError(t, s.store.Close(context.WithoutCancel(t.Context()))) })

	o := orders.Options{
		Store: s.store, Stock: s.store, Payments: s.till, Tokens: pagetoken.New([]byte("key")), Now: time.Now, Hub: s.hub,
	}
	for _, c := range change {
		c(&o)
	}
	s.open(orders.New(o))
	return s
}

// open serves the service behind the interceptors that it has in production.
func (s *shop) open(service *orders.Service) {
	s.t.Helper()
	chain, err := interceptors.New(interceptors.Options{
		Logger: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(), MaxRequestBytes: 1 << 20,
		ReadTimeout: time.Minute, WriteTimeout: time.Minute, StreamIdleTimeout: time.Minute,
		Authenticator: staff{},
	})
	require.NoError(s.t, err)
	mux := http.NewServeMux()
	mux.Handle(ordersv1connect.NewOrderServiceHandler(orders.NewHandler(service), chain.HandlerOptions()...))
	mux.Handle(ordersv1connect.NewShipmentServiceHandler(orders.NewShipmentHandler(service), chain.HandlerOptions()...))
	mux.Handle(ordersv1connect.NewReturnServiceHandler(orders.NewReturnHandler(service), chain.HandlerOptions()...))
	s.handler = mux
	web := httptest.NewServer(mux)
	s.t.Cleanup(web.Close)
	s.orders = ordersv1connect.NewOrderServiceClient(web.Client(), web.URL)
	s.shipments = ordersv1connect.NewShipmentServiceClient(web.Client(), web.URL)
	s.returns = ordersv1connect.NewReturnServiceClient(web.Client(), web.URL)
}

// staff lets whoever comes act for customers.
type staff struct{}

func (staff) Authenticate(context.Context, auth.Credentials) (auth.Caller, error) {
	return auth.Caller{ID: "usr_staff", Roles: []auth.Role{auth.Staff}}, nil
}

// cart is two lines of goods and a service, in all 2×500 + 3×100−10 + 250 + 95 of carriage.
func cart() *ordersv1.Order {
	return &ordersv1.Order{
		CustomerId: "cus_1", CurrencyCode: "GBP", ShippingMinor: 95,
		Lines: []*ordersv1.Line{
			{Sku: "A", Quantity: 2, UnitPriceMinor: 500},
			{Sku: "B", Quantity: 3, UnitPriceMinor: 100, DiscountMinor: 10},
			{Sku: "WRAP", Kind: ordersv1.LineKind_LINE_KIND_SERVICE, Quantity: 1, UnitPriceMinor: 250},
		},
	}
}

// place gives an order that is placed.
func (s *shop) place() order.Order {
	s.t.Helper()
	res, err := s.orders.CreateOrder(s.t.Context(), &ordersv1.CreateOrderRequest{
		Order: cart(), PaymentMethod: "tok_ok", RequestId: rand.Text(),
	})
	require.NoError(s.t, err)
	return s.stored(res.GetOrder().GetId())
}

// stored reads an order.
func (s *shop) stored(orderID string) order.Order {
	s.t.Helper()
	parsed, err := order.ParseID(orderID)
	require.NoError(s.t, err)
	o, err := s.store.Order(s.t.Context(), parsed)
	require.NoError(s.t, err)
	return o
}

// happen does what a saga does to an order: over a store of its own that tells the hub.
func (s *shop) happen(o order.Order, changes ...order.Change) order.Order {
	s.t.Helper()
	changed, err := s.hub.Over(s.store).ChangeOrder(s.t.Context(), o.ID, anyRequest(), func(order.Order) ([]order.Change, error) {
		return changes, nil
	})
	require.NoError(s.t, err)
	return changed
}

// confirmed gives an order whose stock is held and whose money is set aside.
func (s *shop) confirmed() order.Order {
	s.t.Helper()
	o := s.place()
	for _, sku := range []string{"A", "B"} {
		s.stocked(sku, 10)
	}
	_, err := s.store.HoldStock(s.t.Context(), o.ID, []stock.Demand{{SKU: "A", Quantity: 2}, {SKU: "B", Quantity: 3}}, time.Time{})
	require.NoError(s.t, err)
	return s.happen(o, order.Accepted{Payment: order.PaymentAuthorized})
}

// stocked puts goods on the shelf.
func (s *shop) stocked(sku string, quantity int64) {
	s.t.Helper()
	_, err := s.store.PutProduct(s.t.Context(), sku, anyRequest(), func(current *stock.Product) (stock.Product, error) {
		return stock.Upsert(current, stock.Product{SKU: sku, Currency: "GBP", BackorderLimit: 100}, "", time.Now())
	})
	require.NoError(s.t, err)
	_, err = s.store.AdjustStock(s.t.Context(), stock.Adjustment{SKU: sku, Delta: quantity, Reason: 1, Time: time.Now()}, anyRequest())
	require.NoError(s.t, err)
}

// anyRequest is a request like no other.
func anyRequest() store.Request { return store.NewRequest("test", rand.Text(), nil) }

// twice sends a request two times, which must give one answer, and gives it.
func twice[Req, Res proto.Message](t *testing.T, call func(context.Context, Req) (Res, error), req Req) Res {
	t.Helper()
	first, err := call(t.Context(), req)
	require.NoError(t, err)
	second, err := call(t.Context(), req)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(first, second, protocmp.Transform()))
	return first
}

// requireRefused makes sure that a call was refused with its code and reason.
func requireRefused(t *testing.T, code connect.Code, reason fault.Reason, err error) {
	t.Helper()
	require.Equal(t, code, connect.CodeOf(err), "%v", err)
	var coded *connect.Error
	require.ErrorAs(t, err, &coded)
	for _, detail := range coded.Details() {
		value, err := detail.Value()
		require.NoError(t, err)
		if info, ok := value.(*errdetails.ErrorInfo); ok {
			require.Equal(t, string(reason), info.GetReason(), "%v", coded)
			return
		}
	}
	t.Fatalf("no reason in %v", err)
}

// requireSame makes sure that nothing has happened to an order.
func (s *shop) requireSame(o order.Order) {
	s.t.Helper()
	require.True(s.t, o.Equal(s.stored(o.ID.String())), "the order has changed")
}
