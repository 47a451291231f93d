package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// audit reads page after page until one is empty.
func audit(t *testing.T, s store.Store, limit int) (all []store.Audited) {
	t.Helper()
	var after id.UUID
	for {
		page, err := s.Audit(t.Context(), after, limit)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page), limit)
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
		after = page[len(page)-1].Key()
	}
}

// history stores orders with one to three events.
func history(t *testing.T, s store.Store) []order.Order {
	t.Helper()
	orders := make([]order.Order, 9)
	for i := range orders {
		d := details(customer(i))
		o := create(t, s, made(noon.Add(time.Duration(i)*time.Minute), "new", order.Placed{Details: d}, d))
		for n := range i % 3 {
			o = change(t, s, o.ID, fmt.Sprint(n), noting(fmt.Sprint("note ", n)))
		}
		orders[i] = o
	}
	return orders
}

func testAudit(t *testing.T, b bench) {
	t.Run("an auditor sees every order with all its events, by id", func(t *testing.T) {
		s := b.new(t)
		orders := history(t, s)
		for _, limit := range []int{1, 2, 4, 9, 100} {
			seen := audit(t, s, limit)
			require.Len(t, seen, len(orders))
			for i, a := range seen {
				requireSound(t, orders[i], a)
			}
		}
	})
	t.Run("an auditor of nothing sees nothing", func(t *testing.T) {
		s := b.new(t)
		require.Empty(t, audit(t, s, 10))
	})
	t.Run("an order without events shows", func(t *testing.T) {
		requireDamage(t, b, "DELETE FROM order_events WHERE id >= FIRST AND id <= LAST", func(t *testing.T, o order.Order, a store.Audited) {
			requireSame(t, o, a.Order)
			require.Empty(t, a.Events)
		})
	})
	t.Run("events without an order show", func(t *testing.T) {
		requireDamage(t, b, "DELETE FROM orders WHERE id >= FIRST AND id <= LAST", func(t *testing.T, o order.Order, a store.Audited) {
			require.Zero(t, a.Order)
			require.Equal(t, o.ID.UUID, a.Key())
			require.Len(t, a.Events, int(o.Version))
		})
	})
	t.Run("a missing first event shows", func(t *testing.T) {
		requireDamage(t, b, "DELETE FROM order_events WHERE id = EVENT", func(t *testing.T, o order.Order, a store.Audited) {
			requireSame(t, o, a.Order)
			require.Len(t, a.Events, int(o.Version)-1)
			_, err := order.Fold(a.Events)
			require.Error(t, err)
		})
	})
	t.Run("a wrong total shows", func(t *testing.T) {
		requireDamage(t, b, "UPDATE orders SET total_minor = total_minor + 1 WHERE id >= FIRST AND id <= LAST", func(t *testing.T, o order.Order, a store.Audited) {
			total, err := o.Total()
			require.NoError(t, err)
			require.Equal(t, int64(total)+1, a.Total)
		})
	})
	t.Run("an order in a slot that is not its own shows", func(t *testing.T) {
		requireDamage(t, b, "UPDATE orders SET slot = (slot + 1) % 4096 WHERE id >= FIRST AND id <= LAST", func(t *testing.T, o order.Order, a store.Audited) {
			require.Equal(t, (o.ID.Slot()+1)%id.Slots, a.OrderSlot)
		})
	})
	t.Run("events in a slot that is not their own show", func(t *testing.T) {
		requireDamage(t, b, "UPDATE order_events SET slot = (slot + 1) % 4096 WHERE id >= FIRST AND id <= LAST", func(t *testing.T, o order.Order, a store.Audited) {
			require.Len(t, a.EventSlots, int(o.Version))
			for _, slot := range a.EventSlots {
				require.Equal(t, (o.ID.Slot()+1)%id.Slots, slot)
			}
		})
	})
	t.Run("an event that cannot be read shows", func(t *testing.T) {
		requireDamage(t, b, "UPDATE order_events SET change = $1 WHERE id >= FIRST AND id <= LAST", func(t *testing.T, o order.Order, a store.Audited) {
			require.Error(t, a.Err)
			require.Equal(t, o.ID.UUID, a.Key())
			require.Len(t, a.Events, int(o.Version))
		}, []byte("no event"))
	})
	t.Run("more orphans than a page holds come page by page", func(t *testing.T) {
		s := b.new(t)
		orders := history(t, s)
		s.damage(t, "DELETE FROM orders")
		seen := audit(t, s, 2)
		require.Len(t, seen, len(orders))
		for i, a := range seen {
			require.Equal(t, orders[i].ID.UUID, a.Key())
			require.Len(t, a.Events, int(orders[i].Version))
		}
	})
}

// requireDamage does damage to one order, looks at what the auditor sees of it, and makes sure that
// the others are sound. The statement names the FIRST and LAST id of the order's rows, and that
// of its first EVENT.
func requireDamage(t *testing.T, b bench, statement string, look func(*testing.T, order.Order, store.Audited), args ...any) {
	t.Helper()
	s := b.new(t)
	orders := history(t, s)
	const damaged = 5
	hit := orders[damaged].ID
	ids := strings.NewReplacer(
		"FIRST", quoted(hit.UUID), "LAST", quoted(hit.WithPart(id.MaxPart)), "EVENT", quoted(hit.WithPart(1)))
	s.damage(t, ids.Replace(statement), args...)
	for _, limit := range []int{1, 3, 100} {
		seen := audit(t, s, limit)
		require.Len(t, seen, len(orders))
		for i, a := range seen {
			if i == damaged {
				look(t, orders[i], a)
			} else {
				requireSound(t, orders[i], a)
			}
		}
	}
}

func requireSound(t *testing.T, o order.Order, a store.Audited) {
	t.Helper()
	require.NoError(t, a.Err)
	requireSame(t, o, a.Order)
	require.Equal(t, o.ID.UUID, a.Key())
	total, err := o.Total()
	require.NoError(t, err)
	require.Equal(t, int64(total), a.Total)
	require.Equal(t, o.ID.Slot(), a.OrderSlot)
	require.Len(t, a.EventSlots, int(o.Version))
	for _, slot := range a.EventSlots {
		require.Equal(t, o.ID.Slot(), slot)
	}
	folded, err := order.Fold(a.Events)
	require.NoError(t, err)
	requireSame(t, o, folded)
}
