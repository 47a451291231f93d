package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
)

func testChange(t *testing.T, b bench) {
	t.Run("a draft is edited, placed and canceled, and its events tell", func(t *testing.T) {
		s := b.new(t)
		o := create(t, s, drafted("draft", details("cus_1")))
		lines := []order.Line{line("22423", 2), line("85123A", 1), line("22423", 1)}
		o = change(t, s, o.ID, "lines", func(o order.Order) ([]order.Change, error) {
			return o.Edit(order.Edit{Lines: &lines, ShipTo: &order.Address{}})
		})
		require.Equal(t, order.Address{}, o.ShipTo)
		requireStored(t, s, o)
		o = change(t, s, o.ID, "address", func(o order.Order) ([]order.Change, error) {
			return o.Edit(order.Edit{ShipTo: &order.Address{City: "Zürich"}})
		})
		requireStored(t, s, o)
		o = change(t, s, o.ID, "place", func(o order.Order) ([]order.Change, error) { return o.Place("tok_1", nil) })
		require.Equal(t, order.Pending, o.Lifecycle)
		requireStored(t, s, o)
		require.Equal(t, "tok_1", o.PaymentMethod)
		o = change(t, s, o.ID, "cancel", func(o order.Order) ([]order.Change, error) { // two events
			changes, err := o.Cancel("too late")
			return append(changes, order.Undone{Payment: order.PaymentVoided}), err
		})
		require.Equal(t, order.Canceled, o.Lifecycle)
		require.Equal(t, order.PaymentVoided, o.Payment)
		require.Equal(t, order.FulfillmentCanceled, o.Fulfillment)
		require.Equal(t, "too late", o.CancelReason)
		require.Equal(t, int64(6), o.Version)
		require.True(t, o.Created.Equal(noon))
		requireStored(t, s, o)
	})
	t.Run("the same request again gets the first answer without a question", func(t *testing.T) {
		s := b.new(t)
		o := create(t, s, placed("new", details("cus_1")))
		first := change(t, s, o.ID, "note", noting("first"))
		last := change(t, s, o.ID, "note again", noting("second"))
		again := change(t, s, o.ID, "note", func(order.Order) ([]order.Change, error) {
			return nil, errors.New("decide was asked again")
		})
		requireSame(t, first, again)
		requireStored(t, s, last)
	})
	t.Run("another request with the same key is refused and stores nothing", func(t *testing.T) {
		s := b.new(t)
		o := create(t, s, placed("new", details("cus_1")))
		first := change(t, s, o.ID, "note", noting("first"))
		_, err := s.ChangeOrder(t.Context(), o.ID, otherwise(asked(o.ID.String(), "note")), noting("second"))
		requireReason(t, fault.ReasonRequestIDReused, err)
		requireStored(t, s, first)
	})
	t.Run("an order that is not there cannot change", func(t *testing.T) {
		s := b.new(t)
		missing := order.NewID(noon, "cus_1", "")
		_, err := s.ChangeOrder(t.Context(), missing, asked("", "note"), noting("first"))
		requireReason(t, fault.ReasonOrderNotFound, err)
	})
	t.Run("no change is a success that stores nothing", func(t *testing.T) {
		s := b.new(t)
		o := create(t, s, placed("new", details("cus_1")))
		same := change(t, s, o.ID, "note", noting(o.Note))
		requireSame(t, o, same)
		requireStored(t, s, o)
		changed := change(t, s, o.ID, "note", noting("now it differs")) // the request was not remembered
		requireStored(t, s, changed)
	})
	t.Run("what decide refuses is not stored, and its error comes back", func(t *testing.T) {
		s := b.new(t)
		o := create(t, s, placed("new", details("cus_1")))
		refusal := errors.New("not today")
		_, err := s.ChangeOrder(t.Context(), o.ID, asked(o.ID.String(), "note"), func(o order.Order) ([]order.Change, error) {
			return []order.Change{order.Edited{Details: o.Details}}, refusal
		})
		require.ErrorIs(t, err, refusal)
		requireStored(t, s, o)
		requireStored(t, s, change(t, s, o.ID, "note", noting("tomorrow")))
	})
	t.Run("a change of the house, without a request, is not remembered", func(t *testing.T) {
		s := b.new(t)
		o := create(t, s, placed("new", details("cus_1")))
		for _, note := range []string{"first", "second"} {
			_, err := s.ChangeOrder(t.Context(), o.ID, store.Request{}, noting(note))
			require.NoError(t, err)
		}
		got, err := s.Order(t.Context(), o.ID)
		require.NoError(t, err)
		require.Equal(t, "second", got.Note)
		require.Equal(t, int64(3), got.Version)
		requireStored(t, s, got)
	})
	t.Run("whatever becomes of an order is stored", func(t *testing.T) {
		s := b.new(t)
		o := create(t, s, made(noon, "new", order.Placed{Details: details("cus_1"), PaymentMethod: "tok_1"}, details("cus_1")))
		require.Equal(t, "tok_1", o.PaymentMethod)
		require.Equal(t, 1, o.Placements)
		requireStored(t, s, o)
		plain := create(t, s, placed("plain", details("cus_1")))
		require.Equal(t, 0, s.count(t, "SELECT count(*) FROM orders WHERE progress IS NOT NULL OR confirm_time IS NOT NULL"))
		parcel := func(n int) order.ShipmentID { return order.ShipmentID{UUID: o.ID.WithPart(n)} }
		for i, c := range []order.Change{
			order.ActionAsked{Reason: "PROOF_NEEDED", URL: "https://bank.example/prove?a=1&b=ü"},
			order.Placed{Details: o.Details, PaymentMethod: "tok_2"},
			order.PutOnHold{Reason: "odd"},
			order.Resumed{},
			order.Accepted{Payment: order.PaymentAuthorized},
			order.ShipmentCreated{ShipmentID: parcel(1), Lines: []order.LineQuantity{{Position: 1, Quantity: 4}}},
			order.ShipmentCreated{ShipmentID: parcel(2), Lines: []order.LineQuantity{{Position: 1, Quantity: 2}}},
			order.ShipmentMoved{ShipmentID: parcel(2), State: order.ShipmentShipped, Carrier: "Pöst", Tracking: "T\"1\"", Amount: 1<<53 + 1},
			order.ShipmentMoved{ShipmentID: parcel(1), State: order.ShipmentPacked},
			order.PaymentChanged{Payment: order.PaymentPartiallyPaid},
			order.ShipmentMoved{ShipmentID: parcel(2), State: order.ShipmentDelivered},
		} {
			o = change(t, s, o.ID, fmt.Sprint(i), func(order.Order) ([]order.Change, error) { return []order.Change{c}, nil })
			requireStored(t, s, o)
		}
		require.Equal(t, 2, o.Placements)
		require.Equal(t, "tok_2", o.PaymentMethod)
		require.True(t, o.Cleared)
		require.Len(t, o.Shipments, 2)
		requireUTC(t, o.Confirmed, o.Shipments[0].Created, o.Shipments[1].Updated)
		requireStored(t, s, plain)
		listed := walk(t, s, store.OrderQuery{Payment: order.PaymentPartiallyPaid, Limit: 2})
		requireSame(t, []order.Order{o}, listed)
	})
	t.Run("changes that cannot follow are not stored", func(t *testing.T) {
		s := b.new(t)
		o := create(t, s, placed("new", details("cus_1")))
		_, err := s.ChangeOrder(t.Context(), o.ID, asked(o.ID.String(), "undo"), func(order.Order) ([]order.Change, error) {
			return []order.Change{order.CancelRequested{}, order.Undone{}, order.Undone{}}, nil
		})
		require.Error(t, err)
		requireStored(t, s, o)
	})
	t.Run("a decide that panics stores nothing and the store goes on", func(t *testing.T) {
		s := b.new(t)
		o := create(t, s, placed("new", details("cus_1")))
		for range 20 { // more often than there are connections
			require.Panics(t, func() {
				_, _ = s.ChangeOrder(t.Context(), o.ID, asked(o.ID.String(), "note"), func(order.Order) ([]order.Change, error) {
					panic("a bug")
				})
			})
		}
		requireStored(t, s, o)
		requireStored(t, s, change(t, s, o.ID, "note", noting("after the panic")))
	})
}

func testChangeAtOnce(t *testing.T, b bench) {
	const callers = 20
	t.Run("each change that succeeds is one event, and none is lost", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		o := create(t, s, placed("new", details("cus_1")))
		errs := make([]error, callers)
		atOnce(callers, func(i int) {
			for n := range 3 {
				name := fmt.Sprintf("%d of caller %d", n, i)
				_, err := servers[i%2].ChangeOrder(t.Context(), o.ID, asked(o.ID.String(), name), noting(name))
				errs[i] = errors.Join(errs[i], err)
			}
		})
		require.NoError(t, errors.Join(errs...))
		got, err := s.Order(t.Context(), o.ID)
		require.NoError(t, err)
		require.Equal(t, int64(1+3*callers), got.Version)
		requireStored(t, s, got)
	})
	t.Run("of those who know the same version one wins", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		o := create(t, s, placed("new", details("cus_1")))
		errs, orders := make([]error, callers), make([]order.Order, callers)
		atOnce(callers, func(i int) {
			name := fmt.Sprint("caller ", i)
			orders[i], errs[i] = servers[i%2].ChangeOrder(t.Context(), o.ID, asked(o.ID.String(), name), notingAt("1", name))
		})
		var won []order.Order
		for i, err := range errs {
			if err == nil {
				won = append(won, orders[i])
			} else {
				requireReason(t, fault.ReasonStaleEtag, err)
			}
		}
		require.Len(t, won, 1)
		requireStored(t, s, won[0])
	})
	t.Run("many orders change at once, several times each, and what fails fails alone", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		orders := createMany(t, s, 12)
		errs := make([]error, 8*len(orders))
		atOnce(len(errs), func(i int) {
			o := orders[i%len(orders)]
			decide := noting(fmt.Sprint(i))
			if i/len(orders) == 3 { // the database refuses it
				decide = func(o order.Order) ([]order.Change, error) {
					o.Shipping = -1
					return []order.Change{order.Edited{Details: o.Details}}, nil
				}
			}
			_, errs[i] = servers[i%2].ChangeOrder(t.Context(), o.ID, asked(o.ID.String(), fmt.Sprint(i)), decide)
		})
		for i, err := range errs {
			require.Equal(t, i/len(orders) == 3, err != nil, "%v", err)
		}
		for _, o := range orders {
			got, err := s.Order(t.Context(), o.ID)
			require.NoError(t, err)
			require.Equal(t, int64(8), got.Version)
			requireStored(t, s, got)
		}
	})
	t.Run("the same request of many callers is done once and answered alike", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		for round := range 10 {
			o := create(t, s, placed(fmt.Sprint(round), details("cus_1")))
			errs, orders := make([]error, callers), make([]order.Order, callers)
			atOnce(callers, func(i int) {
				orders[i], errs[i] = servers[i%2].ChangeOrder(t.Context(), o.ID, asked(o.ID.String(), "note"), notingAt("1", "once"))
			})
			require.NoError(t, errors.Join(errs...))
			for i := range orders {
				requireSame(t, orders[0], orders[i])
			}
			require.Equal(t, int64(2), orders[0].Version)
			requireStored(t, s, orders[0])
		}
	})
}

func testEvents(t *testing.T, b bench) {
	t.Run("events are read by sequence, in pages", func(t *testing.T) {
		s := b.new(t)
		o := create(t, s, placed("new", details("cus_1")))
		create(t, s, placed("a neighbour", details("cus_1")))
		for i := range 6 {
			o = change(t, s, o.ID, fmt.Sprint(i), noting(fmt.Sprint(i)))
		}
		all, err := s.OrderEvents(t.Context(), o.ID, 0, 100)
		require.NoError(t, err)
		require.Len(t, all, 7)
		for after := range all {
			require.Equal(t, int64(after+1), all[after].Sequence)
			page, err := s.OrderEvents(t.Context(), o.ID, int64(after), 3)
			require.NoError(t, err)
			requireSame(t, all[after:min(after+3, len(all))], page)
		}
	})
	t.Run("behind the last event there is nothing", func(t *testing.T) {
		s := b.new(t)
		o := create(t, s, placed("new", details("cus_1")))
		for _, after := range []int64{1, 2, 1 << 16, 1<<63 - 1} {
			page, err := s.OrderEvents(t.Context(), o.ID, after, 10)
			require.NoError(t, err)
			require.Empty(t, page)
		}
	})
	t.Run("an order that is not there has no events to read", func(t *testing.T) {
		s := b.new(t)
		_, err := s.OrderEvents(t.Context(), order.NewID(noon, "cus_1", ""), 0, 10)
		requireReason(t, fault.ReasonOrderNotFound, err)
	})
}
