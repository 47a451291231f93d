package order

import "slices"

// Lifecycle is where an order is on its way. The numbers are stored; they are those of the
// contract and never change.
type Lifecycle uint8

// The lifecycle of an order.
const (
	Draft          Lifecycle = 1  // being put together
	Pending        Lifecycle = 2  // placed; stock and money are being arranged
	ActionRequired Lifecycle = 3  // waits for the customer
	OnHold         Lifecycle = 4  // waits for staff
	Confirmed      Lifecycle = 5  // stock held, money authorized
	Completed      Lifecycle = 6  // every line delivered, canceled or returned
	Canceling      Lifecycle = 7  // being undone
	Canceled       Lifecycle = 8  // undone
	Rejected       Lifecycle = 9  // could not be taken
	Expired        Lifecycle = 10 // nobody finished it in time
)

var lifecycleNames = [...]string{
	"", "DRAFT", "PENDING", "ACTION_REQUIRED", "ON_HOLD", "CONFIRMED", "COMPLETED", "CANCELING",
	"CANCELED", "REJECTED", "EXPIRED",
}

func (l Lifecycle) String() string {
	if int(l) < len(lifecycleNames) {
		return lifecycleNames[l]
	}
	return "UNKNOWN"
}

// transitions lists where an order may go from each place. From nothing (0) it may be drafted,
// placed, or imported as history.
var transitions = map[Lifecycle][]Lifecycle{
	0:              {Draft, Pending, Confirmed, Completed},
	Draft:          {Pending, Expired},
	Pending:        {Confirmed, ActionRequired, OnHold, Rejected, Expired, Canceling},
	ActionRequired: {Pending, Expired, Canceling},
	OnHold:         {Pending, Confirmed, Canceling},
	Confirmed:      {OnHold, Completed, Canceling},
	Canceling:      {Canceled},
}

// MayBecome tells whether an order may go from this place to that one.
func (l Lifecycle) MayBecome(next Lifecycle) bool { return slices.Contains(transitions[l], next) }

// editable tells whether something of an order may still be edited.
func (l Lifecycle) editable() bool {
	switch l {
	case Draft, Pending, ActionRequired, OnHold, Confirmed:
		return true
	default:
		return false
	}
}

// Final tells whether nothing happens to the order any more, but that goods of it come back.
func (l Lifecycle) Final() bool {
	switch l {
	case Completed, Canceled, Rejected, Expired:
		return true
	default:
		return false
	}
}

// sold tells whether the order is a sale: goods of it can come back.
func (l Lifecycle) sold() bool {
	switch l {
	case Pending, ActionRequired, OnHold, Confirmed, Completed:
		return true
	default:
		return false
	}
}

// PaymentStatus sums up the payments of an order. The numbers are stored.
type PaymentStatus uint8

// The payments of an order.
const (
	PaymentNone              PaymentStatus = 1 // no money has moved
	PaymentAuthorized        PaymentStatus = 2 // money is set aside
	PaymentPartiallyPaid     PaymentStatus = 3 // a part has been paid
	PaymentPaid              PaymentStatus = 4 // all of it has been paid
	PaymentPartiallyRefunded PaymentStatus = 5 // a part has been paid back
	PaymentRefunded          PaymentStatus = 6 // all of it has been paid back
	PaymentOverpaid          PaymentStatus = 7 // more was paid than is owed
	PaymentVoided            PaymentStatus = 8 // the money set aside was let go
)

// FulfillmentStatus sums up the parcels of an order. The numbers are stored.
type FulfillmentStatus uint8

// The fulfillment of an order.
const (
	Unfulfilled         FulfillmentStatus = 1 // nothing has left
	PartlyShipped       FulfillmentStatus = 2 // a part has left
	Shipped             FulfillmentStatus = 3 // all of it has left
	PartlyDelivered     FulfillmentStatus = 4 // a part has arrived
	Delivered           FulfillmentStatus = 5 // all of it has arrived
	FulfillmentReturned FulfillmentStatus = 6 // all of it came back
	FulfillmentCanceled FulfillmentStatus = 7 // nothing will leave
)
