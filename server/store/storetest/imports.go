package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// shopSystem is the system that the documents come from.
const shopSystem = "shop"

// sold is a document about a sale on this day.
func sold(customer, number string, day int, lines ...order.Line) store.Document {
	at := noon.AddDate(0, 0, day)
	d := order.Details{CustomerID: customer, Source: shopSystem, Number: number, Currency: "GBP", Lines: lines}
	return store.Document{Order: &store.NewOrder{
		ID:      order.ImportedID(at, customer, shopSystem, number),
		Created: at,
		Change:  order.Imported{Details: d, Delivered: true},
	}}
}

// cameBack is a document about a return on this day.
func cameBack(customer, number string, day int, lines ...order.Line) store.Document {
	at := noon.AddDate(0, 0, day)
	r := order.Return{
		ID:         order.ImportedReturnID(at, customer, shopSystem, number),
		CustomerID: customer, Source: shopSystem, Number: number, Status: order.ReturnClosed,
		Currency: "GBP", Created: at, Updated: at,
	}
	for _, l := range lines {
		r.Lines = append(r.Lines, order.ReturnLine{Line: l})
	}
	return store.Document{Return: &r}
}

func take(t *testing.T, s store.Store, documents ...store.Document) []store.Outcome {
	t.Helper()
	outcomes, err := s.Import(t.Context(), documents)
	require.NoError(t, err)
	require.Len(t, outcomes, len(documents))
	return outcomes
}

// takeNew takes documents that are all new.
func takeNew(t *testing.T, s store.Store, documents ...store.Document) {
	t.Helper()
	for _, outcome := range take(t, s, documents...) {
		require.NoError(t, outcome.Err)
		require.True(t, outcome.Created)
	}
}

func testImport(t *testing.T, b bench) {
	t.Run("an imported order is history with its own date", func(t *testing.T) {
		s := b.new(t)
		d := sold("cus_1", "536365", -4000, line("85123A", 6))
		takeNew(t, s, d)
		o, err := s.Order(t.Context(), d.Order.ID)
		require.NoError(t, err)
		require.Equal(t, order.Completed, o.Lifecycle)
		require.Equal(t, order.Delivered, o.Fulfillment)
		require.True(t, o.Created.Equal(d.Order.Created))
		require.True(t, o.Updated.Equal(d.Order.Created))
		requireStored(t, s, o)
	})
	t.Run("no documents are no work", func(t *testing.T) {
		s := b.new(t)
		require.Empty(t, take(t, s))
	})
	t.Run("the same documents again change nothing, in one batch or in another", func(t *testing.T) {
		s := b.new(t)
		order1, return1 := sold("cus_1", "1", 0, line("A", 2)), cameBack("cus_1", "C1", 1, line("A", 1))
		outcomes := take(t, s, order1, return1, order1, return1)
		require.Equal(t, []store.Outcome{{Created: true}, {Created: true}, {}, {}}, outcomes)
		before, err := s.Order(t.Context(), order1.Order.ID)
		require.NoError(t, err)
		require.Equal(t, []store.Outcome{{}, {}}, take(t, s, return1, order1))
		requireStored(t, s, before)
	})
	t.Run("a document that was stored with other content is refused alone", func(t *testing.T) {
		s := b.new(t)
		first, back := sold("cus_1", "1", 0, line("A", 2)), cameBack("cus_1", "C1", 1, line("A", 1))
		takeNew(t, s, first, back)
		outcomes := take(t, s,
			sold("cus_1", "1", 0, line("A", 3)),
			sold("cus_1", "2", 0, line("B", 1)),
			cameBack("cus_1", "C1", 1, line("A", 2)),
			sold("cus_1", "2", 0, line("B", 2)))
		for _, i := range []int{0, 2, 3} {
			requireReason(t, fault.ReasonDocumentChanged, outcomes[i].Err)
			require.False(t, outcomes[i].Created)
		}
		require.Equal(t, store.Outcome{Created: true}, outcomes[1])
		o, err := s.Order(t.Context(), first.Order.ID)
		require.NoError(t, err)
		require.Equal(t, []int64{1}, o.Returned)
		requireStored(t, s, o)
	})
	t.Run("a document that cannot be taken is refused alone", func(t *testing.T) {
		s := b.new(t)
		outcomes := take(t, s,
			sold("cus_1", "1", 0, line("A", 1)),
			sold("cus_1", "2", 0, order.Line{SKU: "A", Quantity: 4, UnitPrice: 1 << 62}),
			cameBack("cus_1", "C2", 1, order.Line{SKU: "A", Quantity: 4, UnitPrice: 1 << 62}),
			cameBack("cus_1", "C3", 1, line("A", 1)))
		require.NoError(t, outcomes[0].Err)
		require.Error(t, outcomes[1].Err)
		require.Error(t, outcomes[2].Err)
		require.NoError(t, outcomes[3].Err)
		requireOrders(t, s, sold("cus_1", "1", 0).Order.ID)
	})
	t.Run("documents of many customers, interleaved, are each taken in their place", func(t *testing.T) {
		s := b.new(t)
		var documents []store.Document
		for day := range 5 {
			for c := range 20 {
				documents = append(documents, sold(customer(c), fmt.Sprintf("%d-%d", c, day), day, line("A", 10)))
				if day > 0 {
					documents = append(documents, cameBack(customer(c), fmt.Sprintf("C%d-%d", c, day), day, line("a", int64(day))))
				}
			}
		}
		takeNew(t, s, documents...)
		for c := range 20 {
			orders := walk(t, s, store.OrderQuery{CustomerID: customer(c), Ascending: true, Limit: 3})
			require.Len(t, orders, 5)
			for day, o := range orders {
				requireStored(t, s, o)
				require.Equal(t, int64(day), o.ReturnedOf(0), "a return is tied to the sale of its day")
			}
		}
		for _, outcome := range take(t, s, documents...) {
			require.Equal(t, store.Outcome{}, outcome)
		}
	})
	t.Run("two servers that import the same documents at once store them once", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		var documents []store.Document
		for c := range 10 {
			documents = append(documents,
				sold(customer(c), fmt.Sprint(c), 0, line("A", 8)), cameBack(customer(c), fmt.Sprint("C", c), 1, line("A", 2)))
		}
		const callers = 6
		errs, outcomes := make([]error, callers), make([][]store.Outcome, callers)
		atOnce(callers, func(i int) { outcomes[i], errs[i] = servers[i%2].Import(t.Context(), documents) })
		created := make([]int, len(documents))
		for i := range callers {
			require.NoError(t, errs[i])
			for n, outcome := range outcomes[i] {
				require.NoError(t, outcome.Err)
				if outcome.Created {
					created[n]++
				}
			}
		}
		for n, d := range documents {
			require.Equal(t, 1, created[n])
			if d.Order != nil {
				o, err := s.Order(t.Context(), d.Order.ID)
				require.NoError(t, err)
				require.Equal(t, []int64{2}, o.Returned)
				requireStored(t, s, o)
			}
		}
	})
	t.Run("an order keeps its number and its source", func(t *testing.T) {
		s := b.new(t)
		takeNew(t, s, sold("", "536365", 0, line("A", 1)), sold("cus_1", "536365", 0, line("A", 1)))
		q := store.OrderQuery{Number: "536365", From: noon.Add(-time.Hour), Limit: 10}
		for _, o := range walk(t, s, q) {
			require.Equal(t, shopSystem, o.Source)
			requireStored(t, s, o)
		}
	})
}
