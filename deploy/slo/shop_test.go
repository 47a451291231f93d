//go:build drill

package main

import (
	"context"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	inventoryv1 "github.com/orderprocessing/orderprocessing/gen/inventory/v1"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway/simulator"
	"github.com/orderprocessing/orderprocessing/server/servertest"
)

// pace is the time between two orders.
const pace = 50 * time.Millisecond

// shop is a server with a bank of its own and customers.
type shop struct {
	*servertest.Server
	bank         *simulator.Simulator
	acknowledged int // orders, when the customers rest
	rest         func()
}

func openShop(t *testing.T) *shop {
	t.Helper()
	bank, err := simulator.New(t.Context(), simulator.Options{Database: "sqlite:" + filepath.Join(t.TempDir(), "bank.db")})
	require.NoError(t, err)
	till := httptest.NewServer(bank.Handler())
	t.Cleanup(func() {
		till.Close()
		require.NoError(t, bank.Close(context.WithoutCancel(t.Context())))
	})
	s := &shop{bank: bank, Server: servertest.Start(t, func(c *config.Config) {
		c.Payments.Simulator.URL, c.Payments.Simulator.WebhookSecret = till.URL, "drill"
		c.Payments.CallTimeout = time.Second
		c.Risk.Mode = config.RiskOff
	})}
	_, err = s.Inventory.UpsertProduct(t.Context(), &inventoryv1.UpsertProductRequest{
		Product: &inventoryv1.Product{Sku: "tea", CurrencyCode: "GBP"}, RequestId: "put",
	})
	require.NoError(t, err)
	_, err = s.Inventory.AdjustStock(t.Context(), &inventoryv1.AdjustStockRequest{
		Sku: "tea", Delta: 1 << 20, Reason: inventoryv1.AdjustmentReason_ADJUSTMENT_REASON_RECEIVED, RequestId: "in",
	})
	require.NoError(t, err)
	return s
}

// sell lets customers order at a steady pace until they rest.
func (s *shop) sell(t *testing.T) {
	t.Helper()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(pace)
		defer ticker.Stop()
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case <-ticker.C:
			}
			_, err := s.Orders.CreateOrder(t.Context(), &ordersv1.CreateOrderRequest{
				RequestId: fmt.Sprint("drill-", n), PaymentMethod: "tok_ok",
				Order: &ordersv1.Order{
					CustomerId: fmt.Sprint("cus_", n), CurrencyCode: "GBP", Lines: []*ordersv1.Line{{Sku: "tea", Quantity: 1, UnitPriceMinor: 100}},
				},
			})
			if !assert.NoError(t, err) {
				return
			}
			s.acknowledged++
		}
	}()
	ended := false
	s.rest = func() {
		if !ended {
			ended = true
			close(stop)
			<-stopped
		}
	}
	t.Cleanup(s.rest)
}
