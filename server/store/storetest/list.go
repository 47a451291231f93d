package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store"
)

func testList(t *testing.T, b bench) {
	t.Run("pages hold every order once and by id, though all are of one millisecond", func(t *testing.T) {
		s := b.new(t)
		orders := createMany(t, s, 17)
		for _, ascending := range []bool{true, false} {
			want := byID(orders, ascending)
			for _, limit := range []int{1, 2, 5, 16, 17, 18, 100} {
				requireSame(t, want, walk(t, s, store.OrderQuery{Ascending: ascending, Limit: limit}))
			}
		}
	})
	t.Run("a list of nothing is empty", func(t *testing.T) {
		s := b.new(t)
		got, err := s.Orders(t.Context(), store.OrderQuery{Limit: 10})
		require.NoError(t, err)
		require.Empty(t, got)
	})
	t.Run("a walk with times keeps to them on every page", func(t *testing.T) {
		s := b.new(t)
		var inside []order.Order
		for i := range 20 {
			at := noon.Add(time.Duration(i) * time.Millisecond)
			o := create(t, s, made(at, "spread", order.Placed{Details: details(customer(i))}, details(customer(i))))
			if i >= 5 && i < 15 {
				inside = append(inside, o)
			}
		}
		from, before := noon.Add(5*time.Millisecond), noon.Add(15*time.Millisecond)
		for _, ascending := range []bool{true, false} {
			q := store.OrderQuery{From: from, Before: before, Ascending: ascending, Limit: 3}
			requireSame(t, byID(inside, ascending), walk(t, s, q))
		}
	})
	for _, ascending := range []bool{true, false} {
		t.Run(fmt.Sprintf("orders that arrive during a walk (ascending: %t) make it neither repeat nor miss older ones", ascending), func(t *testing.T) {
			s := b.new(t)
			older := createMany(t, s, 12)
			var seen []order.Order
			q := store.OrderQuery{Ascending: ascending, Limit: 3}
			for i := 0; ; i++ {
				page, err := s.Orders(t.Context(), q)
				require.NoError(t, err)
				if len(page) == 0 || len(seen) > 100 {
					break
				}
				seen = append(seen, page...)
				q.After = page[len(page)-1].ID.UUID
				if i < 6 {
					later := noon.Add(time.Duration(i+1) * time.Second)
					create(t, s, made(later, "later", order.Placed{Details: details(customer(i))}, details(customer(i))))
				}
			}
			requireSame(t, byID(seen, ascending), seen)
			require.Len(t, slices.CompactFunc(slices.Clone(seen), func(a, b order.Order) bool { return a.ID == b.ID }), len(seen))
			isOld := func(o order.Order) bool { return o.Created.Equal(noon) }
			requireSame(t, byID(older, ascending), filtered(seen, isOld))
		})
	}
}

func customer(i int) string { return fmt.Sprint("cus_", i) }

func byID(orders []order.Order, ascending bool) []order.Order {
	return slices.SortedFunc(slices.Values(orders), func(a, b order.Order) int {
		if ascending {
			return a.ID.Compare(b.ID.UUID)
		}
		return b.ID.Compare(a.ID.UUID)
	})
}

func filtered[T any](all []T, keep func(T) bool) (kept []T) {
	for _, one := range all {
		if keep(one) {
			kept = append(kept, one)
		}
	}
	return kept
}
