package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// putting decides on a product of this name.
func putting(sku, name, etag string) store.DecideProduct {
	return func(current *stock.Product) (stock.Product, error) {
		return stock.Upsert(current, stock.Product{SKU: sku, Name: name, UnitPrice: 255, Currency: "GBP"}, etag, noon)
	}
}

func put(t *testing.T, s store.Store, sku, name string) stock.Product {
	t.Helper()
	p, err := s.PutProduct(t.Context(), sku, asked(sku, name), putting(sku, name, ""))
	require.NoError(t, err)
	return p
}

func testProducts(t *testing.T, b bench) {
	t.Run("a product is made, changed and read", func(t *testing.T) {
		s := b.new(t)
		for _, sku := range []string{"85123A", "85123a", "№ 5 'x'"} {
			first := put(t, s, sku, "first")
			require.Equal(t, int64(1), first.Version)
			second := put(t, s, sku, "Grüße 🧶")
			require.Equal(t, int64(2), second.Version)
			got, err := s.Product(t.Context(), sku)
			require.NoError(t, err)
			requireSame(t, second, got)
			requireUTC(t, got.Created, got.Updated)
		}
	})
	t.Run("a product that is not there is not found", func(t *testing.T) {
		s := b.new(t)
		_, err := s.Product(t.Context(), "none")
		requireReason(t, fault.ReasonProductNotFound, err)
	})
	t.Run("the same product again is no change", func(t *testing.T) {
		s := b.new(t)
		first := put(t, s, "A", "same")
		again, err := s.PutProduct(t.Context(), "A", asked("A", "another request"), putting("A", "same", ""))
		require.NoError(t, err)
		requireSame(t, first, again)
	})
	t.Run("the same request again gets the first answer, and another with its key is refused", func(t *testing.T) {
		s := b.new(t)
		first := put(t, s, "A", "first")
		put(t, s, "A", "second")
		requireSame(t, first, put(t, s, "A", "first"))
		_, err := s.PutProduct(t.Context(), "A", otherwise(asked("A", "first")), putting("A", "third", ""))
		requireReason(t, fault.ReasonRequestIDReused, err)
		got, err := s.Product(t.Context(), "A")
		require.NoError(t, err)
		require.Equal(t, "second", got.Name)
	})
	t.Run("what decide refuses is not stored", func(t *testing.T) {
		s := b.new(t)
		_, err := s.PutProduct(t.Context(), "A", asked("A", "x"), putting("A", "x", "7"))
		requireReason(t, fault.ReasonStaleEtag, err)
		_, err = s.Product(t.Context(), "A")
		requireReason(t, fault.ReasonProductNotFound, err)
		put(t, s, "A", "x") // the request was not remembered
	})
	t.Run("the same request of many callers is done once and answered alike", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		put(t, s, "A", "first")
		const callers = 20
		errs, products := make([]error, callers), make([]stock.Product, callers)
		atOnce(callers, func(i int) {
			products[i], errs[i] = servers[i%2].PutProduct(t.Context(), "A", asked("A", "once"), putting("A", "once", "1"))
		})
		require.NoError(t, errors.Join(errs...))
		for _, p := range products {
			requireSame(t, products[0], p)
		}
		require.Equal(t, int64(2), products[0].Version)
	})
	t.Run("of many callers that make a product, each change counts once", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		const callers = 12
		errs := make([]error, callers)
		atOnce(callers, func(i int) {
			name := fmt.Sprint("caller ", i)
			_, errs[i] = servers[i%2].PutProduct(t.Context(), "A", asked("A", name), putting("A", name, ""))
		})
		require.NoError(t, errors.Join(errs...))
		got, err := s.Product(t.Context(), "A")
		require.NoError(t, err)
		require.Equal(t, int64(callers), got.Version)
	})
	t.Run("pages hold every product once, by SKU byte by byte", func(t *testing.T) {
		s := b.new(t)
		skus := []string{"10", "9", "A", "a", "B", "Z", "_", "a b", "a-b", "ab", "Ä", "ä", "é", "z", "№"}
		for _, sku := range skus {
			put(t, s, sku, "x")
		}
		slices.Sort(skus)
		for _, limit := range []int{1, 4, 15, 50} {
			requireSame(t, skus, walkProducts(t, s, limit))
		}
	})
}

func walkProducts(t *testing.T, s store.Store, limit int) (skus []string) {
	t.Helper()
	after := ""
	for {
		page, err := s.Products(t.Context(), after, limit)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page), limit)
		if len(page) == 0 {
			return skus
		}
		for _, p := range page {
			skus = append(skus, p.SKU)
		}
		after = skus[len(skus)-1]
	}
}

func adjust(ctx context.Context, s store.Store, delta int64, request string) (stock.Level, error) {
	return s.AdjustStock(ctx, stock.Adjustment{SKU: "A", Delta: delta, Reason: 1, Time: noon}, asked("A", request))
}

func testStock(t *testing.T, b bench) {
	t.Run("a product that never had stock has a level of 0", func(t *testing.T) {
		s := b.new(t)
		put(t, s, "A", "x")
		got, err := s.StockLevel(t.Context(), "A")
		require.NoError(t, err)
		requireSame(t, stock.Level{SKU: "A"}, got)
	})
	t.Run("what is no product has no level", func(t *testing.T) {
		s := b.new(t)
		_, err := s.StockLevel(t.Context(), "A")
		requireReason(t, fault.ReasonProductNotFound, err)
		_, err = adjust(t.Context(), s, 1, "came in")
		requireReason(t, fault.ReasonProductNotFound, err)
	})
	t.Run("adjustments add up, and the same request counts once", func(t *testing.T) {
		s := b.new(t)
		put(t, s, "A", "x")
		for request, delta := range map[string]int64{"in": 10, "more": 5} {
			_, err := adjust(t.Context(), s, delta, request)
			require.NoError(t, err)
		}
		first, err := adjust(t.Context(), s, -15, "out")
		require.NoError(t, err)
		require.Zero(t, first.OnHand)
		again, err := adjust(t.Context(), s, -15, "out")
		require.NoError(t, err)
		requireSame(t, first, again)
		got, err := s.StockLevel(t.Context(), "A")
		require.NoError(t, err)
		requireSame(t, first, got)
		requireUTC(t, got.Updated)
	})
	t.Run("another request with the same key is refused", func(t *testing.T) {
		s := b.new(t)
		put(t, s, "A", "x")
		_, err := adjust(t.Context(), s, 5, "in")
		require.NoError(t, err)
		_, err = s.AdjustStock(t.Context(), stock.Adjustment{SKU: "A", Delta: 6, Reason: 1, Time: noon}, otherwise(asked("A", "in")))
		requireReason(t, fault.ReasonRequestIDReused, err)
		requireLevel(t, s, 5)
	})
	t.Run("less than nothing is refused and changes nothing", func(t *testing.T) {
		s := b.new(t)
		put(t, s, "A", "x")
		_, err := adjust(t.Context(), s, -1, "too early")
		requireReason(t, fault.ReasonStockTooLow, err)
		_, err = adjust(t.Context(), s, 5, "in")
		require.NoError(t, err)
		_, err = adjust(t.Context(), s, -6, "too much")
		requireReason(t, fault.ReasonStockTooLow, err)
		requireLevel(t, s, 5)
	})
	t.Run("no adjustment of twenty at once is lost", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		put(t, s, "A", "x")
		const callers = 20
		errs := make([]error, callers)
		atOnce(callers, func(i int) {
			for n := range 3 {
				_, err := adjust(t.Context(), servers[i%2], int64(i+1), fmt.Sprint(i, "-", n))
				errs[i] = errors.Join(errs[i], err)
			}
		})
		require.NoError(t, errors.Join(errs...))
		requireLevel(t, s, 3*callers*(callers+1)/2)
	})
	t.Run("twenty who take the last ten leave none, and ten go without", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		put(t, s, "A", "x")
		_, err := adjust(t.Context(), s, 10, "in")
		require.NoError(t, err)
		errs := make([]error, 20)
		atOnce(len(errs), func(i int) { _, errs[i] = adjust(t.Context(), servers[i%2], -1, fmt.Sprint("out ", i)) })
		refused := filtered(errs, func(err error) bool { return err != nil })
		require.Len(t, refused, 10)
		for _, err := range refused {
			requireReason(t, fault.ReasonStockTooLow, err)
		}
		requireLevel(t, s, 0)
	})
	t.Run("the same request of many callers counts once and is answered alike", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		put(t, s, "A", "x")
		_, err := adjust(t.Context(), s, 10, "in")
		require.NoError(t, err)
		errs, levels := make([]error, 20), make([]stock.Level, 20)
		atOnce(len(errs), func(i int) { levels[i], errs[i] = adjust(t.Context(), servers[i%2], -10, "out") })
		require.NoError(t, errors.Join(errs...))
		for _, level := range levels {
			requireSame(t, levels[0], level)
		}
		requireLevel(t, s, 0)
	})
}

func requireLevel(t *testing.T, s store.Store, want int64) {
	t.Helper()
	got, err := s.StockLevel(t.Context(), "A")
	require.NoError(t, err)
	require.Equal(t, want, got.OnHand)
}
