package main_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	inventoryv1 "github.com/orderprocessing/orderprocessing/gen/inventory/v1"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/integrity"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

func TestVerify_Gateway(t *testing.T) {
	s := newSite(t)
	srv := s.serve(t)
	buy(t, srv)

	t.Run("the ledger of the bank in a running server is read beside it, and agrees", func(t *testing.T) {
		found := s.verify(t)
		require.Equal(t, &integrity.Compared{Name: "simulator", Payments: 1, Movements: 1}, found.Gateway)
		require.EqualValues(t, 1, found.Holds)
		require.Contains(t, s.do(t, "verify"), "1 payments compared with 1 movements of the gateway simulator")
	})
	t.Run("a gateway that cannot be reached is told", func(t *testing.T) {
		got := s.with("ORDERPROCESSING_PAYMENTS_SIMULATOR_URL=http://127.0.0.1:1").run(t, "verify", "--json")
		require.Equal(t, 1, got.code)
		found := decode[integrity.Report](t, got.stdout)
		require.Nil(t, found.Gateway)
		require.Len(t, found.Listed, 1)
		require.Equal(t, integrity.Ledgers, found.Listed[0].Invariant)
		require.Contains(t, found.Listed[0].Detail, "could not be compared")
	})
	t.Run("money that the bank took and we do not know of is found", func(t *testing.T) {
		bank, err := database.Open(t.Context(), "sqlite:"+filepath.Join(s.dir, "data", "bank.db"), database.Options{})
		require.NoError(t, err)
		_, err = bank.Write.ExecContext(t.Context(), "UPDATE operations SET moved = moved + 1")
		require.NoError(t, err)
		require.NoError(t, bank.Close())

		got := s.run(t, "verify")
		require.Equal(t, 1, got.code)
		require.Contains(t, got.stdout, integrity.Ledgers)
		require.Contains(t, got.stdout, "1 violations, 0 unsettled")
	})
}

// buy places an order that is confirmed.
func buy(t *testing.T, srv *server) {
	t.Helper()
	c := srv.client(t)
	_, err := c.Inventory.UpsertProduct(t.Context(), &inventoryv1.UpsertProductRequest{
		RequestId: "put", Product: &inventoryv1.Product{Sku: "A", CurrencyCode: "GBP", UnitPriceMinor: 250},
	})
	require.NoError(t, err)
	_, err = c.Inventory.AdjustStock(t.Context(), &inventoryv1.AdjustStockRequest{
		RequestId: "in", Sku: "A", Delta: 1, Reason: inventoryv1.AdjustmentReason_ADJUSTMENT_REASON_RECEIVED,
	})
	require.NoError(t, err)
	created, err := c.Orders.CreateOrder(t.Context(), &ordersv1.CreateOrderRequest{
		RequestId: "buy", PaymentMethod: "tok_ok", Order: &ordersv1.Order{
			CustomerId: "cus_1", CurrencyCode: "GBP", Lines: []*ordersv1.Line{{Sku: "A", Quantity: 1, UnitPriceMinor: 250}},
		},
	})
	require.NoError(t, err)
	require.EventuallyWithT(t, func(check *assert.CollectT) {
		got, err := c.Orders.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: created.GetOrder().GetId()})
		require.NoError(check, err)
		require.Equal(check, ordersv1.Lifecycle_LIFECYCLE_CONFIRMED, got.GetOrder().GetLifecycle())
	}, time.Minute, 20*time.Millisecond)
}
