package main_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/clients/importer"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	paymentsv1 "github.com/orderprocessing/orderprocessing/gen/payments/v1"
	"github.com/orderprocessing/orderprocessing/server/integrity"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway/simulator"
)

// bankFaults are what the bank can be told to do, as its documentation lists them.
var bankFaults = []string{
	"ok", "declined", "insufficient_funds", "expired_method", "suspected_fraud", "authentication_required",
	"timeout_before", "timeout_after", "error_500", "error_500_after", "refused", "unavailable", "slow",
	"duplicate_webhook", "webhook_first", "webhook_lost", "expires_soon",
}

// tokens are all ways to pay: each fault strikes when money is set aside, taken, let go or given back.
func tokens() (all []string) {
	for _, operation := range []string{"", "capture_", "void_", "refund_"} {
		for _, fault := range bankFaults {
			all = append(all, "tok_"+operation+fault)
		}
	}
	return all
}

// lasting are the faults that do not pass when the bank is asked again.
var lasting = []string{"declined", "insufficient_funds", "expired_method", "suspected_fraud", "authentication_required", "unavailable"}

// statusReasons are why an order may wait or be refused, by what it is paid with.
var statusReasons = map[string]string{
	"tok_declined": "PAYMENT_DECLINED", "tok_suspected_fraud": "PAYMENT_DECLINED",
	"tok_expires_soon":       "PAYMENT_DECLINED", // it expired before the order was confirmed
	"tok_insufficient_funds": "INSUFFICIENT_FUNDS", "tok_expired_method": "EXPIRED_METHOD",
	"tok_authentication_required": "AUTHENTICATION_REQUIRED",
}

// asked is what is known of an order before it is placed.
type asked struct {
	token     string
	delivered bool
	patient   bool // it is waited for without end
}

// expectations tells what is known of each order, by its number.
func (c *chaos) expectations(t *testing.T) map[string]asked {
	t.Helper()
	docs, err := importer.Open(c.books.files, importer.ReadOptions{})
	require.NoError(t, err)
	defer func() { require.NoError(t, docs.Close()) }()
	all := tokens()
	known := map[string]asked{}
	for range c.plan.documents {
		doc, err := docs.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if converted, problem := importer.Convert(doc); problem == nil && converted.GetOrder() != nil {
			known[doc.Number] = asked{all[len(known)%len(all)], doc.Delivered, c.plan.placeTimeout > chaosTime}
		}
	}
	return known
}

// mayStay tells whether an order may be where it is for good.
func (a asked) mayStay(o *ordersv1.Order) bool {
	fails := func(operation string) bool {
		fault, ok := strings.CutPrefix(a.token, "tok_"+operation)
		return ok && slices.Contains(lasting, fault)
	}
	switch o.GetLifecycle() {
	case ordersv1.Lifecycle_LIFECYCLE_COMPLETED:
		return true
	case ordersv1.Lifecycle_LIFECYCLE_EXPIRED:
		return !a.patient
	case ordersv1.Lifecycle_LIFECYCLE_REJECTED, ordersv1.Lifecycle_LIFECYCLE_ACTION_REQUIRED:
		return o.GetStatusReason() == statusReasons[a.token]
	case ordersv1.Lifecycle_LIFECYCLE_CONFIRMED: // not shipped by those who wrote the books, or never paid
		return !a.delivered || a.token == "tok_expires_soon" || fails("capture_")
	case ordersv1.Lifecycle_LIFECYCLE_PENDING: // the bank never answers, or too late and it does not let the money go
		return a.patient && a.token == "tok_unavailable" || !a.patient && fails("void_")
	default:
		return false
	}
}

// rest waits until nothing is under way any more but what never ends.
func (c *chaos) rest(t *testing.T) {
	t.Helper()
	known := c.expectations(t)
	client := c.srv.client(t)
	// What waits is looked for first: there is little of it.
	open := []ordersv1.Lifecycle{
		ordersv1.Lifecycle_LIFECYCLE_PENDING, ordersv1.Lifecycle_LIFECYCLE_ON_HOLD, ordersv1.Lifecycle_LIFECYCLE_CANCELING,
		ordersv1.Lifecycle_LIFECYCLE_CONFIRMED,
	}
	require.EventuallyWithT(t, func(check *assert.CollectT) {
		require.GreaterOrEqual(check, len(listOrders(t, client.Orders, nil)), c.replays*len(known))
		for _, lifecycle := range open {
			for _, o := range listOrders(t, client.Orders, &ordersv1.OrderFilter{Lifecycle: lifecycle}) {
				require.True(check, known[o.GetNumber()].mayStay(o), "%s paid with %s is %s, %s, %s", o.GetId(), known[o.GetNumber()].token, o.GetLifecycle(), o.GetPaymentStatus(), o.GetFulfillmentStatus())
			}
		}
	}, chaosTime, 500*time.Millisecond)
	c.endReplay(t)
}

// requireSound holds every order against what was done to it, and against the bank's own ledger.
func (c *chaos) requireSound(t *testing.T) {
	t.Helper()
	known := c.expectations(t)
	orders := listOrders(t, c.srv.client(t).Orders, nil)
	require.EqualValues(t, c.placed, len(orders), "each order that was acknowledged is there, once")
	ends := map[string]int{}
	for _, o := range orders {
		ends[o.GetLifecycle().String()]++
		require.True(t, known[o.GetNumber()].mayStay(o), "%s paid with %s: %s", o.GetId(), known[o.GetNumber()].token, o)
	}
	t.Logf("%d orders: %v", len(orders), ends)
	require.Greater(t, ends["LIFECYCLE_COMPLETED"], len(orders)/2)

	accounts := c.accounts(t)
	found := decode[integrity.Report](t, c.run(t, "verify", "--json").stdout)
	for _, o := range orders {
		requireChargedOnce(t, o, known[o.GetNumber()], accounts[o.GetId()])
		for _, v := range found.Listed {
			if v.OrderID == o.GetId() {
				t.Errorf("%+v: paid with %s, it is %s, %s; the bank has %v", v, known[o.GetNumber()].token, o.GetLifecycle(), o.GetPaymentStatus(), accounts[o.GetId()])
			}
		}
	}
	require.True(t, found.OK, "%+v", found.Listed)
}

// accounts gives what the bank has moved for each order, by its own ledger.
func (c *chaos) accounts(t *testing.T) map[string]map[gateway.MovementKind]int64 {
	t.Helper()
	payments := c.srv.client(t).Payments
	orderOf := map[string]string{} // by payment
	for request := (&paymentsv1.ListPaymentsRequest{PageSize: 500}); ; {
		page, err := payments.ListPayments(t.Context(), request)
		require.NoError(t, err)
		for _, p := range page.GetPayments() {
			orderOf[p.GetId()] = p.GetOrderId()
		}
		if request.PageToken = page.GetNextPageToken(); request.PageToken == "" {
			break
		}
	}
	accounts := map[string]map[gateway.MovementKind]int64{} // of orders
	bank := simulator.NewGateway(c.bank.url, simulator.ClientOptions{})
	defer bank.Close()
	for m, err := range gateway.Movements(t.Context(), bank, time.Time{}) {
		require.NoError(t, err)
		orderID := orderOf[m.Payment]
		require.NotEmpty(t, orderID, "the bank moved money that we know nothing of: %+v", m)
		if accounts[orderID] == nil {
			accounts[orderID] = map[gateway.MovementKind]int64{}
		}
		accounts[orderID][m.Kind] += int64(m.Amount)
	}
	return accounts
}

// requireChargedOnce wants the bank to have taken or set aside what an order costs, and no more.
func requireChargedOnce(t *testing.T, o *ordersv1.Order, a asked, account map[gateway.MovementKind]int64) {
	t.Helper()
	taken := account[gateway.MovementCaptured]
	aside := account[gateway.MovementAuthorized] - taken - account[gateway.MovementReleased]
	what := []any{"%s of %d paid with %s is %s: %v", o.GetId(), o.GetTotalMinor(), a.token, o.GetLifecycle(), account}
	require.LessOrEqual(t, taken+aside, o.GetTotalMinor(), what...)
	require.LessOrEqual(t, account[gateway.MovementRefunded], taken, what...)
	if a.token == "tok_expires_soon" {
		aside = 0 // the bank lets go of what has lapsed once a minute
	}
	switch o.GetLifecycle() {
	case ordersv1.Lifecycle_LIFECYCLE_COMPLETED:
		require.Equal(t, o.GetTotalMinor(), taken, what...)
		require.Zero(t, aside, what...)
	case ordersv1.Lifecycle_LIFECYCLE_CONFIRMED:
		if a.token != "tok_expires_soon" {
			require.Equal(t, o.GetTotalMinor(), taken+aside, what...)
		}
	case ordersv1.Lifecycle_LIFECYCLE_PENDING: // its money is not let go
	default:
		require.Zero(t, taken+aside, what...)
	}
}

// listOrders gives all orders that a filter lets through.
func listOrders(t *testing.T, orders ordersv1connect.OrderServiceClient, filter *ordersv1.OrderFilter) (all []*ordersv1.Order) {
	t.Helper()
	for request := (&ordersv1.ListOrdersRequest{PageSize: 500, Filter: filter}); ; {
		page, err := orders.ListOrders(t.Context(), request)
		require.NoError(t, err)
		all = append(all, page.GetOrders()...)
		if request.PageToken = page.GetNextPageToken(); request.PageToken == "" {
			return all
		}
	}
}
