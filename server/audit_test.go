package server_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server"
	"github.com/orderprocessing/orderprocessing/server/integrity"
	"github.com/orderprocessing/orderprocessing/server/servertest"
)

// TestVerify_Live checks everything again and again, in the server and beside it, while orders are
// placed, shipped, returned and canceled.
func TestVerify_Live(t *testing.T) {
	const buyers, each = 8, 25
	s := servertest.Start(t)
	for _, sku := range []string{"hot", "cold"} {
		stocked(t, s, sku, 2*buyers*each, 0)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var done atomic.Int64
	var group sync.WaitGroup
	for buyer := range buyers {
		group.Go(func() {
			b := &liveBuyer{s: s, ctx: ctx, name: fmt.Sprint("cus_", buyer)}
			for i := range each {
				if err := b.buy(i); !assert.NoError(t, err) {
					return
				}
				done.Add(1)
			}
		})
	}
	inServer, beside := 0, 0
	for done.Load() < buyers*each/2 || beside < 5 {
		requireSound(t, s)
		inServer++
		report := verifyBeside(t, s)
		require.Empty(t, report.Listed)
		require.NotNil(t, report.Gateway)
		beside++
		if t.Failed() {
			break
		}
	}
	group.Wait()
	require.EqualValues(t, buyers*each, done.Load())
	require.GreaterOrEqual(t, inServer, 5)
	report := verifyBeside(t, s)
	require.True(t, report.OK, "%v", report.Listed)
	require.EqualValues(t, buyers*each, report.Orders)
	require.Positive(t, report.Payments)
	require.Equal(t, report.Payments, report.Gateway.Payments)
	require.Zero(t, report.Gateway.Foreign)
}

// verifyBeside checks as the command does, with databases of its own.
func verifyBeside(t *testing.T, s *servertest.Server) integrity.Report {
	t.Helper()
	stores, err := server.OpenStores(t.Context(), s.Config, server.Observers{})
	require.NoError(t, err)
	defer func() { require.NoError(t, stores.Close(context.WithoutCancel(t.Context()))) }()
	sources, end, err := server.OpenSources(t.Context(), s.Config, stores)
	require.NoError(t, err)
	defer func() { require.NoError(t, end(context.WithoutCancel(t.Context()))) }()
	report, err := integrity.Check(t.Context(), sources, nil)
	require.NoError(t, err)
	return report
}

// liveBuyer places orders of which every third is canceled, and every third comes back.
type liveBuyer struct {
	s    *servertest.Server
	ctx  context.Context //nolint:containedctx // of the test
	name string
}

func (b *liveBuyer) buy(i int) error {
	request := func(what string) string { return fmt.Sprint(b.name, "-", i, "-", what) }
	res, err := b.s.Orders.CreateOrder(b.ctx, &ordersv1.CreateOrderRequest{
		RequestId: request("buy"), PaymentMethod: "tok_ok", Order: &ordersv1.Order{
			CustomerId: b.name, CurrencyCode: "GBP", Lines: []*ordersv1.Line{
				{Sku: "hot", Quantity: 2, UnitPriceMinor: 333}, {Sku: "cold", Quantity: 1, UnitPriceMinor: 99},
			},
		},
	})
	if err != nil {
		return err
	}
	orderID := res.GetOrder().GetId()
	if i%3 == 0 { // whether it was confirmed by then or not
		if i%2 == 0 {
			if err := b.until(orderID, ordersv1.Lifecycle_LIFECYCLE_CONFIRMED); err != nil {
				return err
			}
		}
		_, err := b.s.Orders.CancelOrder(b.ctx, &ordersv1.CancelOrderRequest{OrderId: orderID, RequestId: request("cancel")})
		return err
	}
	if err := b.until(orderID, ordersv1.Lifecycle_LIFECYCLE_CONFIRMED); err != nil {
		return err
	}
	for n, lines := range [][]*ordersv1.ShipmentLine{{{Position: 1, Quantity: 1}}, nil} {
		parcel, err := b.s.Shipments.CreateShipment(b.ctx, &ordersv1.CreateShipmentRequest{
			OrderId: orderID, RequestId: request(fmt.Sprint("pack-", n)), Lines: lines,
		})
		if err != nil {
			return err
		}
		shipmentID := parcel.GetShipment().GetId()
		if _, err := b.s.Shipments.ShipShipment(b.ctx, &ordersv1.ShipShipmentRequest{ShipmentId: shipmentID, RequestId: request(fmt.Sprint("ship-", n))}); err != nil {
			return err
		}
		if _, err := b.s.Shipments.DeliverShipment(b.ctx, &ordersv1.DeliverShipmentRequest{ShipmentId: shipmentID, RequestId: request(fmt.Sprint("deliver-", n))}); err != nil {
			return err
		}
	}
	if i%3 == 1 {
		return nil
	}
	if err := b.until(orderID, ordersv1.Lifecycle_LIFECYCLE_COMPLETED); err != nil {
		return err
	}
	return b.giveBack(orderID, request)
}

func (b *liveBuyer) giveBack(orderID string, request func(string) string) error {
	lines := []*ordersv1.ShipmentLine{{Position: 1, Quantity: 1}}
	asked, err := b.s.Returns.RequestReturn(b.ctx, &ordersv1.RequestReturnRequest{OrderId: orderID, RequestId: request("back"), Lines: lines})
	if err != nil {
		return err
	}
	returnID := asked.GetReturn().GetId()
	if _, err := b.s.Returns.ReceiveReturn(b.ctx, &ordersv1.ReceiveReturnRequest{ReturnId: returnID, RequestId: request("receive")}); err != nil {
		return err
	}
	_, err = b.s.Returns.CloseReturn(b.ctx, &ordersv1.CloseReturnRequest{ReturnId: returnID, RequestId: request("close"), Restock: lines})
	return err
}

// until waits until the order has come so far.
func (b *liveBuyer) until(orderID string, lifecycle ordersv1.Lifecycle) error {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		res, err := b.s.Orders.GetOrder(b.ctx, &ordersv1.GetOrderRequest{OrderId: orderID})
		if err != nil || res.GetOrder().GetLifecycle() == lifecycle {
			return err
		}
		select {
		case <-ticker.C:
		case <-b.ctx.Done():
			return fmt.Errorf("%s is %s: %w", orderID, res.GetOrder().GetLifecycle(), b.ctx.Err())
		}
	}
}
