package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// requireTied makes sure that the lines of a stored return are tied to these sales.
func requireTied(t *testing.T, s store.Store, back store.Document, want ...[]order.Match) {
	t.Helper()
	r, err := s.Return(t.Context(), back.Return.ID)
	require.NoError(t, err)
	require.Len(t, r.Lines, len(want))
	for i, ties := range want {
		requireSame(t, ties, r.Lines[i].Matches)
	}
}

func tie(d store.Document, position int, quantity int64) order.Match {
	return order.Match{OrderID: d.Order.ID, Position: position, Quantity: quantity}
}

func testReturns(t *testing.T, b bench) {
	t.Run("a return reads back as it was given, with its ties", func(t *testing.T) {
		s := b.new(t)
		sale := sold("cus_1", "1", 0, line("A", 3))
		back := cameBack("cus_1", "C1", 1, line("A", 2), order.Line{SKU: "ß", Description: "Grüße", Quantity: 1, UnitPrice: 9, Discount: 1})
		takeNew(t, s, sale, back)
		want := *back.Return
		want.Lines = slices.Clone(want.Lines)
		want.Lines[0].Matches = []order.Match{tie(sale, 1, 2)}
		got, err := s.Return(t.Context(), want.ID)
		require.NoError(t, err)
		requireSame(t, want, got)
		requireUTC(t, got.Created)
	})
	t.Run("a return that is not there is not found", func(t *testing.T) {
		s := b.new(t)
		_, err := s.Return(t.Context(), cameBack("cus_1", "C1", 0).Return.ID)
		requireReason(t, fault.ReasonReturnNotFound, err)
	})
	t.Run("goods are tied to the newest sale first, and to older ones for the rest", func(t *testing.T) {
		s := b.new(t)
		older, newer := sold("cus_1", "1", 0, line("A", 5)), sold("cus_1", "2", 1, line("B", 1), line("A", 2))
		back := cameBack("cus_1", "C1", 2, line("A", 4))
		takeNew(t, s, older, newer)
		takeNew(t, s, back)
		requireTied(t, s, back, []order.Match{tie(newer, 2, 2), tie(older, 1, 2)})
		requireReturned(t, s, older, 2)
		requireReturned(t, s, newer, 0, 2)
	})
	t.Run("a line that the sales do not cover in whole is blind", func(t *testing.T) {
		s := b.new(t)
		sale := sold("cus_1", "1", 0, line("A", 5), line("B", 1))
		back := cameBack("cus_1", "C1", 1, line("A", 6), line("B", 1))
		takeNew(t, s, sale, back)
		requireTied(t, s, back, nil, []order.Match{tie(sale, 2, 1)})
		requireReturned(t, s, sale, 0, 1)
	})
	t.Run("what came back does not come back twice", func(t *testing.T) {
		s := b.new(t)
		sale := sold("cus_1", "1", 0, line("A", 5))
		first, second, third := cameBack("cus_1", "C1", 1, line("A", 3)), cameBack("cus_1", "C2", 1, line("A", 3)), cameBack("cus_1", "C3", 2, line("A", 1), line("A", 1), line("A", 1))
		takeNew(t, s, sale, first)
		takeNew(t, s, second, third)
		requireTied(t, s, first, []order.Match{tie(sale, 1, 3)})
		requireTied(t, s, second, nil)
		requireTied(t, s, third, []order.Match{tie(sale, 1, 1)}, []order.Match{tie(sale, 1, 1)}, nil)
		o := requireReturned(t, s, sale, 5)
		require.Equal(t, order.FulfillmentReturned, o.Fulfillment)
	})
	t.Run("later sales, other customers, other currencies, services and guests are never tied", func(t *testing.T) {
		s := b.new(t)
		dollars := sold("cus_1", "4", 0, line("A", 9))
		c := dollars.Order.Change.(order.Imported)
		c.Details.Currency = "USD"
		dollars.Order.Change = c
		postage := order.Line{SKU: "POST", Service: true, Quantity: 5}
		sales := []store.Document{
			sold("cus_1", "1", 2, line("A", 9)), sold("cus_2", "2", 0, line("A", 9)), sold("", "3", 0, line("A", 9)),
			dollars, sold("cus_1", "5", 0, postage),
		}
		takeNew(t, s, sales...)
		back, guest := cameBack("cus_1", "C1", 1, line("A", 1), postage, line("POST", 1)), cameBack("", "C2", 1, line("A", 1))
		takeNew(t, s, back, guest)
		requireTied(t, s, back, nil, nil, nil)
		requireTied(t, s, guest, nil)
		for _, sale := range sales {
			requireReturned(t, s, sale, 0)
		}
	})
	t.Run("an order that was never sold takes nothing back", func(t *testing.T) {
		s := b.new(t)
		draft := create(t, s, drafted("draft", details("cus_1")))
		canceled := create(t, s, placed("canceled", details("cus_1")))
		canceled = change(t, s, canceled.ID, "cancel", canceling)
		back := cameBack("cus_1", "C1", 1, line("85123A", 1))
		takeNew(t, s, back)
		requireTied(t, s, back, nil)
		requireStored(t, s, draft)
		requireStored(t, s, canceled)
	})
	t.Run("a SKU is the same in capitals and small letters", func(t *testing.T) {
		s := b.new(t)
		sale := sold("cus_1", "1", 0, line("85123a", 5))
		back := cameBack("cus_1", "C1", 0, line("85123A", 5)) // the same day
		takeNew(t, s, sale, back)
		requireTied(t, s, back, []order.Match{tie(sale, 1, 5)})
	})
	t.Run("a return is tied to a sale before it in its batch and not to one behind it", func(t *testing.T) {
		s := b.new(t)
		before, behind := sold("cus_1", "1", 0, line("A", 1)), sold("cus_1", "2", 0, line("B", 1))
		back := cameBack("cus_1", "C1", 1, line("A", 1), line("B", 1))
		takeNew(t, s, before, back, behind)
		requireTied(t, s, back, []order.Match{tie(before, 1, 1)}, nil)
		requireReturned(t, s, behind, 0)
	})
	t.Run("the event of a return is of the day it came back", func(t *testing.T) {
		s := b.new(t)
		sale, back := sold("cus_1", "1", -900, line("A", 2)), cameBack("cus_1", "C1", -890, line("A", 1))
		takeNew(t, s, sale, back)
		o := requireReturned(t, s, sale, 1)
		require.True(t, o.Updated.Equal(back.Return.Created))
	})
}

// requireReturned makes sure that this many of each line came back, and that events say so.
func requireReturned(t *testing.T, s store.Store, sale store.Document, want ...int64) order.Order {
	t.Helper()
	o, err := s.Order(t.Context(), sale.Order.ID)
	require.NoError(t, err)
	for i, n := range want {
		require.Equal(t, n, o.ReturnedOf(i), "line %d", i+1)
	}
	requireStored(t, s, o)
	return o
}

func testListReturns(t *testing.T, b bench) {
	s := b.new(t)
	var all []order.Return
	for i := range 21 {
		back := cameBack(customer(i%4), fmt.Sprint("C", i%7), i, line("A", 1))
		takeNew(t, s, back)
		all = append(all, *back.Return)
	}
	day := func(n int) time.Time { return noon.AddDate(0, 0, n) }
	for name, f := range map[string]struct {
		query store.ReturnQuery
		fits  func(order.Return) bool
	}{
		"everything": {store.ReturnQuery{}, func(order.Return) bool { return true }},
		"a customer": {store.ReturnQuery{CustomerID: "cus_1"}, func(r order.Return) bool { return r.CustomerID == "cus_1" }},
		"a number":   {store.ReturnQuery{Number: "C3"}, func(r order.Return) bool { return r.Number == "C3" }},
		"times": {store.ReturnQuery{From: day(3), Before: day(9)}, func(r order.Return) bool {
			return !r.Created.Before(day(3)) && r.Created.Before(day(9))
		}},
		"times before 1970": {store.ReturnQuery{Before: time.Unix(-1, 0)}, func(order.Return) bool { return false }},
		"all at once": {store.ReturnQuery{CustomerID: "cus_1", Number: "C3", From: day(3), Before: day(19)}, func(r order.Return) bool {
			return r.CustomerID == "cus_1" && r.Number == "C3" && !r.Created.Before(day(3)) && r.Created.Before(day(19))
		}},
	} {
		t.Run("a list by "+name+" has what fits and nothing else", func(t *testing.T) {
			for _, ascending := range []bool{true, false} {
				want := filtered(all, f.fits)
				if !ascending {
					slices.Reverse(want)
				}
				for _, limit := range []int{1, 4, 50} {
					f.query.Ascending, f.query.Limit = ascending, limit
					requireSame(t, want, walkReturns(t, s, f.query))
				}
			}
		})
	}
}

func walkReturns(t *testing.T, s store.Store, q store.ReturnQuery) (all []order.Return) {
	t.Helper()
	for {
		page, err := s.Returns(t.Context(), q)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page), q.Limit)
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
		q.After = page[len(page)-1].ID.UUID
	}
}
