package integrity_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/integrity"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/shard"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

func TestStock(t *testing.T) {
	for name, want := range map[string]struct{ statement, invariant string }{
		"sound stock is clean":       {"SELECT 1", ""},
		"a hold that is lost":        {"DELETE FROM holds", integrity.Held},
		"a hold that waits in vain":  {"UPDATE holds SET state = 2", integrity.Held},
		"stock that came by itself":  {"UPDATE stock_levels SET on_hand = on_hand + 1", integrity.OnHand},
		"what left without its row":  {"DELETE FROM stock_commits", integrity.OnHand},
		"a level that is gone":       {"DELETE FROM stock_levels", integrity.OnHand},
		"holds in another slot":      {"UPDATE holds SET slot = (slot + 1) % 4096", integrity.Placement},
		"commits in another slot":    {"UPDATE stock_commits SET slot = (slot + 1) % 4096", integrity.Placement},
		"a level in the wrong shard": {"move", integrity.Placement},
	} {
		t.Run(name, func(t *testing.T) {
			urls := storetest.SQLite(2)(t)
			shards := open(t, urls, 0, 1)
			sell(t, shards)
			if want.statement == "move" {
				require.NoError(t, shards.Close(t.Context()))
				shards = open(t, urls, 1, 0)
			} else {
				for _, url := range urls {
					damage(t, url, want.statement)
				}
			}
			report, err := integrity.Check(t.Context(), from(shards), nil)
			require.NoError(t, err)
			require.NoError(t, shards.Close(context.WithoutCancel(t.Context())))
			require.Equal(t, int64(1), report.SKUs)
			require.Equal(t, want.invariant == "", report.OK, "%v", report.Listed)
			if want.invariant != "" {
				var names []string
				for _, v := range report.Listed {
					require.Equal(t, "A", v.SKU)
					names = append(names, v.Invariant)
				}
				require.Contains(t, names, want.invariant, strings.Join(names, " "))
			}
		})
	}
}

// from reads these stores, where nothing is ever at work, and does not wait before it looks again.
func from(shards *shard.Store) integrity.Sources {
	return integrity.Sources{Layout: shards, Wait: func(context.Context, time.Duration) error { return nil }}
}

// open opens two databases as shards of these places.
func open(t *testing.T, urls []string, places ...int) *shard.Store {
	t.Helper()
	shards := make([]store.Store, len(urls))
	for i, url := range urls {
		d, err := database.Open(t.Context(), url, database.Options{})
		require.NoError(t, err)
		shards[places[i]] = entstore.New(d, entstore.Options{Now: time.Now})
	}
	s, err := shard.New(shard.Even(len(urls)), shards)
	require.NoError(t, err)
	return s
}

// sell stocks ten, of which an order holds five and has got two.
func sell(t *testing.T, s store.Store) {
	t.Helper()
	now := time.Now().UTC()
	orderID := order.ID{UUID: id.New(now, 7)}
	_, err := s.PutProduct(t.Context(), "A", store.NewRequest("A", "put", nil), func(*stock.Product) (stock.Product, error) {
		return stock.Upsert(nil, stock.Product{SKU: "A", Currency: "GBP"}, "", now)
	})
	require.NoError(t, err)
	_, err = s.AdjustStock(t.Context(), stock.Adjustment{SKU: "A", Delta: 10, Reason: 1, Time: now}, store.NewRequest("A", "in", nil))
	require.NoError(t, err)
	_, err = s.HoldStock(t.Context(), orderID, []stock.Demand{{SKU: "A", Quantity: 5}}, now.Add(time.Hour))
	require.NoError(t, err)
	_, err = s.CommitStock(t.Context(), orderID, []stock.Demand{{SKU: "A", Quantity: 2}}, store.NewRequest("order", "ship", nil))
	require.NoError(t, err)
}

func damage(t *testing.T, url, statement string) {
	t.Helper()
	d, err := database.Open(t.Context(), url, database.Options{})
	require.NoError(t, err)
	_, err = d.Write.ExecContext(t.Context(), statement)
	require.NoError(t, err)
	require.NoError(t, d.Close())
}
