package entstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

// TestCommitted holds what is told of commits against what is stored.
func TestCommitted(t *testing.T) {
	for name, databases := range map[string]func(int) func(testing.TB) []string{
		"SQLite": storetest.SQLite, "Postgres": storetest.Postgres,
	} {
		t.Run(name, func(t *testing.T) {
			var told []order.Order
			s := entstore.New(openDatabase(t, databases(1)(t)[0]), entstore.Options{
				Now: time.Now,
				Committed: func(orders []order.Order, certain bool) {
					require.True(t, certain)
					told = append(told, orders...)
				},
			})
			defer s.Close(context.Background()) //nolint:errcheck // it was only a test
			requireTold := func(want ...order.Order) {
				t.Helper()
				require.Len(t, told, len(want))
				for i := range want {
					require.True(t, want[i].Equal(told[i]), "%v", told[i])
				}
				told = nil
			}
			edit := func(o order.Order) ([]order.Change, error) {
				d := o.Details
				d.Note += "again "
				return []order.Change{order.Edited{Details: d}}, nil
			}

			o, err := s.CreateOrder(t.Context(), newOrder("cus_1", "create"))
			require.NoError(t, err)
			requireTold(o)
			_, err = s.CreateOrder(t.Context(), newOrder("cus_1", "create"))
			require.NoError(t, err)
			requireTold() // it was stored before

			request := store.NewRequest("cus_1", "change", nil)
			changed, err := s.ChangeOrder(t.Context(), o.ID, request, edit)
			require.NoError(t, err)
			requireTold(changed)
			_, err = s.ChangeOrder(t.Context(), o.ID, request, edit)
			require.NoError(t, err)
			requireTold()

			outcomes, err := s.Import(t.Context(), []store.Document{importedReturn(o)})
			require.NoError(t, err)
			require.NoError(t, outcomes[0].Err)
			now, err := s.Order(t.Context(), o.ID)
			require.NoError(t, err)
			require.EqualValues(t, 1, now.ReturnedOf(0), "the import has changed an order that it does not name")
			requireTold(now)
		})
	}
}

// importedReturn is a return of one of the first line of an order.
func importedReturn(o order.Order) store.Document {
	at := o.Created.Add(time.Hour)
	line := o.Lines[0]
	return store.Document{Return: &order.Return{
		ID: order.ImportedReturnID(at, o.CustomerID, "shop", "R1"), CustomerID: o.CustomerID, Source: "shop", Number: "R1",
		Currency: o.Currency, Created: at,
		Lines: []order.ReturnLine{{Line: order.Line{SKU: line.SKU, Quantity: 1, UnitPrice: line.UnitPrice}}},
	}}
}
