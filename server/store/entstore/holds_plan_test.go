//go:build !race

package entstore_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

func TestStockPlans(t *testing.T) {
	t.Run("on SQLite no statement about stock reads a whole table", func(t *testing.T) {
		requireStockPlans(t, storetest.SQLite(1)(t)[0], "testdata/stock_sqlite.sql", explainSQLite)
	})
	t.Run("on Postgres no statement about stock reads a whole table", func(t *testing.T) {
		requireStockPlans(t, storetest.Postgres(1)(t)[0], "testdata/stock_postgres.sql", explainPostgres)
	})
}

func requireStockPlans(t *testing.T, location, load string, explain explain) {
	t.Helper()
	d := openDatabase(t, location)
	fill(t, d, load)
	var ran, batched []statement
	s := entstore.NewRecorded(d, entstore.Options{Now: time.Now}, func(query string, args []any) {
		ran = append(ran, statement{query, args})
	})
	defer func() { require.NoError(t, s.Close(context.WithoutCancel(t.Context()))) }()
	h := stock.Hold{OrderID: order.ID{UUID: id.New(loaded, 7)}, SKU: "sku_7", Quantity: 5, State: stock.Held, Expires: loaded}
	doWithStock(t, s, h)
	if d.Dialect() == database.Postgres {
		for _, p := range entstore.PostgresStatements(loaded, h) {
			batched = append(batched, statement{p.SQL, p.Args})
		}
		as := openDatabase(t, withoutSeqScans(t, location)) // as batches are
		defer as.Close()
		requireIndexes(t, as, batched, explain)
	}
	requireIndexes(t, d, ran, explain)
	require.Greater(t, len(ran)+len(batched), 15)
}

func withoutSeqScans(t *testing.T, location string) string {
	t.Helper()
	u, err := url.Parse(location)
	require.NoError(t, err)
	query := u.Query()
	query.Set("enable_seqscan", "off")
	u.RawQuery = query.Encode()
	return u.String()
}

func requireIndexes(t *testing.T, d *database.Database, ran []statement, explain explain) {
	t.Helper()
	seen := map[string]bool{}
	for _, s := range ran {
		if seen[s.query] {
			continue
		}
		seen[s.query] = true
		for _, plan := range explain(t, d, s) {
			for line := range strings.Lines(plan) {
				if strings.Contains(line, "Seq Scan") || strings.Contains(line, "SCAN ") && !strings.Contains(line, " USING ") {
					t.Errorf("reads a whole table:\n%s\n%v\n%s", s.query, s.args, plan)
				}
			}
		}
	}
}

// doWithStock does all that can be done with holds.
func doWithStock(t *testing.T, s store.Store, h stock.Hold) {
	t.Helper()
	ctx := t.Context()
	must := func(_ any, err error) {
		t.Helper()
		require.NoError(t, err)
	}
	demands, one := []stock.Demand{{SKU: h.SKU, Quantity: h.Quantity}}, []stock.Demand{{SKU: h.SKU, Quantity: 1}}
	must(s.HoldStock(ctx, h.OrderID, demands, loaded))
	must(nil, s.MayCommitStock(ctx, h.OrderID, one, store.NewRequest("stock", "commit", nil)))
	must(s.CommitStock(ctx, h.OrderID, one, store.NewRequest("stock", "commit", nil)))
	must(s.HoldsOf(ctx, h.OrderID, []string{h.SKU, "sku_8"}))
	must(s.ReleaseStock(ctx, h.OrderID, []string{h.SKU}))
	must(s.ExpireHolds(ctx, time.Date(2025, 1, 1, 0, 10, 0, 0, time.UTC), 10))
	must(s.AuditStock(ctx, "sku_5", 50))
}
