package workflow

import (
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/saga"
)

// Follow says which sagas follow from a change. The store asks it, and starts them with the change.
type Follow struct {
	PlaceTimeout  time.Duration // an order that is not confirmed by then expires
	DraftLifetime time.Duration // a draft that is not placed by then expires
}

// never is a deadline for what has to be finished.
const never = 100 * 365 * 24 * time.Hour

// amendTimeout is how long an amendment of a confirmed order may take; meanwhile no parcel is planned.
const amendTimeout = 10 * time.Minute

// AfterOrder tells what follows from an event. o is the order as it stands.
func (f Follow) AfterOrder(o order.Order, e order.Event) saga.Wakes {
	start := func(name, subject string, at, deadline time.Time) saga.Wakes {
		return saga.Wakes{Starts: []saga.Start{begin(o.ID.Slot(), name, subject, at, deadline)}}
	}
	place := saga.Wakes{Signals: []saga.Signal{{Subject: o.ID.String(), Saga: Place}}}
	switch c := e.Change.(type) {
	case order.Drafted:
		at := e.Time.Add(f.DraftLifetime)
		return start(Expire, o.ID.String(), at, at.Add(never))
	case order.Placed:
		wakes := start(Place, o.ID.String(), time.Time{}, e.Time.Add(f.PlaceTimeout))
		if e.Sequence > 1 { // it may be there already, and wait for this
			wakes.Signals = place.Signals
		}
		return wakes
	case order.Resumed:
		switch {
		case o.Lifecycle == order.Pending:
			return place
		case o.Amending():
			return saga.Wakes{Signals: []saga.Signal{{Subject: o.Amendment.ID.String(), Saga: Amend}}}
		}
	case order.AmendmentAsked:
		return start(Amend, o.Amendment.ID.String(), time.Time{}, e.Time.Add(amendTimeout))
	case order.CancelRequested:
		if o.Placements > 0 && o.Confirmed.IsZero() {
			return place // which undoes itself
		}
		return start(Cancel, o.ID.String(), time.Time{}, e.Time.Add(never))
	case order.Accepted:
		if !o.HasGoods() && o.Lifecycle == order.Confirmed { // there is no parcel to be paid with
			return start(Ship, o.ID.String(), time.Time{}, e.Time.Add(never))
		}
	case order.ShipmentMoved:
		if c.State == order.ShipmentShipped {
			return start(Ship, c.ShipmentID.String(), time.Time{}, e.Time.Add(never))
		}
	}
	return saga.Wakes{}
}

// AfterReturn tells what follows from a return that has changed.
func (f Follow) AfterReturn(r order.Return) saga.Wakes {
	if r.Status != order.ReturnInspected {
		return saga.Wakes{}
	}
	return saga.Wakes{Starts: []saga.Start{begin(r.ID.Slot(), Return, r.ID.String(), time.Time{}, r.Updated.Add(never))}}
}

// AfterPayment tells what follows from a change of a payment that no saga asked for: the order is summed
// up, and goes on if it waits for money.
func (f Follow) AfterPayment(p payment.Payment) saga.Wakes {
	return saga.Wakes{
		Starts:  []saga.Start{begin(p.ID.Slot(), Tell, p.Move().String(), time.Time{}, p.Updated.Add(never))},
		Signals: []saga.Signal{{Subject: p.OrderID.String(), Saga: Place}},
	}
}

func begin(slot id.Slot, name, subject string, at, deadline time.Time) saga.Start {
	return saga.Start{Slot: int(slot), Subject: subject, Saga: name, At: at, Deadline: deadline}
}
