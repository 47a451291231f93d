package order

import (
	"fmt"
	"slices"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// Event is one change of one order. Events are numbered 1, 2, 3 … without gaps.
type Event struct {
	OrderID  ID
	Sequence int64
	Time     time.Time // UTC, microseconds
	Change   Change
}

// Change is what happened: one of Drafted, Placed, Edited, CancelRequested, Undone, Imported and
// GoodsReturned.
type Change interface{ change() }

type (
	// Drafted makes a draft.
	Drafted struct{ Details Details }
	// Placed binds the customer and fixes the prices.
	Placed struct{ Details Details }
	// Edited says how the order reads from now on.
	Edited struct{ Details Details }
	// CancelRequested stops all parcels.
	CancelRequested struct{ Reason string }
	// Undone says that nothing of the order is held or owed any more.
	Undone struct{}
	// Imported takes an order of another system as history.
	Imported struct {
		Details   Details
		Delivered bool
	}
	// GoodsReturned says that goods of this order came back.
	GoodsReturned struct {
		ReturnID ReturnID
		Lines    []LineQuantity
	}
)

// LineQuantity is a quantity of one line, named by its position from 1.
type LineQuantity struct {
	Position int
	Quantity int64
}

func (Drafted) change()         {}
func (Placed) change()          {}
func (Edited) change()          {}
func (CancelRequested) change() {}
func (Undone) change()          {}
func (Imported) change()        {}
func (GoodsReturned) change()   {}

// Apply gives the order after the event. It fails on an event that cannot follow: such a history
// is damaged.
func (o Order) Apply(e Event) (Order, error) {
	if e.Sequence != o.Version+1 {
		return o, fmt.Errorf("event %d of %s cannot follow version %d", e.Sequence, e.OrderID, o.Version)
	}
	if o.Version == 0 {
		o = Order{ID: e.OrderID, Payment: PaymentNone, Fulfillment: Unfulfilled, Created: e.Time}
	}
	next := o.Lifecycle
	switch c := e.Change.(type) {
	case Drafted:
		o.Details, next = c.Details, Draft
	case Placed:
		o.Details, next = c.Details, Pending
	case Edited:
		o.Details = c.Details
	case CancelRequested:
		o.CancelReason, next = c.Reason, Canceling
	case Undone:
		o.Fulfillment, next = FulfillmentCanceled, Canceled
	case Imported:
		o.Details, next = c.Details, Confirmed
		if c.Delivered {
			o.Fulfillment, next = Delivered, Completed
		}
	case GoodsReturned:
		if err := o.takeBack(c.Lines); err != nil {
			return o, err
		}
	default:
		return o, fmt.Errorf("event %d of %s is of an unknown kind %T", e.Sequence, e.OrderID, c)
	}
	if next != o.Lifecycle && !o.Lifecycle.MayBecome(next) {
		return o, fmt.Errorf("event %d of %s leads from %s to %s", e.Sequence, e.OrderID, o.Lifecycle, next)
	}
	o.Lifecycle, o.Version, o.Updated = next, e.Sequence, e.Time
	return o, nil
}

// takeBack books returned goods; it works on a copy of the counters.
func (o *Order) takeBack(lines []LineQuantity) error {
	returned := make([]int64, len(o.Lines))
	copy(returned, o.Returned)
	for _, l := range lines {
		i := l.Position - 1
		if i < 0 || i >= len(o.Lines) || l.Quantity < 1 || returned[i]+l.Quantity > o.Lines[i].Quantity {
			return fmt.Errorf("%d of line %d of %s cannot come back", l.Quantity, l.Position, o.ID)
		}
		returned[i] += l.Quantity
	}
	o.Returned = returned
	whole := func(i int) bool { return o.Lines[i].Service || returned[i] == o.Lines[i].Quantity }
	if !slices.ContainsFunc(indexes(o.Lines), func(i int) bool { return !whole(i) }) {
		o.Fulfillment = FulfillmentReturned
	}
	return nil
}

func indexes(lines []Line) []int {
	all := make([]int, len(lines))
	for i := range all {
		all[i] = i
	}
	return all
}

// Fold gives the order that these events make, from the first on.
func Fold(events []Event) (Order, error) {
	var o Order
	for _, e := range events {
		var err error
		if o, err = o.Apply(e); err != nil {
			return o, err
		}
	}
	return o, nil
}

// Advance turns changes that happen now into the events that follow o, and the order after them.
func (o Order) Advance(orderID ID, now time.Time, changes ...Change) (Order, []Event, error) {
	if o.Version+int64(len(changes)) > id.MaxPart {
		return o, nil, fault.New(fault.KindPrecondition, fault.ReasonTransitionRefused,
			"the order has changed %d times and takes no further change", o.Version)
	}
	events := make([]Event, len(changes))
	for i, c := range changes {
		events[i] = Event{OrderID: orderID, Sequence: o.Version + 1, Time: now, Change: c}
		var err error
		if o, err = o.Apply(events[i]); err != nil {
			return o, nil, err
		}
	}
	return o, events, nil
}
