package order

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// Event is one change of one order. Events are numbered 1, 2, 3 … without gaps.
type Event struct {
	OrderID  ID
	Sequence int64
	Time     time.Time // UTC, microseconds
	Change   Change
}

// Change is what happened: one of the types below.
type Change interface{ change() }

type (
	// Drafted makes a draft.
	Drafted struct{ Details Details }
	// Placed binds the customer and fixes the prices.
	Placed struct {
		Details       Details
		PaymentMethod string // a token of the gateway; empty for none
	}
	// Edited says how the order reads from now on.
	Edited struct{ Details Details }
	// CancelRequested stops all parcels.
	CancelRequested struct{ Reason string }
	// Undone says that nothing of the order is held or owed any more.
	Undone struct{ Payment PaymentStatus }
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
	// Accepted says that stock is held and the money authorized.
	Accepted struct{ Payment PaymentStatus }
	// ActionAsked makes the order wait for its customer.
	ActionAsked struct{ Reason, URL string }
	// PutOnHold makes the order wait for staff.
	PutOnHold struct{ Reason string }
	// Resumed lets the order go on from where it was put on hold, or had to wait for a proof.
	Resumed struct{}
	// Refused says that the order could not be taken, and that nothing of it is held or owed any more.
	Refused struct {
		Reason  string
		Payment PaymentStatus
	}
	// TimedOut says that nobody finished the order in time, and that nothing of it is held any more.
	TimedOut struct{ Payment PaymentStatus }
	// PaymentChanged says that money was taken or given back.
	PaymentChanged struct{ Payment PaymentStatus }
	// ShipmentCreated plans a parcel.
	ShipmentCreated struct {
		ShipmentID ShipmentID
		Lines      []LineQuantity
	}
	// ShipmentMoved says where a parcel is now.
	ShipmentMoved struct {
		ShipmentID        ShipmentID
		State             ShipmentState
		Carrier, Tracking string
		Amount            money.Minor
		Final             bool // it is handed over, and nothing of the order is left to ship
	}
	// AmendmentAsked asks for other lines or carriage of a confirmed order.
	AmendmentAsked struct {
		Lines    []Line
		Shipping money.Minor
	}
	// AmendmentApplied says that stock and money are there for it: the order reads like it from now on.
	AmendmentApplied struct{}
	// AmendmentEnded says that all is settled, or with a reason, that the order stays as it was.
	AmendmentEnded struct{ Reason string }
	// Finished says that nothing is left to do.
	Finished struct{}
	// Erased says that what was personal is gone, from the events before it too: see Erase.
	Erased struct{}
)

// LineQuantity is a quantity of one line, named by its position from 1.
type LineQuantity struct {
	Position int
	Quantity int64
}

func (Drafted) change()          {}
func (Placed) change()           {}
func (Edited) change()           {}
func (CancelRequested) change()  {}
func (Undone) change()           {}
func (Imported) change()         {}
func (GoodsReturned) change()    {}
func (Accepted) change()         {}
func (ActionAsked) change()      {}
func (PutOnHold) change()        {}
func (Resumed) change()          {}
func (Refused) change()          {}
func (TimedOut) change()         {}
func (PaymentChanged) change()   {}
func (ShipmentCreated) change()  {}
func (ShipmentMoved) change()    {}
func (AmendmentAsked) change()   {}
func (AmendmentApplied) change() {}
func (AmendmentEnded) change()   {}
func (Finished) change()         {}
func (Erased) change()           {}

// Apply gives the order after the event. It fails on an event that cannot follow: such a history
// is damaged.
func (o Order) Apply(e Event) (Order, error) {
	if e.Sequence != o.Version+1 {
		return o, fmt.Errorf("event %d of %s cannot follow version %d", e.Sequence, e.OrderID, o.Version)
	}
	if o.Version == 0 {
		o = Order{ID: e.OrderID, Payment: PaymentNone, Fulfillment: Unfulfilled, Created: e.Time}
	}
	from := o.Lifecycle
	follows := false
	switch c := e.Change.(type) {
	case Drafted:
		o.Details, o.Lifecycle = c.Details, Draft
		follows = from.MayBecome(Draft)
	case Placed:
		if from != ActionRequired || o.ActionURL == "" || c.PaymentMethod != o.PaymentMethod {
			o.Placements++ // otherwise the customer has only proved who they are
		}
		o.Details, o.Lifecycle, o.PaymentMethod = c.Details, Pending, c.PaymentMethod
		o.StatusReason, o.ActionURL = "", ""
		follows = from.MayBecome(Pending) && from != OnHold
	case Edited:
		if from == ActionRequired {
			o.ActionURL = "" // what was to be proved is out of date
		}
		o.Details = c.Details
		follows = from.editable() && o.covers(o.Returned)
	case CancelRequested:
		o.CancelReason, o.Lifecycle, o.StatusReason, o.ActionURL = c.Reason, Canceling, "", ""
		o.giveUpShipments(e.Time)
		o.endAmendment(AmendmentCanceled)
		follows = from.MayBecome(Canceling)
	case Undone:
		o.Fulfillment, o.Lifecycle = FulfillmentCanceled, Canceled
		o.Payment = cmp.Or(c.Payment, o.Payment)
		follows = from.MayBecome(Canceled)
	case Imported:
		o.Details, o.Lifecycle = c.Details, Confirmed
		if c.Delivered {
			o.Fulfillment, o.Lifecycle = Delivered, Completed
		}
		follows = o.Version == 0
	case GoodsReturned:
		follows = from.sold() && o.takeBack(c.Lines)
	default:
		o, follows = o.applyProgress(e)
	}
	if !follows {
		return o, fmt.Errorf("event %d of %s (%T) cannot happen in %s", e.Sequence, e.OrderID, e.Change, from)
	}
	o.Version, o.Updated = e.Sequence, e.Time
	return o, nil
}

// covers tells whether so many of each line can have come back.
func (o Order) covers(returned []int64) bool {
	for i, n := range returned {
		if n > 0 && (i >= len(o.Lines) || n > o.Lines[i].Quantity) {
			return false
		}
	}
	return len(returned) == 0 || len(returned) == len(o.Lines)
}

// takeBack books returned goods, unless these cannot come back. It works on a copy of the counters.
func (o *Order) takeBack(lines []LineQuantity) bool {
	returned := make([]int64, len(o.Lines))
	copy(returned, o.Returned)
	for _, l := range lines {
		i := l.Position - 1
		if i < 0 || i >= len(o.Lines) || l.Quantity < 1 || l.Quantity > o.Lines[i].Quantity-returned[i] {
			return false
		}
		returned[i] += l.Quantity
	}
	o.Returned = returned
	whole := func(i int) bool { return o.Lines[i].Service || returned[i] == o.Lines[i].Quantity }
	if !slices.ContainsFunc(indexes(o.Lines), func(i int) bool { return !whole(i) }) {
		o.Fulfillment = FulfillmentReturned
	}
	return len(lines) > 0
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
