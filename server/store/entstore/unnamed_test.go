package entstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

func TestUnnamedRequests(t *testing.T) {
	s := entstore.New(openDatabase(t, storetest.SQLite(1)(t)[0]), entstore.Options{Now: time.Now})
	t.Cleanup(func() { require.NoError(t, s.Close(context.WithoutCancel(t.Context()))) })
	now := time.Now().UTC().Truncate(time.Microsecond)
	for _, sku := range []string{"A", "B"} { // none is taken for a repeat of another
		p, err := s.PutProduct(t.Context(), sku, store.Request{}, func(*stock.Product) (stock.Product, error) {
			return stock.Product{SKU: sku, Name: sku, UnitPrice: 1, Currency: "GBP", Version: 1, Created: now, Updated: now}, nil
		})
		require.NoError(t, err)
		require.Equal(t, sku, p.SKU)
		for want := int64(1); want <= 2; want++ {
			level, err := s.AdjustStock(t.Context(), stock.Adjustment{SKU: sku, Delta: 1, Reason: 1, Time: now}, store.Request{})
			require.NoError(t, err)
			require.Equal(t, want, level.OnHand)
		}
	}
}
