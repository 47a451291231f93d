package workflow_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/workflow"
)

var (
	confirmed = kept{order.Confirmed, 2, total, 0}
	canceled  = kept{order.Canceled, 0, 0, 0}
	rejected  = kept{order.Rejected, 0, 0, 0}
	expired   = kept{order.Expired, 0, 0, 0}
)

// TestCrash lets the process die at each point of a way, before something takes effect and after, and
// another one take over: perhaps after something has happened to the order. In the end all is done, once,
// or nothing is kept.
func TestCrash(t *testing.T) {
	idle := func(*world, order.ID) {}
	cancel := func(w *world, orderID order.ID) { w.cancel(orderID) }
	late := func(w *world, _ order.ID) { w.wait(2 * patience) }
	for name, way := range map[string]struct {
		begin     func(w *world) order.ID // as far as nothing goes wrong
		act       func(w *world, orderID order.ID)
		meanwhile func(w *world, orderID order.ID)
		finish    func(w *world, orderID order.ID)
		want      []kept
	}{
		"placing":                        {placed("tok_ok"), idle, idle, idle, []kept{confirmed}},
		"placing, the bank says nothing": {placed("tok_error_500_after"), idle, idle, idle, []kept{confirmed}},
		"placing, declined":              {placed("tok_declined"), idle, idle, idle, []kept{rejected}},
		"placing, canceled meanwhile":    {placed("tok_ok"), idle, cancel, idle, []kept{canceled}},
		"placing, the bank says nothing, canceled meanwhile": {placed("tok_error_500_after"), idle, cancel, idle, []kept{canceled}},
		"placing, for too long":                              {placed("tok_ok"), idle, late, idle, []kept{confirmed, expired}},
		"proving":                                            {placed("tok_authentication_required"), idle, idle, prove, []kept{confirmed}},
		"proving, canceled meanwhile":                        {placed("tok_authentication_required"), idle, cancel, idle, []kept{canceled}},
		"paying again":                                       {waiting("tok_insufficient_funds"), payAgain, idle, idle, []kept{confirmed}},
		"paying again, canceled meanwhile":                   {waiting("tok_authentication_required"), payAgain, cancel, idle, []kept{canceled}},
		"amending to more":                                   {sold, amend(3), idle, idle, []kept{{order.Confirmed, 3, 3000, 0}}},
		"amending to less":                                   {sold, amend(1), idle, idle, []kept{{order.Confirmed, 1, total, 0}}},
		"amending, and there is not enough":                  {sold, amend(11), idle, idle, []kept{confirmed}},
		"amending, and the bank says nothing":                {paidWith("tok_error_500_after"), amend(3), idle, idle, []kept{{order.Confirmed, 3, 3000, 0}}},
		"amending, canceled meanwhile":                       {sold, amend(3), cancel, idle, []kept{canceled}},
		"amending, for too long":                             {sold, amend(3), late, idle, []kept{confirmed, {order.Confirmed, 3, 3000, 0}}},
		"amending, then shipping":                            {sold, amend(1), idle, ship, []kept{{order.Confirmed, 0, 0, 1000}}},
		"canceling":                                          {sold, cancel, idle, idle, []kept{canceled}},
		"shipping":                                           {sold, ship, idle, idle, []kept{{order.Confirmed, 0, 0, total}}},
		"shipping, for too long":                             {sold, ship, late, idle, []kept{{order.Confirmed, 0, 0, total}}},
		"giving back":                                        {shipped, giveBack, idle, idle, []kept{{order.Confirmed, 0, 0, total - 700}}},
	} {
		t.Run(name, func(t *testing.T) {
			for n := 1; ; n++ {
				alive := false
				t.Run(fmt.Sprint("at ", n), func(t *testing.T) {
					w := newWorld(t)
					orderID := way.begin(w)
					w.crash.n, w.crash.at = 0, n
					way.act(w, orderID)
					w.run()
					alive = !w.crash.dead
					w.recover()
					if !alive {
						way.meanwhile(w, orderID)
					}
					w.run()
					way.finish(w, orderID)
					w.run()
					if alive {
						return
					}
					require.False(t, w.order(orderID).Amending())
					w.requireKept(orderID, w.likely(orderID, way.want))
					for _, r := range w.records {
						require.True(t, r.State.Finished(), "%+v", r)
					}
				})
				if alive || t.Failed() {
					require.Greater(t, n, 4, "the process died at a few points at least")
					return
				}
			}
		})
	}
}

// likely gives what is to be kept of an order that ended like this.
func (w *world) likely(orderID order.ID, all []kept) kept {
	w.t.Helper()
	o := w.order(orderID)
	for _, k := range all {
		if k.lifecycle == o.Lifecycle && (k.held == 0 || k.held == o.Demands()[w.sku]) {
			return k
		}
	}
	require.Fail(w.t, "nobody expected this", "%s", o.Lifecycle)
	return kept{}
}

// placed gives an order that is not looked at yet.
func placed(method string) func(*world) order.ID {
	return func(w *world) order.ID { return w.place(method) }
}

// waiting gives an order that waits for its customer.
func waiting(method string) func(*world) order.ID {
	return func(w *world) order.ID {
		orderID := w.place(method)
		w.run()
		require.Equal(w.t, order.ActionRequired, w.order(orderID).Lifecycle)
		return orderID
	}
}

func sold(w *world) order.ID { return paidWith("tok_ok")(w) }

// paidWith gives a confirmed order.
func paidWith(method string) func(*world) order.ID {
	return func(w *world) order.ID {
		orderID := w.place(method)
		w.run()
		w.requireKept(orderID, confirmed)
		return orderID
	}
}

// amend asks for so many instead of two.
func amend(quantity int64) func(*world, order.ID) {
	return func(w *world, orderID order.ID) {
		o := w.change(orderID, func(o order.Order) ([]order.Change, error) {
			return o.Edit(order.Edit{Lines: &[]order.Line{{SKU: w.sku, Quantity: quantity, UnitPrice: 1000}}})
		})
		require.Contains(w.t, w.records, saga.Key(o.Amendment.ID.String(), workflow.Amend))
	}
}

func shipped(w *world) order.ID {
	orderID := sold(w)
	ship(w, orderID)
	w.run()
	w.requireKept(orderID, kept{order.Confirmed, 0, 0, total})
	return orderID
}

func prove(w *world, orderID order.ID) {
	if w.order(orderID).Lifecycle != order.ActionRequired { // the crash was after the bank's answer got lost
		return
	}
	w.answer(orderID, "succeed")
	w.wait(time.Minute)
}

func payAgain(w *world, orderID order.ID) {
	w.change(orderID, func(o order.Order) ([]order.Change, error) { return o.Place("tok_ok", nil) })
}

func ship(w *world, orderID order.ID) {
	o := w.change(orderID, func(o order.Order) ([]order.Change, error) { return o.Allocate(nil) })
	w.change(orderID, func(o order.Order) ([]order.Change, error) {
		return o.MoveShipment(o.Shipments[len(o.Shipments)-1].ID, order.Move{To: order.ShipmentShipped})
	})
	require.Len(w.t, o.Shipments, 1)
}

func giveBack(w *world, orderID order.ID) { w.returned(orderID, 1, 700) }

// returned takes some of an order back and decides what is refunded for it.
func (w *world) returned(orderID order.ID, quantity int64, refund int64) order.ReturnID {
	w.t.Helper()
	lines := []order.LineQuantity{{Position: 1, Quantity: quantity}}
	returnID := order.NewReturnID(w.clock(), orderID)
	for _, decide := range []func(order.Return, order.Order) (order.Return, []order.Change, error){
		func(_ order.Return, o order.Order) (order.Return, []order.Change, error) {
			r, err := order.RequestReturn(o, returnID, lines, "", w.clock())
			return r, nil, err
		},
		order.Return.Receive,
		func(r order.Return, _ order.Order) (order.Return, []order.Change, error) {
			r, err := r.Close(minor(refund), lines)
			return r, nil, err
		},
	} {
		_, err := w.store.ChangeReturn(w.t.Context(), store.ReturnChange{ReturnID: returnID, OrderID: orderID, Decide: decide})
		require.NoError(w.t, err)
	}
	require.Contains(w.t, w.records, returnID.String()+"/"+workflow.Return)
	return returnID
}
