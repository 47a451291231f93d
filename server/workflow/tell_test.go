package workflow_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/payments"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// TestTell lets the process die at each point of what staff do with money, and before it can tell the order:
// the order is told all the same.
func TestTell(t *testing.T) {
	paid := func(w *world, orderID order.ID) payment.ID {
		all, err := w.cases.OfOrder(w.t.Context(), orderID)
		require.NoError(w.t, err)
		require.Len(w.t, all, 1)
		return all[0].ID
	}
	for name, way := range map[string]struct {
		begin func(*world) order.ID
		move  func(w *world, orderID order.ID) error
		want  order.PaymentStatus
		life  order.Lifecycle
	}{
		"refunding": {shipped, func(w *world, orderID order.ID) error {
			_, err := w.cases.Refund(w.t.Context(), payments.Change{PaymentID: paid(w, orderID), Amount: 700, Key: "by-hand", ByHand: true})
			return err
		}, order.PaymentPartiallyRefunded, order.Confirmed},
		"capturing": {sold, func(w *world, orderID order.ID) error {
			_, err := w.cases.Capture(w.t.Context(), payments.Change{PaymentID: paid(w, orderID), Amount: total, Final: true, Key: "by-hand", ByHand: true})
			return err
		}, order.PaymentPaid, order.Confirmed},
		"voiding": {sold, func(w *world, orderID order.ID) error {
			_, err := w.cases.Void(w.t.Context(), payments.Change{PaymentID: paid(w, orderID), Key: "by-hand", ByHand: true})
			return err
		}, order.PaymentVoided, order.Confirmed},
		"authorizing for a customer who waits": {waiting("tok_insufficient_funds"), func(w *world, orderID order.ID) error {
			_, err := w.cases.AuthorizeOrder(w.t.Context(), payments.Authorize{OrderID: orderID, Amount: total, Method: "tok_ok", Key: "by-hand", ByHand: true})
			return err
		}, order.PaymentAuthorized, order.Confirmed},
	} {
		t.Run(name, func(t *testing.T) {
			for n := 1; ; n++ {
				alive := false
				t.Run(fmt.Sprint("at ", n), func(t *testing.T) {
					w := newWorld(t)
					orderID := way.begin(w)
					w.crash.n, w.crash.at = 0, n
					err := way.move(w, orderID)
					alive = !w.crash.dead
					require.Equal(t, alive, err == nil)
					w.recover()
					_, err = w.cases.SettleOpen(t.Context(), 0, 100) // which may be killed before it tells
					require.NoError(t, err)
					w.run()
					o := w.order(orderID)
					status, err := w.cases.Status(t.Context(), o)
					require.NoError(t, err)
					if o.Lifecycle != order.ActionRequired { // nothing is set aside for it, which it says already
						require.Equal(t, status, o.Payment)
					}
					if alive {
						require.Equal(t, way.want, o.Payment)
						require.Equal(t, way.life, o.Lifecycle)
					}
					for _, r := range w.records {
						require.True(t, r.State.Finished() || o.Lifecycle == order.ActionRequired, "%+v", r)
					}
				})
				if alive || t.Failed() {
					require.Greater(t, n, 4)
					return
				}
			}
		})
	}
	t.Run("what a saga asks for starts no other", func(t *testing.T) {
		w := newWorld(t)
		shipped(w)
		for _, r := range w.records {
			require.NotEqual(t, "tell", r.Saga)
		}
	})
	t.Run("what changes nothing starts nothing", func(t *testing.T) {
		w := newWorld(t)
		orderID := sold(w)
		before := len(w.records)
		_, err := w.store.ChangePayment(t.Context(), store.PaymentChange{
			PaymentID: paid(w, orderID), Untold: true,
			Decide: func(payment.Record) (*payment.Decision, error) { return nil, nil },
		})
		require.NoError(t, err)
		require.Len(t, w.records, before)
	})
}
