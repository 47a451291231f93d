package order

import (
	"fmt"
	"slices"
	"time"
)

// Erase takes what is personal out of an order that is final, and out of its events, which are all of them
// from the first on, and adds the event that says so. What is left tells the same story: each event has its
// number, time and kind, lines and amounts are as they were, and the events fold to the order.
func (o Order) Erase(history []Event, now time.Time) (Order, []Event, error) {
	after, added, err := o.Advance(o.ID, now, Erased{})
	if err != nil {
		return o, nil, err
	}
	var methods anonyms
	erased := make([]Event, len(history), len(history)+1)
	for i, e := range history {
		e.Change = anonymousChange(e.Change, &methods)
		erased[i] = e
	}
	erased = append(erased, added...)
	folded, err := Fold(erased)
	if err == nil && !folded.Equal(after) {
		err = fmt.Errorf("%s would be another order without what is personal", o.ID)
	}
	return after, erased, err
}

// anonymous gives the order without what is personal: who it is for, where it goes, how it is paid, and what
// people wrote. Its number is in the shop's books, and its status reason is a stable one in a final order.
func (o Order) anonymous() Order {
	o.Details = o.Details.anonymous() //nolint:staticcheck // the order has one too
	o.CancelReason, o.PaymentMethod, o.ActionURL = "", "", ""
	o.Shipments = slices.Clone(o.Shipments)
	for i := range o.Shipments {
		o.Shipments[i].Tracking = ""
	}
	return o
}

func (d Details) anonymous() Details {
	d.CustomerID, d.ShipTo, d.Note = "", Address{}, ""
	return d
}

// anonymousChange gives a change without what is personal.
func anonymousChange(c Change, methods *anonyms) Change {
	switch c := c.(type) {
	case Drafted:
		return Drafted{Details: c.Details.anonymous()}
	case Placed:
		return Placed{Details: c.Details.anonymous(), PaymentMethod: methods.of(c.PaymentMethod)}
	case Edited:
		return Edited{Details: c.Details.anonymous()}
	case Imported:
		return Imported{Details: c.Details.anonymous(), Delivered: c.Delivered}
	case CancelRequested:
		return CancelRequested{}
	case PutOnHold:
		return PutOnHold{}
	case ActionAsked:
		if c.URL != "" {
			c.URL = "erased" // whether there was one tells a proof from a new means of payment
		}
		return c
	case ShipmentMoved:
		c.Tracking = ""
		return c
	}
	return c
}

// anonyms stand for texts, each for one: which of them were the same can still be told.
type anonyms struct{ texts []string }

func (a *anonyms) of(text string) string {
	if text == "" {
		return ""
	}
	i := slices.Index(a.texts, text)
	if i < 0 {
		i = len(a.texts)
		a.texts = append(a.texts, text)
	}
	return fmt.Sprintf("erased-%d", i+1)
}

// Anonymous gives a return without what is personal: whose it is and what was written about it.
func (r Return) Anonymous() Return {
	r.CustomerID, r.Reason = "", ""
	return r
}
