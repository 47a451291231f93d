package entstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

// returned is an order of history and a return that is asked for of a part of it.
func returned(t *testing.T, s store.Store) (order.Order, order.Return) {
	t.Helper()
	n := newOrder("cus_1", "returned")
	d := n.Change.(order.Placed).Details
	d.Source = "shop"
	n.Change = order.Imported{Details: d, Delivered: true}
	o, err := s.CreateOrder(t.Context(), n)
	require.NoError(t, err)
	returnID := order.NewReturnID(n.Created, o.ID)
	r, err := s.ChangeReturn(t.Context(), store.ReturnChange{
		ReturnID: returnID, OrderID: o.ID, Request: store.NewRequest("plan", "return", nil),
		Decide: func(_ order.Return, o order.Order) (order.Return, []order.Change, error) {
			r, err := order.RequestReturn(o, returnID, []order.LineQuantity{{Position: 1, Quantity: 1}}, "", n.Created)
			return r, nil, err
		},
	})
	require.NoError(t, err)
	return o, r
}

func receiving(r order.Return) store.ReturnChange {
	return store.ReturnChange{ReturnID: r.ID, Request: store.NewRequest("plan", "receive", nil), Decide: order.Return.Receive}
}

// givingBack starts a saga for a return that has arrived, and signals one of its order.
type givingBack struct{}

func (givingBack) AfterOrder(o order.Order, e order.Event) saga.Wakes {
	if _, ok := e.Change.(order.GoodsReturned); !ok {
		return saga.Wakes{}
	}
	return saga.Wakes{Signals: []saga.Signal{{Subject: o.ID.String(), Saga: "goods"}}}
}

func (givingBack) AfterPayment(payment.Payment) saga.Wakes { return saga.Wakes{} }

func (givingBack) AfterReturn(r order.Return) saga.Wakes {
	if r.Status != order.ReturnReceived {
		return saga.Wakes{}
	}
	return saga.Wakes{Starts: []saga.Start{{Slot: int(r.ID.Slot()), Subject: r.ID.String(), Saga: "return"}}}
}

func TestReturnSagas(t *testing.T) {
	for name, databases := range map[string]func(testing.TB) []string{"SQLite": storetest.SQLite(1), "Postgres": storetest.Postgres(1)} {
		t.Run("on "+name+" what follows from a return and its order starts with the change, once, or not at all", func(t *testing.T) {
			d := openDatabase(t, databases(t)[0])
			st := &starter{dialect: d.Dialect(), refuses: errors.New("no room")}
			s := entstore.New(d, entstore.Options{Now: time.Now, Follow: givingBack{}, Starter: st})
			defer func() { require.NoError(t, s.Close(context.WithoutCancel(t.Context()))) }()
			o, r := returned(t, s)
			_, err := s.ChangeReturn(t.Context(), receiving(r))
			require.ErrorIs(t, err, st.refuses)
			same, err := s.Return(t.Context(), r.ID)
			require.NoError(t, err)
			require.True(t, same.Equal(r))
			sale, err := s.Order(t.Context(), o.ID)
			require.NoError(t, err)
			require.True(t, sale.Equal(o))
			require.Empty(t, woken(t, d))

			st.refuses = nil
			for range 2 { // the second time is a replay
				_, err = s.ChangeReturn(t.Context(), receiving(r))
				require.NoError(t, err)
			}
			require.Equal(t, []string{o.ID.String() + "/signal goods", r.ID.String() + "/return"}, woken(t, d))
		})
	}
}
