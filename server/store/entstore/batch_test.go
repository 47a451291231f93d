package entstore_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

func TestBatchOnSQLite(t *testing.T)   { testBatch(t, storetest.SQLite(1)(t)[0]) }
func TestBatchOnPostgres(t *testing.T) { testBatch(t, storetest.Postgres(1)(t)[0]) }

func testBatch(t *testing.T, url string) {
	s := entstore.New(openDatabase(t, url), entstore.Options{Now: time.Now})
	t.Cleanup(func() { require.NoError(t, s.Close(context.WithoutCancel(t.Context()))) })
	first, err := s.CreateOrder(t.Context(), newOrder("cus_1", "first"))
	require.NoError(t, err)

	t.Run("in one batch each request gets its own answer", func(t *testing.T) {
		fresh, other := newOrder("cus_2", "fresh"), newOrder("cus_2", "fresh")
		other.Request.Fingerprint[0]++
		refused := newOrder("cus_3", "refused") // by the database
		refused.Change = order.Placed{Details: order.Details{
			CustomerID: "cus_3", Currency: "GBP", Shipping: -1, Lines: []order.Line{{SKU: "A", Quantity: 1, UnitPrice: 5}},
		}}
		broken := newOrder("cus_4", "broken") // by the rules
		broken.Change = order.Undone{}
		taken := newOrder("cus_5", "taken")
		taken.ID = first.ID
		orders, errs := s.CreateTogether(t.Context(), []store.NewOrder{
			newOrder("cus_1", "first"), fresh, refused, newOrder("cus_2", "fresh"), other, broken, taken, newOrder("cus_6", "last"),
		})
		require.NoError(t, errs[0])
		require.Empty(t, cmp.Diff(first, orders[0]))
		require.NoError(t, errs[1])
		require.Equal(t, fresh.ID, orders[1].ID)
		require.Error(t, errs[2])
		require.NoError(t, errs[3])
		require.Empty(t, cmp.Diff(orders[1], orders[3]))
		require.Equal(t, fault.ReasonRequestIDReused, fault.ReasonOf(errs[4]))
		require.Error(t, errs[5])
		require.Equal(t, fault.ReasonConcurrentChange, fault.ReasonOf(errs[6]))
		require.NoError(t, errs[7])
		stored, err := s.Orders(t.Context(), store.OrderQuery{Limit: 100})
		require.NoError(t, err)
		require.Len(t, stored, 3)
	})
	t.Run("an order without a request is stored as often as it is asked for", func(t *testing.T) {
		one, two := newOrder("cus_7", "one"), newOrder("cus_7", "two")
		one.Request, two.Request = store.Request{}, store.Request{}
		orders, errs := s.CreateTogether(t.Context(), []store.NewOrder{one, two})
		require.Equal(t, []error{nil, nil}, errs)
		require.NotEqual(t, orders[0].ID, orders[1].ID)
	})
}

func TestChangesOnSQLite(t *testing.T)   { testChanges(t, storetest.SQLite(1)(t)[0]) }
func TestChangesOnPostgres(t *testing.T) { testChanges(t, storetest.Postgres(1)(t)[0]) }

// noting decides to change the note, for who knows the order at this version.
func noting(version int64, note string) store.Decide {
	return func(o order.Order) ([]order.Change, error) {
		if o.Version != version {
			return nil, fmt.Errorf("decided on version %d", o.Version)
		}
		return o.Edit(order.Edit{Note: &note})
	}
}

func testChanges(t *testing.T, url string) {
	s := entstore.New(openDatabase(t, url), entstore.Options{Now: time.Now})
	t.Cleanup(func() { require.NoError(t, s.Close(context.WithoutCancel(t.Context()))) })
	one, err := s.CreateOrder(t.Context(), newOrder("cus_1", "one"))
	require.NoError(t, err)
	two, err := s.CreateOrder(t.Context(), newOrder("cus_2", "two"))
	require.NoError(t, err)
	request := func(name string) store.Request { return store.NewRequest("owner", name, []byte(name)) }
	other := request("first")
	other.Fingerprint[0]++
	refused := func(o order.Order) ([]order.Change, error) { // by the database
		d := o.Details
		d.Shipping = -1
		return []order.Change{order.Edited{Details: d}}, nil
	}
	type step struct {
		about   order.ID
		request store.Request
		decide  store.Decide
	}
	together := func(steps ...step) ([]order.Order, []error) {
		ids, requests, decide := make([]order.ID, len(steps)), make([]store.Request, len(steps)), make([]store.Decide, len(steps))
		for i, st := range steps {
			ids[i], requests[i], decide[i] = st.about, st.request, st.decide
		}
		return s.ChangeTogether(t.Context(), ids, requests, decide)
	}

	t.Run("each decides on what stands after those before it, and each request gets its own answer", func(t *testing.T) {
		panics := func(order.Order) ([]order.Change, error) { panic("a bug") }
		orders, errs := together(
			step{one.ID, request("first"), noting(1, "a")},
			step{two.ID, store.Request{}, noting(1, "b")},
			step{one.ID, request("first"), noting(0, "asked again")},
			step{one.ID, other, noting(2, "of another")},
			step{one.ID, request("second"), noting(2, "c")},
			step{order.NewID(one.Created, "cus_1", ""), request("missing"), noting(1, "d")},
			step{two.ID, store.Request{}, noting(2, "e")},
			step{two.ID, request("panics"), panics},
			step{two.ID, request("nothing"), noting(3, "e")},
			step{two.ID, request("nothing"), noting(3, "f")},
		)
		for i, version := range map[int]int64{0: 2, 1: 2, 2: 2, 4: 3, 6: 3, 8: 3, 9: 4} {
			require.NoError(t, errs[i], "%d", i)
			require.Equal(t, version, orders[i].Version, "%d", i)
		}
		require.Empty(t, cmp.Diff(orders[0], orders[2]))
		require.Equal(t, fault.ReasonRequestIDReused, fault.ReasonOf(errs[3]))
		require.Equal(t, fault.ReasonOrderNotFound, fault.ReasonOf(errs[5]))
		require.ErrorContains(t, errs[7], "a bug")
		for want, orderID := range map[string]order.ID{"c": one.ID, "f": two.ID} {
			stored, err := s.Order(t.Context(), orderID)
			require.NoError(t, err)
			require.Equal(t, want, stored.Note)
			events, err := s.OrderEvents(t.Context(), orderID, 0, 100)
			require.NoError(t, err)
			folded, err := order.Fold(events)
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(stored, folded))
		}
	})
	t.Run("one that the database refuses fails alone, and those behind it decide on what is stored", func(t *testing.T) {
		orders, errs := together(
			step{one.ID, request("third"), noting(3, "g")},
			step{one.ID, request("bad"), refused},
			step{one.ID, request("fourth"), func(o order.Order) ([]order.Change, error) {
				note := "h"
				return o.Edit(order.Edit{Note: &note})
			}},
			step{two.ID, request("fifth"), noting(4, "i")},
		)
		require.NoError(t, errs[0])
		require.Error(t, errs[1])
		require.NoError(t, errs[2])
		require.NoError(t, errs[3])
		require.Equal(t, []int64{4, 5, 5}, []int64{orders[0].Version, orders[2].Version, orders[3].Version})
		require.Zero(t, orders[2].Shipping)
	})
}
