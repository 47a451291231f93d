package entstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

func TestBatchOnSQLite(t *testing.T)   { testBatch(t, storetest.SQLite(1)(t)[0]) }
func TestBatchOnPostgres(t *testing.T) { testBatch(t, storetest.Postgres(1)(t)[0]) }

func testBatch(t *testing.T, url string) {
	s := entstore.New(openDatabase(t, url), entstore.Options{Now: time.Now})
	t.Cleanup(func() { require.NoError(t, s.Close(context.WithoutCancel(t.Context()))) })
	first, err := s.CreateOrder(t.Context(), newOrder("cus_1", "first"))
	require.NoError(t, err)

	t.Run("in one batch each request gets its own answer", func(t *testing.T) {
		fresh, other := newOrder("cus_2", "fresh"), newOrder("cus_2", "fresh")
		other.Request.Fingerprint[0]++
		refused := newOrder("cus_3", "refused") // by the database
		refused.Change = order.Placed{Details: order.Details{
			CustomerID: "cus_3", Currency: "GBP", Shipping: -1, Lines: []order.Line{{SKU: "A", Quantity: 1, UnitPrice: 5}},
		}}
		broken := newOrder("cus_4", "broken") // by the rules
		broken.Change = order.Undone{}
		taken := newOrder("cus_5", "taken")
		taken.ID = first.ID
		orders, errs := s.CreateTogether(t.Context(), []store.NewOrder{
			newOrder("cus_1", "first"), fresh, refused, newOrder("cus_2", "fresh"), other, broken, taken, newOrder("cus_6", "last"),
		})
		require.NoError(t, errs[0])
		require.Empty(t, cmp.Diff(first, orders[0]))
		require.NoError(t, errs[1])
		require.Equal(t, fresh.ID, orders[1].ID)
		require.Error(t, errs[2])
		require.NoError(t, errs[3])
		require.Empty(t, cmp.Diff(orders[1], orders[3]))
		require.Equal(t, fault.ReasonRequestIDReused, fault.ReasonOf(errs[4]))
		require.Error(t, errs[5])
		require.Equal(t, fault.ReasonConcurrentChange, fault.ReasonOf(errs[6]))
		require.NoError(t, errs[7])
		stored, err := s.Orders(t.Context(), store.OrderQuery{Limit: 100})
		require.NoError(t, err)
		require.Len(t, stored, 3)
	})
	t.Run("an order without a request is stored as often as it is asked for", func(t *testing.T) {
		one, two := newOrder("cus_7", "one"), newOrder("cus_7", "two")
		one.Request, two.Request = store.Request{}, store.Request{}
		orders, errs := s.CreateTogether(t.Context(), []store.NewOrder{one, two})
		require.Equal(t, []error{nil, nil}, errs)
		require.NotEqual(t, orders[0].ID, orders[1].ID)
	})
}
