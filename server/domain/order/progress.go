package order

import (
	"cmp"
	"slices"
	"time"
)

// applyProgress is Apply for what becomes of a placed order. It tells whether the change can follow.
func (o Order) applyProgress(e Event) (Order, bool) {
	from := o.Lifecycle
	switch c := e.Change.(type) {
	case Accepted:
		o.Lifecycle, o.Confirmed, o.Payment = Confirmed, e.Time, cmp.Or(c.Payment, o.Payment)
		if !o.HasGoods() { // there is nothing to wait for
			o.Fulfillment = Delivered
		}
		return o, from == Pending
	case ActionAsked:
		o.Lifecycle, o.StatusReason, o.ActionURL = ActionRequired, c.Reason, c.URL
		return o, from.MayBecome(ActionRequired)
	case PutOnHold:
		o.Lifecycle, o.StatusReason = OnHold, c.Reason
		return o, from.MayBecome(OnHold)
	case Resumed:
		o.Lifecycle, o.StatusReason, o.ActionURL = o.beforeHold(), "", ""
		o.Cleared = o.Cleared || from == OnHold
		return o, from == OnHold || from == ActionRequired
	case Refused:
		o.Lifecycle, o.StatusReason, o.Payment = Rejected, c.Reason, cmp.Or(c.Payment, o.Payment)
		o.Fulfillment = FulfillmentCanceled
		return o, from.MayBecome(Rejected)
	case TimedOut:
		o.Lifecycle, o.ActionURL, o.Payment = Expired, "", cmp.Or(c.Payment, o.Payment)
		o.Fulfillment = FulfillmentCanceled
		return o, from.MayBecome(Expired)
	case PaymentChanged:
		o.Payment = c.Payment
		return o, from >= Pending && c.Payment != 0
	case ShipmentCreated:
		free := o.unallocated()
		o.Shipments = append(slices.Clone(o.Shipments), Shipment{
			ID: c.ShipmentID, State: ShipmentAllocated, Lines: c.Lines, Created: e.Time, Updated: e.Time,
		})
		return o, from == Confirmed && !o.Amending() && c.ShipmentID.OrderID() == o.ID && c.ShipmentID.Part() == len(o.Shipments) && covers(free, c.Lines)
	case ShipmentMoved:
		return o.applyMove(c, e.Time)
	case Finished:
		o.Lifecycle = Completed
		return o, from == Confirmed
	case Erased:
		return o.anonymous(), from.Final()
	default:
		return o.applyAmendment(e)
	}
}

// beforeHold is where an order that waits goes on.
func (o Order) beforeHold() Lifecycle {
	if o.Confirmed.IsZero() && o.Placements > 0 {
		return Pending
	}
	return Confirmed
}

func (o Order) applyMove(c ShipmentMoved, at time.Time) (Order, bool) {
	o.Shipments = slices.Clone(o.Shipments)
	for i := range o.Shipments {
		s := &o.Shipments[i]
		if s.ID != c.ShipmentID {
			continue
		}
		follows := s.State.MayBecome(c.State)
		s.State, s.Updated = c.State, at
		if c.State == ShipmentShipped {
			s.Carrier, s.Tracking, s.Amount, s.Final = c.Carrier, c.Tracking, c.Amount, c.Final
		}
		if o.Fulfillment != FulfillmentReturned {
			o.Fulfillment = o.fulfillment()
		}
		return o, follows
	}
	return o, false
}

// giveUpShipments cancels all parcels that have not left.
func (o *Order) giveUpShipments(at time.Time) {
	o.Shipments = slices.Clone(o.Shipments)
	for i := range o.Shipments {
		if s := &o.Shipments[i]; s.State.MayBecome(ShipmentCanceled) {
			s.State, s.Updated = ShipmentCanceled, at
		}
	}
}

// covers tells whether so many of each line are free.
func covers(free []int64, lines []LineQuantity) bool {
	free = slices.Clone(free)
	for _, l := range lines {
		i := l.Position - 1
		if i < 0 || i >= len(free) || l.Quantity < 1 || l.Quantity > free[i] {
			return false
		}
		free[i] -= l.Quantity
	}
	return len(lines) > 0
}

// AndComplete adds Finished to changes after which nothing is left to do.
func (o Order) AndComplete(changes ...Change) ([]Change, error) {
	after, _, err := o.Advance(o.ID, o.Updated, changes...)
	if err != nil {
		return nil, err
	}
	if after.Lifecycle == Confirmed && after.settled() {
		changes = append(changes, Finished{})
	}
	return changes, nil
}

// settled tells whether all goods have arrived or come back, and no money is left to take.
func (o Order) settled() bool {
	switch o.Fulfillment {
	case Delivered, FulfillmentReturned:
	default:
		return false
	}
	switch o.Payment {
	case PaymentAuthorized, PaymentPartiallyPaid:
		return false
	case PaymentVoided: // it lapsed before it was taken, or nothing is owed any more
		total, err := o.Total()
		return err == nil && total == 0
	default:
		return true
	}
}
