package entstore_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(_ testing.TB, databases []*database.Database) store.Store {
	return entstore.New(databases[0], entstore.Options{Now: time.Now})
}

func TestSQLiteStore(t *testing.T) {
	storetest.Run(t, storetest.Backend{Databases: storetest.SQLite(1), Open: open})
}

func TestPostgresStore(t *testing.T) {
	storetest.Run(t, storetest.Backend{Databases: storetest.Postgres(1), Open: open})
}

// newOrder is an order of three lines.
func newOrder(customer, request string) store.NewOrder {
	at := time.UnixMilli(1700000000000).UTC()
	r := store.NewRequest(customer, request, nil)
	return store.NewOrder{
		ID: order.NewID(at, customer, r.String()), Created: at, Request: r,
		Change: order.Placed{Details: order.Details{CustomerID: customer, Currency: "GBP", Lines: []order.Line{
			{SKU: "85123A", Description: "WHITE HANGING HEART T-LIGHT HOLDER", Quantity: 6, UnitPrice: 255},
			{SKU: "71053", Description: "WHITE METAL LANTERN", Quantity: 6, UnitPrice: 339},
			{SKU: "84406B", Description: "CREAM CUPID HEARTS COAT HANGER", Quantity: 8, UnitPrice: 275},
		}}},
	}
}

func openDatabase(tb testing.TB, url string) *database.Database {
	tb.Helper()
	d, err := database.Open(tb.Context(), url, database.Options{})
	require.NoError(tb, err)
	return d
}
