package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// auditStock reads page after page until one is empty.
func auditStock(ctx context.Context, s store.Store, limit int) (all []store.AuditedStock, err error) {
	after := ""
	for {
		page, err := s.AuditStock(ctx, after, limit)
		if err != nil || len(page) == 0 {
			return all, err
		}
		all = append(all, page...)
		after = page[len(page)-1].Level.SKU
	}
}

// unsound says what is wrong with the stock of a SKU; empty for nothing.
func unsound(a store.AuditedStock) string {
	switch l := a.Level; {
	case l.Held != a.Open, l.Backordered != a.Waiting:
		return fmt.Sprintf("%d held, %d of it to come, but the holds make %d and %d", l.Held, l.Backordered, a.Open, a.Waiting)
	case l.OnHand != a.Adjusted-a.Left, a.Left != a.Committed:
		return fmt.Sprintf("%d on hand, but %d came, %d left, %d by the holds", l.OnHand, a.Adjusted, a.Left, a.Committed)
	case l.Held > l.OnHand+l.BackorderLimit, l.Free() < 0:
		return fmt.Sprintf("%d on hand, %d held, %d of it to come: oversold", l.OnHand, l.Held, l.Backordered)
	case a.StrayedRows != 0:
		return fmt.Sprint(a.StrayedRows, " rows in another slot")
	}
	return ""
}

func requireSoundStock(t *testing.T, s store.Store) {
	t.Helper()
	all, err := auditStock(t.Context(), s, 100)
	require.NoError(t, err)
	for _, a := range all {
		require.Empty(t, unsound(a), a.Level.SKU)
	}
	totals, err := s.StockTotals(t.Context())
	require.NoError(t, err)
	var held int64
	for _, a := range all {
		held += a.Level.Held
	}
	require.Equal(t, store.StockTotals{Held: held}, totals)
}

func testStockAudit(t *testing.T, b bench) {
	// sell makes a SKU with something of everything.
	sell := func(t *testing.T, s store.Store, sku string) {
		t.Helper()
		supply(t, s, sku, 10)
		for i := range 4 {
			hold(t, s, i, demand(sku, int64(i+1)))
		}
		_, err := commit(t, s, 3, "ship "+sku, demand(sku, 2))
		require.NoError(t, err)
		release(t, s, 1, sku)
	}
	t.Run("an auditor sees every SKU once, byte by byte, with its sums", func(t *testing.T) {
		s := b.new(t)
		skus := []string{"10", "9", "A", "B", "a", "z", "Ä", "№"}
		for _, sku := range skus {
			sell(t, s, sku)
		}
		for _, limit := range []int{1, 3, 8, 100} {
			all, err := auditStock(t.Context(), s, limit)
			require.NoError(t, err)
			require.True(t, slices.IsSortedFunc(all, store.AuditedStock.CompareSKU))
			require.Len(t, all, len(skus))
			for _, a := range all {
				require.Contains(t, skus, a.Level.SKU)
				a.Level.SKU = ""
				level := stock.Level{OnHand: 8, Held: 6, Updated: a.Level.Updated}
				requireSame(t, store.AuditedStock{Level: level, Open: 6, Adjusted: 10, Left: 2, Committed: 2}, a)
			}
		}
	})
	t.Run("damage shows", func(t *testing.T) {
		for name, statement := range map[string]string{
			"more is held than the holds say":      "UPDATE stock_levels SET held = held + 1 WHERE sku = 'B'",
			"less is held":                         "UPDATE stock_levels SET held = held - 1 WHERE sku = 'B'",
			"a hold is gone":                       "DELETE FROM holds WHERE sku = 'B' AND quantity = 3",
			"a hold was released but still counts": "UPDATE holds SET state = 4 WHERE sku = 'B' AND quantity = 3",
			"a hold waits for what is there":       "UPDATE holds SET state = 2 WHERE sku = 'B' AND quantity = 3",
			"something left by itself":             "UPDATE stock_levels SET on_hand = on_hand - 1 WHERE sku = 'B'",
			"what left is not remembered":          "DELETE FROM stock_commits WHERE sku = 'B'",
			"what came in is not remembered":       "DELETE FROM stock_adjustments WHERE sku = 'B'",
			"the level is gone":                    "DELETE FROM stock_levels WHERE sku = 'B'",
			"the level stands in another slot":     "UPDATE stock_levels SET slot = (slot + 1) % 4096 WHERE sku = 'B'",
			"holds stand in another slot":          "UPDATE holds SET slot = (slot + 1) % 4096 WHERE sku = 'B'",
		} {
			t.Run(name, func(t *testing.T) {
				s := b.new(t)
				for _, sku := range []string{"A", "B", "C"} {
					sell(t, s, sku)
				}
				s.damage(t, statement)
				all, err := auditStock(t.Context(), s, 2)
				require.NoError(t, err)
				require.Len(t, all, 3)
				for _, a := range all {
					require.Equal(t, a.Level.SKU == "B", unsound(a) != "", "%+v", a)
				}
			})
		}
	})
	t.Run("the database itself refuses to oversell", func(t *testing.T) {
		s := b.new(t)
		sell(t, s, "A")
		for _, statement := range []string{
			"UPDATE stock_levels SET held = on_hand + 1", "UPDATE stock_levels SET held = -1",
			"UPDATE stock_levels SET on_hand = held - 1", "UPDATE stock_levels SET backordered = held + 1",
		} {
			for _, url := range s.urls {
				d := open(t, url)
				result, err := d.Write.ExecContext(t.Context(), statement)
				require.NoError(t, d.Close())
				if err == nil {
					changed, err := result.RowsAffected()
					require.NoError(t, err)
					require.Zero(t, changed, "%s", statement) // no stock in this shard
				}
			}
		}
		requireHeld(t, s, "A", 8, 6)
	})
	t.Run("an audit beside sales sees no level without its holds", func(t *testing.T) {
		s := b.new(t)
		supply(t, s, "A", 1000)
		supply(t, s, "B", 1000)
		atOnce(9, func(i int) {
			if i == 8 {
				for range 20 {
					all, err := auditStock(t.Context(), s, 1)
					if err != nil {
						t.Error(err)
					}
					for _, a := range all {
						if why := unsound(a); why != "" {
							t.Error(a.Level.SKU, why)
						}
					}
				}
				return
			}
			for n := range 20 {
				who := 100*i + n
				tryHold(t, s, who, demand("A", 2), demand("B", 1))
				_, _ = commit(t, s, who, "ship", demand("A", 1))
				_, _ = s.ReleaseStock(t.Context(), buyer(who), []string{"A", "B"})
			}
		})
		requireSoundStock(t, s)
	})
}
