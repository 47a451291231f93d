package server_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// TestAtWork asks an auditor's sources about an order while nobody runs sagas.
func TestAtWork(t *testing.T) {
	cfg := config.Default()
	cfg.Data.Dir = t.TempDir()
	stores, err := server.OpenStores(t.Context(), cfg, server.Observers{})
	require.NoError(t, err)
	defer func() { require.NoError(t, stores.Close(t.Context())) }()
	now := time.Now().UTC().Truncate(time.Microsecond)
	moved := func(t *testing.T, untold bool) order.Order {
		t.Helper()
		o := order.Order{ID: order.NewID(now, "cus_1", ""), Lifecycle: order.Confirmed, Confirmed: now}
		key := payment.KeyOf(o.ID, "by-hand")
		operationID := payment.OperationIDOf(o.ID, key)
		_, err := stores.Shards.ChangePayment(t.Context(), store.PaymentChange{
			PaymentID: payment.ID(operationID), Operation: operationID, Untold: untold,
			Decide: func(r payment.Record) (*payment.Decision, error) {
				return payment.Authorize(r, payment.New{
					OrderID: o.ID, CustomerID: "cus_1", Gateway: "test", Currency: "GBP", Wish: payment.Wish{Key: key, Amount: 100},
				}, now)
			},
		})
		require.NoError(t, err)
		return o
	}
	atWork := func(t *testing.T, o order.Order) bool {
		t.Helper()
		all, err := stores.Sources().Sagas.AtWork(t.Context(), []order.Order{o})
		require.NoError(t, err)
		return all[o.ID]
	}
	t.Run("money that staff moved is yet to be told", func(t *testing.T) { require.True(t, atWork(t, moved(t, true))) })
	t.Run("money that a saga moves is told by that", func(t *testing.T) { require.False(t, atWork(t, moved(t, false))) })
}
