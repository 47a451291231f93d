package workflow_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/payments"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/workflow"
)

func minor(amount int64) *money.Minor { return (*money.Minor)(&amount) }

// call is what a step of the saga that places an order gets to know.
func call(orderID order.ID, step saga.Step) saga.Call {
	key := saga.Key(orderID.String(), workflow.Place)
	return saga.Call{Subject: orderID.String(), Saga: workflow.Place, Step: step.Name, Key: key + "/" + step.Name, Attempt: 1}
}

func TestPlace_steps(t *testing.T) {
	t.Run("each step done twice is done once", func(t *testing.T) {
		w := newWorld(t)
		orderID := w.place("tok_ok")
		for _, step := range w.book[workflow.Place].Steps {
			for range 2 {
				result, err := step.Do(t.Context(), call(orderID, step))
				require.NoError(t, err)
				require.Equal(t, saga.Done(), result, step.Name)
			}
		}
		w.requireKept(orderID, confirmed)
	})
	t.Run("what is undone before it was done is not done later", func(t *testing.T) {
		w := newWorld(t)
		orderID := w.place("tok_ok")
		for _, step := range w.book[workflow.Place].Steps {
			if step.Undo == nil {
				continue
			}
			for range 2 {
				require.NoError(t, step.Undo(t.Context(), call(orderID, step)), step.Name)
			}
			result, err := step.Do(t.Context(), call(orderID, step))
			require.NoError(t, err)
			require.Equal(t, saga.OutcomeRefused, result.Outcome, step.Name)
		}
		w.requireKept(orderID, kept{order.Pending, 0, 0, 0})
	})
	t.Run("steps that work with an order as it was take nothing that was canceled meanwhile", func(t *testing.T) {
		w := newWorld(t)
		orderID := w.place("tok_ok")
		place := w.book[workflow.Place]
		loaded, err := place.Load(t.Context(), []string{orderID.String()})
		require.NoError(t, err)
		w.cancel(orderID)
		late := func(step saga.Step) saga.Result {
			c := call(orderID, step)
			c.Loaded = loaded[orderID.String()]
			result, err := step.Do(t.Context(), c)
			require.NoError(t, err)
			return result
		}
		for _, step := range place.Steps[:3] {
			require.Equal(t, saga.Done(), late(step), step.Name) // as if they had been slow
		}
		require.Equal(t, saga.OutcomeRefused, late(place.Steps[3]).Outcome)
		w.run()
		w.requireKept(orderID, canceled)
	})
	t.Run("what was confirmed is not undone with its placing", func(t *testing.T) {
		w := newWorld(t)
		orderID := sold(w)
		for _, step := range w.book[workflow.Place].Steps {
			if step.Undo != nil {
				require.NoError(t, step.Undo(t.Context(), call(orderID, step)))
			}
		}
		require.NoError(t, w.book[workflow.Place].OnUndone(t.Context(), call(orderID, saga.Step{})))
		w.requireKept(orderID, confirmed)
	})
}

func TestPlace(t *testing.T) {
	t.Run("a void that fails ten times makes the saga stuck until staff try again", func(t *testing.T) {
		w := newWorld(t)
		orderID := sold(w)
		w.deaf = 10
		w.cancel(orderID)
		w.run()
		key := saga.Key(orderID.String(), workflow.Cancel)
		require.Equal(t, saga.StateStuck, w.records[key].State)
		require.Equal(t, order.Canceling, w.order(orderID).Lifecycle)
		for range 10 {
			w.wake(key)
			if r, ticket, ok := w.next(true); ok {
				w.carry(r, ticket)
			}
		}
		require.Equal(t, saga.StateDone, w.records[key].State)
		w.requireKept(orderID, canceled)
	})
	t.Run("a charge that nobody answered is voided when it happened, and not made when it did not", func(t *testing.T) {
		for _, method := range []string{"tok_error_500", "tok_error_500_after", "tok_timeout_after", "tok_timeout_before"} {
			w := newWorld(t)
			orderID := w.place(method)
			r, ticket, _ := w.next(false)
			w.crash.at = 5 // the bank has it, or not; its answer is lost
			w.carry(r, ticket)
			w.recover()
			w.cancel(orderID)
			w.run()
			w.requireKept(orderID, canceled)
		}
	})
	t.Run("an order that risk denies is rejected", func(t *testing.T) {
		w := newWorld(t)
		w.deny = true
		orderID := w.place("tok_ok")
		w.run()
		w.requireKept(orderID, rejected)
		require.Equal(t, workflow.ReasonRiskDenied, w.order(orderID).StatusReason)
	})
	t.Run("an order that waits, for its customer or staff, expires at its deadline with all let go", func(t *testing.T) {
		for name, wait := range map[string]func(w *world) order.ID{
			"for a proof":       waiting("tok_authentication_required"),
			"for money":         waiting("tok_insufficient_funds"),
			"for a way to pay":  waiting(""),
			"for staff to look": onHold,
		} {
			w := newWorld(t)
			orderID := wait(w)
			w.wait(patience)
			w.run()
			t.Log(name)
			w.requireKept(orderID, expired)
		}
	})
	t.Run("a customer who does not prove who they are is declined", func(t *testing.T) {
		w := newWorld(t)
		orderID := waiting("tok_authentication_required")(w)
		w.answer(orderID, "fail")
		w.wait(time.Minute)
		w.run()
		w.requireKept(orderID, rejected)
		require.Equal(t, workflow.ReasonPaymentDeclined, w.order(orderID).StatusReason)
	})
	t.Run("a draft that nobody places expires", func(t *testing.T) {
		w := newWorld(t)
		orderID := w.draft()
		w.run()
		require.Equal(t, order.Draft, w.order(orderID).Lifecycle)
		w.wait(patience)
		w.run()
		w.requireKept(orderID, expired)
	})
}

func TestShip(t *testing.T) {
	t.Run("what has left and can be paid no more is stuck until staff have another way", func(t *testing.T) {
		w := newWorld(t)
		orderID := sold(w)
		all, err := w.cases.OfOrder(t.Context(), orderID)
		require.NoError(t, err)
		_, err = w.cases.Void(t.Context(), payments.Change{PaymentID: all[0].ID, Key: "by-hand"})
		require.NoError(t, err)
		ship(w, orderID)
		w.run()
		key := saga.Key(w.order(orderID).Shipments[0].ID.String(), workflow.Ship)
		require.Equal(t, saga.StateStuck, w.records[key].State)

		_, err = w.cases.AuthorizeOrder(t.Context(), payments.Authorize{OrderID: orderID, Amount: total, Method: "tok_ok", Key: "again"})
		require.NoError(t, err)
		w.wake(key)
		r, ticket, _ := w.next(true)
		w.carry(r, ticket)
		require.Equal(t, saga.StateDone, w.records[key].State)
		w.requireKept(orderID, kept{order.Confirmed, 0, 0, total})
	})
}

func TestReturn(t *testing.T) {
	t.Run("the second of two returns that claim too much gets what is left, and says so", func(t *testing.T) {
		w := newWorld(t)
		orderID := shipped(w)
		returns := []order.ReturnID{w.returned(orderID, 1, 1500), w.returned(orderID, 1, 1500)}
		w.run()
		var given money.Minor
		for _, returnID := range returns {
			r, err := w.store.Return(t.Context(), returnID)
			require.NoError(t, err)
			require.Equal(t, order.ReturnClosed, r.Status)
			given += r.Refund
		}
		require.Equal(t, money.Minor(total), given)
		w.requireKept(orderID, kept{w.order(orderID).Lifecycle, 0, 0, 0})
	})
}

func onHold(w *world) order.ID {
	orderID := w.place("tok_ok")
	w.change(orderID, func(o order.Order) ([]order.Change, error) { return o.Hold("call them") })
	w.run()
	require.Equal(w.t, order.OnHold, w.order(orderID).Lifecycle)
	return orderID
}
