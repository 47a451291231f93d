package entstore

import (
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
)

// Moved is that an order went from one place of its lifecycle to another, and that this is stored.
type Moved struct {
	From, To order.Lifecycle // From is 0 for a new order
	// Stayed is how long it was at From, since it was last edited there.
	Stayed time.Duration
	// Confirmed tells that it was confirmed on the way.
	Confirmed bool
}

// went gathers that an order changed.
func (w *wakes) went(before, after order.Order) {
	if w == nil || before.Lifecycle == after.Lifecycle {
		return
	}
	m := Moved{From: before.Lifecycle, To: after.Lifecycle, Confirmed: before.Confirmed.IsZero() && !after.Confirmed.IsZero()}
	if before.Version > 0 {
		m.Stayed = after.Updated.Sub(before.Updated)
	}
	w.moved = append(w.moved, m)
}
