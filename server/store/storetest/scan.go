package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store"
)

func testScan(t *testing.T, b bench) {
	s := b.new(t)
	var documents []store.Document
	for i := range 450 { // a batch holds fewer
		documents = append(documents, sold(customer(i%2), fmt.Sprint(i), i, line("A", 1)), cameBack(customer(i%2), fmt.Sprint("C", i), i, line("B", 1)))
	}
	takeNew(t, s, documents...)
	until := noon.AddDate(0, 0, 420)

	t.Run("a scan hands over every order that fits, once, a customer's by id", func(t *testing.T) {
		seen := scanOrders(t, s, store.OrderQuery{Ascending: true})
		requireSame(t, walk(t, s, store.OrderQuery{Ascending: true, Limit: 100}), byID(seen, true))
		for _, q := range []store.OrderQuery{
			{CustomerID: "cus_1", Ascending: true}, {CustomerID: "cus_1", Before: until}, {CustomerID: "none"},
		} {
			seen := scanOrders(t, s, q)
			q.Limit = 100
			requireSame(t, walk(t, s, q), seen)
		}
	})
	t.Run("a scan hands over every return that fits, once", func(t *testing.T) {
		for _, q := range []store.ReturnQuery{{CustomerID: "cus_1", Ascending: true}, {CustomerID: "cus_1", Before: until}} {
			var seen []order.Return
			require.NoError(t, s.ScanReturns(t.Context(), q, func(batch []order.Return) error {
				seen = append(seen, batch...)
				return nil
			}))
			q.Limit = 100
			requireSame(t, walkReturns(t, s, q), seen)
		}
	})
	t.Run("a scan ends with the first error of whoever takes", func(t *testing.T) {
		enough := errors.New("enough")
		calls := 0
		err := s.ScanOrders(t.Context(), store.OrderQuery{From: noon.Add(-time.Hour)}, func([]order.Order) error {
			calls++
			return enough
		})
		require.ErrorIs(t, err, enough)
		require.Equal(t, 1, calls)
	})
}

func scanOrders(t *testing.T, s store.Store, q store.OrderQuery) (seen []order.Order) {
	t.Helper()
	require.NoError(t, s.ScanOrders(t.Context(), q, func(batch []order.Order) error {
		require.NotEmpty(t, batch)
		seen = append(seen, batch...)
		return nil
	}))
	return seen
}
