package entstore

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// Follow says which sagas follow from a change. They are started and signaled in its transaction.
type Follow interface {
	// AfterOrder is asked for each new event, with the order as it stands after all events of the
	// same change.
	AfterOrder(o order.Order, e order.Event) saga.Wakes
	// AfterReturn is asked for each return that is new or has changed.
	AfterReturn(r order.Return) saga.Wakes
	// AfterPayment is asked for each change of a payment that nobody else tells the order of.
	AfterPayment(p payment.Payment) saga.Wakes
}

// wakes gathers the orders that a transaction changes, as they stand then, and the sagas that follow.
// Nil gathers nothing.
type wakes struct {
	follow Follow // nil for none
	moved  []Moved
	trace  string // traceparent of the call whose changes are told next; may be empty
	orders []order.Order
	saga.Wakes
}

// grow makes room for so many more orders, each with a saga.
func (w *wakes) grow(orders int) {
	w.orders, w.Starts = slices.Grow(w.orders, orders), slices.Grow(w.Starts, orders)
}

func (w *wakes) afterOrder(o order.Order, events ...order.Event) {
	if w == nil {
		return
	}
	w.orders = append(w.orders, o)
	if w.follow == nil {
		return
	}
	for _, e := range events {
		w.add(w.follow.AfterOrder(o, e))
	}
}

func (w *wakes) afterReturn(r order.Return) {
	if w != nil && w.follow != nil {
		w.add(w.follow.AfterReturn(r))
	}
}

func (w *wakes) afterPayment(p payment.Payment) {
	if w != nil && w.follow != nil {
		w.add(w.follow.AfterPayment(p))
	}
}

// of says whose changes are told next.
func (w *wakes) of(c caller) {
	if w != nil {
		w.trace = telemetry.Traceparent(c.span.SpanContext())
	}
}

func (w *wakes) add(more saga.Wakes) {
	for _, start := range more.Starts {
		start.Trace = w.trace
		w.Starts = append(w.Starts, start)
	}
	w.Signals = append(w.Signals, more.Signals...)
}

// send starts and signals what was gathered. Signals go in the order of their keys, so that two
// transactions never wait for each other.
func (w *wakes) send(ctx context.Context, tx *sql.Tx, starter saga.Starter) error {
	if len(w.Starts) > 0 {
		if err := starter.StartTx(ctx, tx, w.Starts); err != nil {
			return err
		}
	}
	slices.SortFunc(w.Signals, func(a, b saga.Signal) int {
		return cmp.Or(cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Saga, b.Saga))
	})
	for _, signal := range slices.Compact(w.Signals) {
		if err := starter.SignalTx(ctx, tx, signal.Subject, signal.Saga); err != nil {
			return err
		}
	}
	return nil
}
