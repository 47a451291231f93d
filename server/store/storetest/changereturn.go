package storetest

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// saleOf stores a sale of these lines that has been delivered.
func saleOf(t *testing.T, s store.Store, lines ...order.Line) order.Order {
	t.Helper()
	d := sold("cus_1", "1", 0, lines...)
	takeNew(t, s, d)
	o, err := s.Order(t.Context(), d.Order.ID)
	require.NoError(t, err)
	return o
}

// asking is the change that asks to send this much of the first line back.
func asking(o order.Order, request string, quantity int64) store.ReturnChange {
	returnID := order.NewReturnID(noon, o.ID)
	return store.ReturnChange{
		ReturnID: returnID, OrderID: o.ID, Request: asked(o.ID.String(), request),
		Decide: func(_ order.Return, o order.Order) (order.Return, []order.Change, error) {
			r, err := order.RequestReturn(o, returnID, []order.LineQuantity{{Position: 1, Quantity: quantity}}, "zu groß", noon)
			return r, nil, err
		},
	}
}

// moving is the change that a request of this name makes of a return.
func moving(r order.Return, request string, decide store.DecideReturn) store.ReturnChange {
	return store.ReturnChange{ReturnID: r.ID, Request: asked(r.ID.String(), request), Decide: decide}
}

// alone is a decision on a return that is none on its order.
func alone(decide func(order.Return) (order.Return, error)) store.DecideReturn {
	return func(r order.Return, _ order.Order) (order.Return, []order.Change, error) {
		r, err := decide(r)
		return r, nil, err
	}
}

func changeReturn(t *testing.T, s store.Store, c store.ReturnChange) order.Return {
	t.Helper()
	r, err := s.ChangeReturn(t.Context(), c)
	require.NoError(t, err)
	return r
}

func requireReturn(t *testing.T, s store.Store, want order.Return) {
	t.Helper()
	got, err := s.Return(t.Context(), want.ID)
	require.NoError(t, err)
	requireSame(t, want, got)
	requireUTC(t, got.Created, got.Updated)
}

func testChangeReturn(t *testing.T, b bench) {
	t.Run("a return goes its way, and its goods are booked once they arrive", func(t *testing.T) {
		s := b.new(t)
		o := saleOf(t, s, order.Line{SKU: "ß", Description: "Grüße", Quantity: 3, UnitPrice: 10, Discount: 1}, line("B", 5))
		r := changeReturn(t, s, asking(o, "new", 2))
		require.Equal(t, o.ID, r.OrderID)
		requireReturn(t, s, r)
		r = changeReturn(t, s, moving(r, "approve", alone(order.Return.Approve)))
		require.False(t, r.Updated.Equal(r.Created))
		requireReturn(t, s, r)
		requireStored(t, s, o)
		r = changeReturn(t, s, moving(r, "receive", order.Return.Receive))
		requireReturn(t, s, r)
		got, err := s.Order(t.Context(), o.ID)
		require.NoError(t, err)
		require.Equal(t, []int64{2, 0}, got.Returned)
		require.Equal(t, o.Version+1, got.Version)
		requireStored(t, s, got)
		r = changeReturn(t, s, moving(r, "close", alone(func(r order.Return) (order.Return, error) {
			return r.Close(nil, []order.LineQuantity{{Position: 1, Quantity: 1}})
		})))
		require.Equal(t, order.ReturnInspected, r.Status)
		requireReturn(t, s, r)
		r = changeReturn(t, s, store.ReturnChange{ReturnID: r.ID, Decide: alone(order.Return.Finish)})
		require.Equal(t, order.ReturnClosed, r.Status)
		requireReturn(t, s, r)
		requireStored(t, s, got)
	})
	t.Run("goods of an order that was placed here come back once they have left", func(t *testing.T) {
		s := b.new(t)
		o := create(t, s, placed("new", details("cus_1")))
		o = change(t, s, o.ID, "ship", func(o order.Order) ([]order.Change, error) {
			parcel := order.ShipmentID{UUID: o.ID.WithPart(1)}
			return []order.Change{
				order.Accepted{}, order.ShipmentCreated{ShipmentID: parcel, Lines: []order.LineQuantity{{Position: 1, Quantity: 2}}},
				order.ShipmentMoved{ShipmentID: parcel, State: order.ShipmentShipped},
			}, nil
		})
		_, err := s.ChangeReturn(t.Context(), asking(o, "all", 6))
		requireReason(t, fault.ReasonReturnTooLarge, err)
		r := changeReturn(t, s, asking(o, "two", 2))
		requireReturn(t, s, changeReturn(t, s, moving(r, "receive", order.Return.Receive)))
		got, err := s.Order(t.Context(), o.ID)
		require.NoError(t, err)
		require.Equal(t, []int64{2, 0}, got.Returned)
		requireStored(t, s, got)
	})
	t.Run("the same request again gets the first answer without a question", func(t *testing.T) {
		s := b.new(t)
		o := saleOf(t, s, line("A", 3))
		first := changeReturn(t, s, asking(o, "new", 1))
		requireSame(t, first, changeReturn(t, s, asking(o, "new", 1))) // under an id of its own
		approved := changeReturn(t, s, moving(first, "approve", alone(order.Return.Approve)))
		received := changeReturn(t, s, moving(first, "receive", order.Return.Receive))
		again := changeReturn(t, s, moving(first, "approve", func(order.Return, order.Order) (order.Return, []order.Change, error) {
			return order.Return{}, nil, errors.New("decide was asked again")
		}))
		requireSame(t, approved, again)
		requireReturn(t, s, received)
		require.Len(t, walkReturns(t, s, store.ReturnQuery{Limit: 10}), 1)
	})
	t.Run("another request with the same key is refused and stores nothing", func(t *testing.T) {
		s := b.new(t)
		r := changeReturn(t, s, asking(saleOf(t, s, line("A", 3)), "new", 1))
		approve := moving(r, "approve", alone(order.Return.Approve))
		r = changeReturn(t, s, approve)
		approve.Request, approve.Decide = otherwise(approve.Request), order.Return.Receive
		_, err := s.ChangeReturn(t.Context(), approve)
		requireReason(t, fault.ReasonRequestIDReused, err)
		requireReturn(t, s, r)
	})
	t.Run("without an order, and without a return, there is nothing to change", func(t *testing.T) {
		s := b.new(t)
		missing := order.Order{ID: order.NewID(noon, "cus_1", "")}
		_, err := s.ChangeReturn(t.Context(), asking(missing, "new", 1))
		requireReason(t, fault.ReasonOrderNotFound, err)
		_, err = s.ChangeReturn(t.Context(), moving(order.Return{ID: order.NewReturnID(noon, missing.ID)}, "approve", alone(order.Return.Approve)))
		requireReason(t, fault.ReasonReturnNotFound, err)
	})
	t.Run("no change is a success that stores nothing", func(t *testing.T) {
		s := b.new(t)
		r := changeReturn(t, s, asking(saleOf(t, s, line("A", 3)), "new", 1))
		r = changeReturn(t, s, moving(r, "approve", alone(order.Return.Approve)))
		requireSame(t, r, changeReturn(t, s, moving(r, "again", alone(order.Return.Approve))))
		requireReturn(t, s, r)
		requireReturn(t, s, changeReturn(t, s, moving(r, "again", order.Return.Receive))) // the request was not remembered
	})
	t.Run("what is refused or cannot follow changes neither the return nor its order", func(t *testing.T) {
		s := b.new(t)
		o := saleOf(t, s, line("A", 3))
		r := changeReturn(t, s, asking(o, "new", 1))
		_, err := s.ChangeReturn(t.Context(), moving(r, "close", alone(func(r order.Return) (order.Return, error) { return r.Close(nil, nil) })))
		requireReason(t, fault.ReasonTransitionRefused, err)
		_, err = s.ChangeReturn(t.Context(), moving(r, "close", func(r order.Return, _ order.Order) (order.Return, []order.Change, error) {
			r.Status = order.ReturnReceived
			return r, []order.Change{order.GoodsReturned{ReturnID: r.ID, Lines: []order.LineQuantity{{Position: 1, Quantity: 4}}}}, nil
		}))
		require.Error(t, err)
		requireReturn(t, s, r)
		requireStored(t, s, o)
	})
	t.Run("imported history is asked about without an order, and stays", func(t *testing.T) {
		s := b.new(t)
		takeNew(t, s, cameBack("cus_1", "C1", 1, line("A", 1)))
		back := *cameBack("cus_1", "C1", 1, line("A", 1)).Return
		asks := 0
		_, err := s.ChangeReturn(t.Context(), moving(back, "receive", func(r order.Return, o order.Order) (order.Return, []order.Change, error) {
			asks++
			require.True(t, o.ID.IsZero())
			return r.Receive(o)
		}))
		requireReason(t, fault.ReasonTransitionRefused, err)
		require.Equal(t, 1, asks)
		requireReturn(t, s, back)
	})
	t.Run("returns lie beside their orders, a guest's too, and are listed", func(t *testing.T) {
		s := b.new(t)
		var want []order.ReturnID
		slots := map[id.Slot]bool{}
		for i := range 20 {
			d := details(customer(i))
			if i%2 == 0 {
				d.CustomerID = ""
			}
			d.Source = shopSystem
			n := made(noon, customer(i), order.Imported{Details: d}, d)
			r := changeReturn(t, s, asking(create(t, s, n), "new", 1))
			require.Equal(t, d.CustomerID, r.CustomerID)
			want = append(want, r.ID)
			slots[n.ID.Slot()] = true
		}
		var got []order.ReturnID
		for _, r := range walkReturns(t, s, store.ReturnQuery{Limit: 7}) {
			got = append(got, r.ID)
		}
		require.ElementsMatch(t, want, got)
		for place, url := range s.urls {
			for _, slot := range slotsOf(t, url, "order_returns") {
				require.True(t, slots[slot])
				require.True(t, b.Owner == nil || b.Owner(slot) == place)
			}
		}
	})
}

func testReturnsAtOnce(t *testing.T, b bench) {
	const callers = 20
	t.Run("of many who bring the same goods one books them", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		o := saleOf(t, s, line("A", 3))
		returns := make([]order.Return, callers)
		for i := range returns {
			returns[i] = changeReturn(t, s, asking(o, customer(i), 3))
		}
		errs := make([]error, callers)
		atOnce(callers, func(i int) {
			_, errs[i] = servers[i%2].ChangeReturn(t.Context(), moving(returns[i], "receive", order.Return.Receive))
		})
		won := 0
		for i, err := range errs {
			if err == nil {
				won++
				continue
			}
			requireReason(t, fault.ReasonReturnTooLarge, err)
			requireReturn(t, s, returns[i])
		}
		require.Equal(t, 1, won)
		requireReturned(t, s, store.Document{Order: &store.NewOrder{ID: o.ID}}, 3)
	})
	t.Run("none of many that come at once is lost", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		o := saleOf(t, s, line("A", callers))
		errs := make([]error, callers)
		atOnce(callers, func(i int) {
			r, err := servers[i%2].ChangeReturn(t.Context(), asking(o, customer(i), 1))
			if err == nil {
				_, err = servers[(i+1)%2].ChangeReturn(t.Context(), moving(r, "receive", order.Return.Receive))
			}
			errs[i] = err
		})
		require.NoError(t, errors.Join(errs...))
		got := requireReturned(t, s, store.Document{Order: &store.NewOrder{ID: o.ID}}, callers)
		require.Equal(t, o.Version+callers, got.Version)
	})
	t.Run("the same request of many callers is done once and answered alike", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		o := saleOf(t, s, line("A", callers))
		errs, returns := make([]error, callers), make([]order.Return, callers)
		atOnce(callers, func(i int) {
			returns[i], errs[i] = servers[i%2].ChangeReturn(t.Context(), asking(o, "once", 1))
		})
		require.NoError(t, errors.Join(errs...))
		for _, r := range returns {
			requireSame(t, returns[0], r)
		}
		require.Len(t, walkReturns(t, s, store.ReturnQuery{Limit: callers}), 1)
	})
}
