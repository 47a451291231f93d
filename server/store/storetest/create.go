package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
)

func testCreate(t *testing.T, b bench) {
	t.Run("every order reads back as it was given", func(t *testing.T) {
		s := b.new(t)
		for name, d := range unusual() {
			t.Run(name, func(t *testing.T) {
				o := create(t, s, placed(name, d))
				requireSame(t, d, o.Details)
				require.Equal(t, int64(1), o.Version)
				require.Equal(t, order.Pending, o.Lifecycle)
				require.True(t, o.Created.Equal(noon))
				require.True(t, o.Updated.Equal(noon))
				requireStored(t, s, o)
			})
		}
	})
	t.Run("a draft is a draft", func(t *testing.T) {
		s := b.new(t)
		o := create(t, s, drafted("draft", details("cus_1")))
		require.Equal(t, order.Draft, o.Lifecycle)
		requireStored(t, s, o)
	})
	t.Run("an order that is not there is not found", func(t *testing.T) {
		s := b.new(t)
		create(t, s, placed("other", details("cus_1")))
		_, err := s.Order(t.Context(), order.NewID(noon, "cus_1", ""))
		requireReason(t, fault.ReasonOrderNotFound, err)
		require.Equal(t, fault.KindNotFound, fault.KindOf(err))
	})
	t.Run("the same request again gets the first answer, even after the order has changed", func(t *testing.T) {
		s := b.new(t)
		first := create(t, s, placed("once", details("cus_1")))
		change(t, s, first.ID, "note", noting("changed since"))
		after := change(t, s, first.ID, "cancel", canceling)
		again := create(t, s, placed("once", details("cus_1"))) // with an id and a time of its own
		requireSame(t, first, again)
		requireOrders(t, s, first.ID)
		requireStored(t, s, after)
	})
	t.Run("another request with the same key is refused and stores nothing", func(t *testing.T) {
		s := b.new(t)
		first := create(t, s, placed("once", details("cus_1")))
		n := placed("once", details("cus_1"))
		n.Request = otherwise(n.Request)
		_, err := s.CreateOrder(t.Context(), n)
		requireReason(t, fault.ReasonRequestIDReused, err)
		require.Equal(t, fault.KindExists, fault.KindOf(err))
		requireOrders(t, s, first.ID)
	})
	t.Run("two owners may use the same request id", func(t *testing.T) {
		s := b.new(t)
		one := create(t, s, placed("once", details("cus_1")))
		two := create(t, s, placed("once", details("cus_2")))
		requireOrders(t, s, one.ID, two.ID)
	})
	t.Run("an id that is taken is refused and keeps its order", func(t *testing.T) {
		s := b.new(t)
		first := create(t, s, placed("first", details("cus_1")))
		n := placed("second", details("cus_1"))
		n.ID = first.ID
		_, err := s.CreateOrder(t.Context(), n)
		require.Error(t, err)
		requireStored(t, s, first)
		n.ID = order.NewID(noon, "cus_1", "")
		create(t, s, n) // the request was not remembered
	})
}

// unusual gives the orders at the edges of what an order may be.
func unusual() map[string]order.Details {
	with := func(edit func(d *order.Details)) order.Details {
		d := details("cus_1")
		edit(&d)
		return d
	}
	return map[string]order.Details{
		"all fields":           details("cus_1"),
		"a guest":              with(func(d *order.Details) { d.CustomerID = "" }),
		"without a number":     with(func(d *order.Details) { d.Number = "" }),
		"without an address":   with(func(d *order.Details) { d.ShipTo = order.Address{} }),
		"a part of an address": with(func(d *order.Details) { d.ShipTo = order.Address{Country: "Côte d’Ivoire"} }),
		"no price":             with(func(d *order.Details) { d.Lines, d.Shipping = []order.Line{{SKU: "GIFT", Quantity: 1}}, 0 }),
		"all of it off":        with(func(d *order.Details) { d.Lines[0].Discount = d.Lines[0].UnitPrice * 6 }),
		"the largest total": with(func(d *order.Details) {
			d.Lines, d.Shipping = []order.Line{{SKU: "X", Quantity: 1, UnitPrice: 1<<63 - 1}}, 0
		}),
		"a currency of its own": with(func(d *order.Details) { d.Currency = "JPY" }),
		"text of all kinds": with(func(d *order.Details) {
			d.Note = "Grüße 你好 🧶 \u200fשלום \r\n\t\"quotes\" 'single' \\ % _ ; -- \u0001\u2028"
			d.Number = "№ 1'; DROP TABLE orders"
			d.Lines[0].Description = "ﷺ e\u0301"
		}),
		"a thousand lines": with(func(d *order.Details) {
			d.Lines = make([]order.Line, order.MaxLines)
			for i := range d.Lines {
				d.Lines[i] = order.Line{SKU: fmt.Sprintf("SKU-%d", i), Quantity: int64(i + 1), UnitPrice: money.Minor(i)}
			}
		}),
	}
}

func testCreateAtOnce(t *testing.T, b bench) {
	t.Run("thirty-two callers with the same request make one order and get one answer", func(t *testing.T) {
		s := b.new(t)
		requireOneOrder(t, s, s.Store)
	})
	t.Run("callers of two servers with the same request make one order and get one answer", func(t *testing.T) {
		s := b.new(t)
		requireOneOrder(t, s, s.replica(t))
	})
	t.Run("of two requests with one key only one makes its order", func(t *testing.T) {
		s := b.new(t)
		const callers = 32
		errs, orders := make([]error, callers), make([]order.Order, callers)
		atOnce(callers, func(i int) {
			n := placed("once", details("cus_1"))
			if i%2 == 1 {
				n.Request = otherwise(n.Request)
			}
			orders[i], errs[i] = s.CreateOrder(t.Context(), n)
		})
		winner := 0
		if errs[0] != nil {
			winner = 1
		}
		for i := range callers {
			if i%2 == winner {
				require.NoError(t, errs[i])
				requireSame(t, orders[winner], orders[i])
			} else {
				requireReason(t, fault.ReasonRequestIDReused, errs[i])
			}
		}
		requireOrders(t, s, orders[winner].ID)
	})
	t.Run("a bad order fails alone and those that came with it are stored", func(t *testing.T) {
		s := b.new(t)
		taken := create(t, s, placed("taken", details("cus_0")))
		const callers = 64
		errs, orders := make([]error, callers), make([]order.Order, callers)
		atOnce(callers, func(i int) {
			n := placed(fmt.Sprint(i), details("cus_0"))
			if i%16 == 3 {
				n = spoiled(n, i, taken.ID)
			}
			orders[i], errs[i] = s.CreateOrder(t.Context(), n)
		})
		want := []order.ID{taken.ID}
		for i := range callers {
			if i%16 == 3 {
				require.Error(t, errs[i])
				continue
			}
			require.NoError(t, errs[i])
			requireStored(t, s, orders[i])
			want = append(want, orders[i].ID)
		}
		requireOrders(t, s, want...)
	})
}

// spoiled makes a bad order of a good one: what the rules refuse, what the database refuses, and
// an id that is taken.
func spoiled(n store.NewOrder, i int, taken order.ID) store.NewOrder {
	d := details("cus_0")
	switch i / 16 {
	case 0:
		d.Lines[0].UnitPrice = 1 << 62
	case 1:
		d.Shipping = -1
	case 2:
		d.Note = "\xff"
	default:
		n.ID = taken
	}
	n.Change = order.Placed{Details: d}
	return n
}

func requireOneOrder(t *testing.T, servers ...store.Store) {
	t.Helper()
	const callers = 32
	errs, orders := make([]error, callers), make([]order.Order, callers)
	atOnce(callers, func(i int) {
		n := made(noon.Add(time.Duration(i)*time.Millisecond), "once", order.Placed{Details: details("cus_1")}, details("cus_1"))
		orders[i], errs[i] = servers[i%len(servers)].CreateOrder(t.Context(), n)
	})
	for i := range callers {
		require.NoError(t, errs[i])
		requireSame(t, orders[0], orders[i])
	}
	for _, s := range servers {
		requireOrders(t, s, orders[0].ID)
		requireStored(t, s, orders[0])
	}
}
