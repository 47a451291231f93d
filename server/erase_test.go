package server_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	client "github.com/orderprocessing/orderprocessing/clients/go"
	identityv1 "github.com/orderprocessing/orderprocessing/gen/identity/v1"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	paymentsv1 "github.com/orderprocessing/orderprocessing/gen/payments/v1"
	policyv1 "github.com/orderprocessing/orderprocessing/gen/policy/v1"
	"github.com/orderprocessing/orderprocessing/server"
	"github.com/orderprocessing/orderprocessing/server/audit"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/servertest"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// marked is a customer with the mark in whatever people can write.
type marked struct {
	*liveBuyer
	t *testing.T
}

const markedCustomer = mark + "@example.com"

// TestEraseCustomer has a customer do all that leaves something behind, erases it, and looks for it in
// everything that is stored.
func TestEraseCustomer(t *testing.T) {
	for name, where := range stores {
		t.Run(name, func(t *testing.T) {
			s := servertest.Start(t, where(t))
			stocked(t, s, "A", 100, 0)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			m := marked{liveBuyer: &liveBuyer{s: s, ctx: ctx, name: markedCustomer}, t: t}
			m.register()
			bought := m.buy()
			open := m.place("open", "")
			require.Contains(t, everything(t, s), mark)

			operator := s.As(auth.Caller{ID: "usr_dpo", Roles: []auth.Role{auth.Operator}})
			erase := &ordersv1.EraseCustomerRequest{CustomerId: markedCustomer}
			_, err := operator.Orders.EraseCustomer(t.Context(), erase)
			require.Equal(t, "CUSTOMER_ORDERS_OPEN", client.Reason(err))
			require.Empty(t, recordsOf(t, s, "usr_dpo"))
			m.cancel(open)

			before, err := s.Orders.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: bought})
			require.NoError(t, err)
			erased, err := operator.Orders.EraseCustomer(t.Context(), erase)
			require.NoError(t, err)
			require.EqualValues(t, 2, erased.GetOrders())
			require.EqualValues(t, 1, erased.GetPayments())
			require.EqualValues(t, 1, erased.GetReturns())
			require.EqualValues(t, 1, erased.GetUsers())
			require.EqualValues(t, 1, erased.GetApiKeys())
			require.NotContains(t, everything(t, s), mark)
			records := recordsOf(t, s, "usr_dpo")
			require.Len(t, records, 1)
			require.Equal(t, audit.Pseudonym(markedCustomer), records[0].Object)

			after, err := s.Orders.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: bought})
			require.NoError(t, err)
			require.Equal(t, before.GetOrder().GetTotalMinor(), after.GetOrder().GetTotalMinor())
			require.Len(t, after.GetOrder().GetShipments(), 1)
			require.Empty(t, after.GetOrder().GetCustomerId())
			events, err := s.Orders.ListOrderEvents(t.Context(), &ordersv1.ListOrderEventsRequest{OrderId: bought})
			require.NoError(t, err)
			require.NotNil(t, events.GetEvents()[len(events.GetEvents())-1].GetErased())
			requireSound(t, s)
			report := verifyBeside(t, s)
			require.True(t, report.OK, "%v", report.Listed)

			erased, err = operator.Orders.EraseCustomer(t.Context(), erase)
			require.NoError(t, err)
			require.Zero(t, erased.GetOrders()+erased.GetPayments()+erased.GetReturns()+erased.GetUsers()+erased.GetApiKeys())
			s.Stop(t)
			files, err := filepath.Glob(filepath.Join(s.Config.Data.Dir, "*"))
			require.NoError(t, err)
			for _, file := range files {
				data, err := os.ReadFile(file)
				require.NoError(t, err)
				require.NotContains(t, string(data), mark, file)
			}
		})
	}
}

func (m marked) request(what string) string { return fmt.Sprint("r-", what) }

// register makes a user and an API key of the customer, and logs in.
func (m marked) register() {
	_, err := m.s.Identity.RegisterUser(m.ctx, &identityv1.RegisterUserRequest{
		Email: markedCustomer, Password: password, DisplayName: mark, CustomerId: markedCustomer, RequestId: m.request("register"),
	})
	require.NoError(m.t, err)
	_, err = m.s.Identity.Login(m.ctx, &identityv1.LoginRequest{Email: markedCustomer, Password: password})
	require.NoError(m.t, err)
	_, err = m.s.Identity.CreateApiKey(m.ctx, &identityv1.CreateApiKeyRequest{
		DisplayName: mark, Roles: []policyv1.Role{policyv1.Role_ROLE_CUSTOMER}, CustomerId: markedCustomer, RequestId: m.request("key"),
	})
	require.NoError(m.t, err)
}

// place orders something, to be paid by a method, and edits it.
func (m marked) place(what, method string) (orderID string) {
	address := &ordersv1.Address{Name: mark, Street: mark, City: mark, Region: mark, PostalCode: mark, Country: mark}
	res, err := m.s.Orders.CreateOrder(m.ctx, &ordersv1.CreateOrderRequest{
		RequestId: m.request(what), PaymentMethod: method, Order: &ordersv1.Order{
			CustomerId: markedCustomer, CurrencyCode: "GBP", ShipTo: address, Note: mark,
			Lines: []*ordersv1.Line{{Sku: "A", Quantity: 2, UnitPriceMinor: 333}},
		},
	})
	require.NoError(m.t, err)
	return res.GetOrder().GetId()
}

// buy takes an order all the way, and something of it back.
func (m marked) buy() (orderID string) {
	t := m.t
	orderID = m.place("buy", "tok_ok")
	require.NoError(t, m.until(orderID, ordersv1.Lifecycle_LIFECYCLE_CONFIRMED))
	_, err := m.s.Orders.UpdateOrder(m.ctx, &ordersv1.UpdateOrderRequest{
		Order: &ordersv1.Order{Id: orderID, Note: mark + " twice"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"note"}}, RequestId: m.request("edit"),
	})
	require.NoError(t, err)
	_, err = m.s.Orders.HoldOrder(m.ctx, &ordersv1.HoldOrderRequest{OrderId: orderID, Reason: mark, RequestId: m.request("hold")})
	require.NoError(t, err)
	_, err = m.s.Orders.ResumeOrder(m.ctx, &ordersv1.ResumeOrderRequest{OrderId: orderID, RequestId: m.request("resume")})
	require.NoError(t, err)
	parcel, err := m.s.Shipments.CreateShipment(m.ctx, &ordersv1.CreateShipmentRequest{OrderId: orderID, RequestId: m.request("pack")})
	require.NoError(t, err)
	shipmentID := parcel.GetShipment().GetId()
	_, err = m.s.Shipments.ShipShipment(m.ctx, &ordersv1.ShipShipmentRequest{
		ShipmentId: shipmentID, Carrier: "Royal Mail", TrackingNumber: mark, RequestId: m.request("ship"),
	})
	require.NoError(t, err)
	_, err = m.s.Shipments.DeliverShipment(m.ctx, &ordersv1.DeliverShipmentRequest{ShipmentId: shipmentID, RequestId: m.request("deliver")})
	require.NoError(t, err)
	require.NoError(t, m.until(orderID, ordersv1.Lifecycle_LIFECYCLE_COMPLETED))
	paid, err := m.s.Payments.ListPayments(m.ctx, &paymentsv1.ListPaymentsRequest{Filter: &paymentsv1.PaymentFilter{CustomerId: markedCustomer}})
	require.NoError(t, err)
	_, err = m.s.Payments.RefundPayment(m.ctx, &paymentsv1.RefundPaymentRequest{
		PaymentId: paid.GetPayments()[0].GetId(), AmountMinor: 1, Note: mark, RequestId: m.request("refund"),
	})
	require.NoError(t, err)
	asked, err := m.s.Returns.RequestReturn(m.ctx, &ordersv1.RequestReturnRequest{
		OrderId: orderID, Reason: mark, RequestId: m.request("back"), Lines: []*ordersv1.ShipmentLine{{Position: 1, Quantity: 1}},
	})
	require.NoError(t, err)
	_, err = m.s.Returns.RejectReturn(m.ctx, &ordersv1.RejectReturnRequest{
		ReturnId: asked.GetReturn().GetId(), Reason: mark, RequestId: m.request("reject"),
	})
	require.NoError(t, err)
	return orderID
}

func (m marked) cancel(orderID string) {
	require.NoError(m.t, m.until(orderID, ordersv1.Lifecycle_LIFECYCLE_ACTION_REQUIRED))
	_, err := m.s.Orders.CancelOrder(m.ctx, &ordersv1.CancelOrderRequest{OrderId: orderID, Reason: mark, RequestId: m.request("cancel")})
	require.NoError(m.t, err)
	require.NoError(m.t, m.until(orderID, ordersv1.Lifecycle_LIFECYCLE_CANCELED))
}

// everything writes out every table of every database, those of the job queue included.
func everything(t *testing.T, s *servertest.Server) string {
	t.Helper()
	var text strings.Builder
	for _, location := range server.Databases(s.Config) {
		d, err := server.OpenDatabase(t.Context(), s.Config, location)
		require.NoError(t, err)
		tables := "SELECT name FROM sqlite_master WHERE type = 'table'"
		if d.Dialect() != database.SQLite {
			tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
		}
		for _, name := range column(t, d, tables) {
			for _, row := range rowsOf(t, d, fmt.Sprintf("SELECT * FROM %q", name)) {
				fmt.Fprintln(&text, name, row)
			}
		}
		require.NoError(t, d.Close())
	}
	return text.String()
}

func column(t *testing.T, d *database.Database, query string) (all []string) {
	t.Helper()
	for _, row := range rowsOf(t, d, query) {
		all = append(all, strings.TrimSpace(row))
	}
	return all
}

// rowsOf writes each row of a query as text.
func rowsOf(t *testing.T, d *database.Database, query string) (all []string) {
	t.Helper()
	rows, err := d.Read.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	cells := make([]any, len(columns))
	for rows.Next() {
		for i := range cells {
			cells[i] = new(any)
		}
		require.NoError(t, rows.Scan(cells...))
		var text strings.Builder
		for _, cell := range cells {
			fmt.Fprintf(&text, " %s", *cell.(*any))
		}
		all = append(all, text.String())
	}
	require.NoError(t, rows.Err())
	require.NotEmpty(t, columns)
	return all
}
