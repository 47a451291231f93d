package storetest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/ent/db/migrate"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// slotted gives the tables whose rows belong to a slot.
func slotted() (tables []string) {
	for _, table := range migrate.Tables {
		if table.HasColumn("slot") {
			tables = append(tables, table.Name)
		}
	}
	return tables
}

func testPlacement(t *testing.T, b bench) {
	t.Run("everything an order or a product owns lies where its slot lives", func(t *testing.T) {
		s := b.new(t)
		const customers = 40
		for i, o := range createMany(t, s, customers) {
			change(t, s, o.ID, "note", noting("changed"))
			takeNew(t, s, sold(customer(i), "1", 0, line("A", 2)), cameBack(customer(i), "C1", 1, line("A", 1)))
			put(t, s, customer(i), "a product")
			_, err := s.AdjustStock(t.Context(), stock.Adjustment{SKU: customer(i), Delta: 3, Reason: 1, Time: noon}, asked(customer(i), "in"))
			require.NoError(t, err)
		}
		rows, homes := map[string]int{}, map[id.Slot]int{}
		for place, url := range s.urls {
			for _, table := range slotted() {
				for _, slot := range slotsOf(t, url, table) {
					rows[table]++
					homes[slot]++
					if b.Owner != nil {
						require.Equal(t, b.Owner(slot), place, "a row of %s in slot %d", table, slot)
					}
				}
			}
		}
		require.Equal(t, map[string]int{
			"orders": 2 * customers, "order_events": 4 * customers, "order_returns": customers,
			"requests": 4 * customers, "products": customers, "stock_levels": customers, "stock_adjustments": customers,
		}, rows)
		for i := range customers { // a customer and a product of one name share a slot
			require.GreaterOrEqual(t, homes[id.SlotOf(customer(i))], 14)
		}
	})
	t.Run("the request of a guest's order lies beside the order", func(t *testing.T) {
		s := b.new(t)
		o := create(t, s, placed("guest", details("")))
		for place, url := range s.urls {
			for _, table := range []string{"orders", "order_events", "requests"} {
				for _, slot := range slotsOf(t, url, table) {
					require.Equal(t, o.ID.Slot(), slot)
					require.True(t, b.Owner == nil || b.Owner(slot) == place)
				}
			}
		}
		requireSame(t, o, create(t, s, placed("guest", details(""))))
	})
}

func slotsOf(t *testing.T, url, table string) (slots []id.Slot) {
	t.Helper()
	d := open(t, url)
	rows, err := d.Read.QueryContext(t.Context(), "SELECT slot FROM "+table) //nolint:gosec // a name of ours
	require.NoError(t, err)
	for rows.Next() {
		var slot id.Slot
		require.NoError(t, rows.Scan(&slot))
		slots = append(slots, slot)
	}
	require.NoError(t, rows.Err())
	require.NoError(t, rows.Close())
	require.NoError(t, d.Close())
	return slots
}

func testGone(t *testing.T, b bench) {
	t.Run("a caller that has gone changes nothing, and the store goes on", func(t *testing.T) {
		s := b.new(t)
		o := create(t, s, placed("new", details("cus_1")))
		put(t, s, "A", "x")
		requireStored(t, s, o) // a copy of it may be kept from here on
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		calls := map[string]func() error{
			"CreateOrder": func() error { _, err := s.CreateOrder(gone, placed("gone", details("cus_2"))); return err },
			"ChangeOrder": func() error {
				_, err := s.ChangeOrder(gone, o.ID, asked(o.ID.String(), "gone"), noting("gone"))
				return err
			},
			"Import": func() error {
				_, err := s.Import(gone, []store.Document{sold("cus_3", "1", 0, line("A", 1))})
				return err
			},
			"PutProduct": func() error {
				_, err := s.PutProduct(gone, "A", asked("A", "gone"), putting("A", "gone", ""))
				return err
			},
			"AdjustStock":    func() error { _, err := adjust(gone, s, 1, "gone"); return err },
			"ChangeReturn":   func() error { _, err := s.ChangeReturn(gone, asking(o, "gone", 1)); return err },
			"SaveAssessment": func() error { _, err := s.SaveAssessment(gone, assessment(o.ID, 1)); return err },
			"Assessment":     func() error { _, err := s.Assessment(gone, o.ID); return err },
			"Forget":         func() error { _, err := s.Forget(gone, allBefore(noon), 1); return err },
			"Order":          func() error { _, err := s.Order(gone, o.ID); return err },
			"Orders":         func() error { _, err := s.Orders(gone, store.OrderQuery{Limit: 1}); return err },
			"Audit":          func() error { _, err := s.Audit(gone, id.UUID{}, 1); return err },
		}
		for name, call := range calls {
			require.ErrorIs(t, call(), context.Canceled, name)
		}
		requireOrders(t, s, o.ID)
		requireStored(t, s, o)
		requireLevel(t, s, 0)
		requireStored(t, s, change(t, s, o.ID, "note", noting("still here")))
		create(t, s, placed("gone", details("cus_2")))
	})
	t.Run("callers that go while they wait leave whole orders or none", func(t *testing.T) {
		s := b.new(t)
		const callers = 32
		errs, asks := make([]error, callers), make([]store.NewOrder, callers)
		atOnce(callers, func(i int) {
			ctx, cancel := context.WithCancel(t.Context())
			asks[i] = placed("waits", details(customer(i)))
			if i%2 == 0 {
				go cancel()
			}
			_, errs[i] = s.CreateOrder(ctx, asks[i])
			cancel()
		})
		for i := range callers {
			if errs[i] != nil {
				require.ErrorIs(t, errs[i], context.Canceled)
			}
			got := create(t, s, asks[i]) // asking again tells
			requireStored(t, s, got)
			require.True(t, errs[i] != nil || got.ID == asks[i].ID)
		}
		require.Len(t, walk(t, s, store.OrderQuery{Limit: 10}), callers)
	})
	t.Run("an editor that goes in the middle of a change finds it made or not when asking again, and made once", func(t *testing.T) {
		s := b.new(t)
		o := create(t, s, placed("new", details("cus_1")))
		ctx, cancel := context.WithCancel(t.Context())
		_, err := s.ChangeOrder(ctx, o.ID, asked(o.ID.String(), "note"), func(o order.Order) ([]order.Change, error) {
			cancel()
			return noting("gone")(o)
		})
		if err != nil {
			require.ErrorIs(t, err, context.Canceled)
		}
		again := change(t, s, o.ID, "note", noting("gone"))
		require.Equal(t, int64(2), again.Version)
		requireStored(t, s, again)
		requireStored(t, s, change(t, s, o.ID, "another note", noting("still here")))
	})
	t.Run("a store answers until it is closed, and then says so", func(t *testing.T) {
		s := b.new(t)
		require.NoError(t, s.Ping(t.Context()))
		other := s.replica(t)
		require.NoError(t, other.Close(t.Context()))
		require.Error(t, other.Ping(t.Context()))
		_, err := other.CreateOrder(t.Context(), placed("late", details("cus_1")))
		require.Equal(t, fault.KindUnavailable, fault.KindOf(err))
		requireOrders(t, s)
	})
}
