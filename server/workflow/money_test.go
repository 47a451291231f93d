package workflow_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/payments"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/workflow"
)

// authorize sets money aside by hand.
func (w *world) authorize(orderID order.ID, amount money.Minor) payment.ID {
	w.t.Helper()
	r, err := w.cases.AuthorizeOrder(w.t.Context(), payments.Authorize{OrderID: orderID, Amount: amount, Method: "tok_ok", Key: "by-hand"})
	require.NoError(w.t, err)
	return r.Payment.ID
}

// void lets go of all that is set aside, by hand.
func (w *world) void(orderID order.ID) {
	w.t.Helper()
	all, err := w.cases.OfOrder(w.t.Context(), orderID)
	require.NoError(w.t, err)
	for _, p := range all {
		_, err := w.cases.Void(w.t.Context(), payments.Change{PaymentID: p.ID, Key: "void-by-hand/" + p.ID.String()})
		require.NoError(w.t, err)
	}
}

// leave hands a parcel over with so many of the first line, and does not look after its money.
func (w *world) leave(orderID order.ID, quantity int64) order.ShipmentID {
	w.t.Helper()
	o := w.change(orderID, func(o order.Order) ([]order.Change, error) {
		return o.Allocate([]order.LineQuantity{{Position: 1, Quantity: quantity}})
	})
	shipmentID := o.Shipments[len(o.Shipments)-1].ID
	w.change(orderID, func(o order.Order) ([]order.Change, error) {
		return o.MoveShipment(shipmentID, order.Move{To: order.ShipmentShipped})
	})
	return shipmentID
}

func TestMoney_lapsed(t *testing.T) {
	authorized := func(t *testing.T) (*world, order.ID) {
		t.Helper()
		w := newWorld(t)
		orderID := w.place("tok_ok")
		for _, step := range w.book[workflow.Place].Steps[:3] {
			result, err := step.Do(t.Context(), call(orderID, step))
			require.NoError(t, err)
			require.Equal(t, saga.Done(), result)
		}
		w.void(orderID)
		waits, err := w.flow.Summarize(t.Context(), orderID)
		require.NoError(t, err)
		require.True(t, waits, "the saga has reason to look")
		return w, orderID
	}
	t.Run("an order whose money was let go before it was confirmed is rejected", func(t *testing.T) {
		w, orderID := authorized(t)
		w.run()
		w.requireKept(orderID, rejected)
	})
	t.Run("one that was confirmed all the same says what has become of its money", func(t *testing.T) {
		w, orderID := authorized(t)
		confirm := w.book[workflow.Place].Steps[3]
		result, err := confirm.Do(t.Context(), call(orderID, confirm)) // by a run that was woken anew meanwhile
		require.NoError(t, err)
		require.Equal(t, saga.Done(), result)
		require.Equal(t, order.PaymentAuthorized, w.order(orderID).Payment)
		w.run()
		require.Equal(t, order.PaymentVoided, w.order(orderID).Payment)
	})
}

func TestMoney_released(t *testing.T) {
	t.Run("money that staff set aside beside what was enough is let go behind the last parcel", func(t *testing.T) {
		w := newWorld(t)
		orderID := sold(w)
		w.authorize(orderID, total)
		w.requireKept(orderID, kept{order.Confirmed, 2, 2 * total, 0})
		w.leave(orderID, 1)
		w.run()
		w.requireKept(orderID, kept{order.Confirmed, 1, 3 * total / 2, total / 2})
		w.leave(orderID, 1)
		w.run()
		w.requireKept(orderID, kept{order.Confirmed, 0, 0, total})
		_, err := w.cases.AuthorizeOrder(t.Context(), payments.Authorize{OrderID: orderID, Amount: 1, Method: "tok_ok", Key: "late"})
		require.Error(t, err, "it is paid")
	})
	t.Run("a last parcel that costs nothing lets go of the rest", func(t *testing.T) {
		w := newWorld(t)
		w.supply("B", 1)
		orderID := sold(w)
		w.change(orderID, func(o order.Order) ([]order.Change, error) {
			return o.Edit(order.Edit{Lines: &[]order.Line{
				{SKU: w.sku, Quantity: 1, UnitPrice: 1000}, {SKU: "B", Quantity: 1},
			}})
		})
		w.run()
		w.leave(orderID, 1)
		w.run()
		w.requireKept(orderID, kept{order.Confirmed, 0, 1000, 1000})
		w.change(orderID, func(o order.Order) ([]order.Change, error) { return o.Allocate(nil) })
		w.change(orderID, func(o order.Order) ([]order.Change, error) {
			return o.MoveShipment(o.Shipments[1].ID, order.Move{To: order.ShipmentShipped})
		})
		w.run()
		w.requireKept(orderID, kept{order.Confirmed, 0, 0, 1000})
	})
	t.Run("the last parcel waits until the others are paid", func(t *testing.T) {
		w := newWorld(t)
		orderID := sold(w)
		first, last := w.leave(orderID, 1), w.leave(orderID, 1)
		capture := w.book[workflow.Ship].Steps[2]
		require.Equal(t, "capture", capture.Name)
		about := func(shipmentID order.ShipmentID) saga.Call {
			key := saga.Key(shipmentID.String(), workflow.Ship)
			return saga.Call{Subject: shipmentID.String(), Saga: workflow.Ship, Step: "capture", Key: key + "/capture", Attempt: 1}
		}
		result, err := capture.Do(t.Context(), about(last))
		require.NoError(t, err)
		require.Equal(t, saga.OutcomeLater, result.Outcome)
		for _, shipmentID := range []order.ShipmentID{first, last} {
			result, err = capture.Do(t.Context(), about(shipmentID))
			require.NoError(t, err)
			require.Equal(t, saga.Done(), result)
		}
		w.run()
		w.requireKept(orderID, kept{order.Confirmed, 0, 0, total})
	})
}

func TestMoney_refunds(t *testing.T) {
	t.Run("a return is given back from all payments of its order, from each what it took", func(t *testing.T) {
		w := newWorld(t)
		orderID := sold(w)
		w.leave(orderID, 1)
		w.run()
		all, err := w.cases.OfOrder(t.Context(), orderID)
		require.NoError(t, err)
		_, err = w.cases.Capture(t.Context(), payments.Change{PaymentID: all[0].ID, Final: true, Key: "lapsed"})
		require.NoError(t, err)
		w.authorize(orderID, total/2)
		w.leave(orderID, 1)
		w.run()
		w.requireKept(orderID, kept{order.Confirmed, 0, 0, total})
		returnID := w.returned(orderID, 2, total)
		w.run()
		w.requireKept(orderID, kept{w.order(orderID).Lifecycle, 0, 0, 0})
		r, err := w.store.Return(t.Context(), returnID)
		require.NoError(t, err)
		require.Equal(t, order.ReturnClosed, r.Status)
		require.Equal(t, money.Minor(total), r.Refund)
	})
	t.Run("a refund that the bank refuses for good is stuck, asked for once, and settled by staff", func(t *testing.T) {
		for name, settle := range map[string]func(w *world, returnID order.ReturnID, paymentID payment.ID){
			"by trying again": func(w *world, returnID order.ReturnID, _ payment.ID) {
				w.retry(saga.Key(returnID.String(), workflow.Return))
			},
			"by hand": func(w *world, returnID order.ReturnID, paymentID payment.ID) {
				_, err := w.cases.Refund(w.t.Context(), payments.Change{PaymentID: paymentID, Amount: 700, Note: returnID.String(), Key: "by-hand"})
				require.NoError(w.t, err)
				w.retry(saga.Key(returnID.String(), workflow.Return))
			},
		} {
			t.Run(name, func(t *testing.T) {
				w := newWorld(t)
				orderID := shipped(w)
				w.refuses = 1
				returnID := w.returned(orderID, 1, 700)
				w.run()
				stuck := w.records[saga.Key(returnID.String(), workflow.Return)]
				require.Equal(t, saga.StateStuck, stuck.State)
				require.Equal(t, "DECLINED", stuck.Reason)
				require.Zero(t, w.refuses, "the bank was asked once")
				all, err := w.cases.OfOrder(t.Context(), orderID)
				require.NoError(t, err)
				settle(w, returnID, all[0].ID)
				require.Equal(t, saga.StateDone, w.records[saga.Key(returnID.String(), workflow.Return)].State)
				w.requireKept(orderID, kept{w.order(orderID).Lifecycle, 0, 0, total - 700})
			})
		}
	})
	t.Run("and so is a void", func(t *testing.T) {
		for name, settle := range map[string]func(w *world, orderID order.ID){
			"by trying again": func(*world, order.ID) {},
			"by hand":         (*world).void,
		} {
			t.Run(name, func(t *testing.T) {
				w := newWorld(t)
				orderID := sold(w)
				w.refuses = 1
				w.cancel(orderID)
				w.run()
				key := saga.Key(orderID.String(), workflow.Cancel)
				require.Equal(t, saga.StateStuck, w.records[key].State)
				require.Equal(t, "DECLINED", w.records[key].Reason)
				settle(w, orderID)
				w.retry(key)
				require.Equal(t, saga.StateDone, w.records[key].State)
				w.requireKept(orderID, canceled)
			})
		}
	})
}
