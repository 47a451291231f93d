package order

import (
	"slices"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// Amendment is another wording of a confirmed order: asked for, and the order's own once stock and
// money are there for it. An order has one at a time. Until it is settled no parcel is planned.
type Amendment struct {
	ID       AmendmentID
	Lines    []Line
	Shipping money.Minor
	Applied  bool   // the order reads like this; what it needs no more is being let go
	Refused  string // why the order stayed as it was; empty while that is not decided
}

// AmendmentID names an amendment, `amd_…`: its order's id with the version that asked for it as its part.
type AmendmentID struct{ id.UUID }

// String writes the id as callers know it.
func (i AmendmentID) String() string { return i.Format("amd") }

// OrderID gives the order that is amended.
func (i AmendmentID) OrderID() ID { return ID{i.WithPart(0)} }

// ParseAmendmentID reads an id as callers know it, or fails with INVALID_ID.
func ParseAmendmentID(text string) (AmendmentID, error) {
	u, err := id.Parse("amd", text)
	if err == nil && u.Part() == 0 {
		err = fault.New(fault.KindInvalid, fault.ReasonInvalidID, "this id names no amendment")
	}
	return AmendmentID{u}, err
}

// AmendmentCanceled is why an amendment was refused whose order was canceled.
const AmendmentCanceled = "ORDER_CANCELED"

// Amending tells whether an amendment is being arranged or settled.
func (o Order) Amending() bool { return o.Amendment != nil && o.Amendment.Refused == "" }

// Amended gives the order as its amendment wants it to read.
func (o Order) Amended() Details {
	d := o.Details
	if o.Amendment != nil {
		d.Lines, d.Shipping = o.Amendment.Lines, o.Amendment.Shipping
	}
	return d
}

// amend decides on other lines or carriage of a confirmed order of which nothing is in a parcel.
func (o Order) amend(d Details) ([]Change, error) {
	switch {
	case o.Source != "":
		return nil, fault.New(fault.KindPrecondition, fault.ReasonFieldNotEditable, "the lines of an imported order are history")
	case o.Amending():
		return nil, amendmentUnderWay()
	case o.inParcels():
		return nil, fault.New(fault.KindPrecondition, fault.ReasonParcelPlanned,
			"a parcel of the order is planned: cancel it first")
	case !d.HasGoods():
		return nil, fault.New(fault.KindPrecondition, fault.ReasonFieldNotEditable,
			"a confirmed order keeps some of its goods: cancel it instead")
	}
	return []Change{AmendmentAsked{Lines: d.Lines, Shipping: d.Shipping}}, nil
}

func amendmentUnderWay() error {
	return fault.New(fault.KindPrecondition, fault.ReasonAmendmentUnderWay,
		"the lines of the order are being changed: wait until that is done")
}

// inParcels tells whether some goods are in a parcel that was not given up.
func (o Order) inParcels() bool {
	return slices.ContainsFunc(o.Shipments, func(s Shipment) bool { return s.State != ShipmentCanceled })
}

// TakeAmendment decides that the order reads like its amendment from now on, if that is still wanted.
func (o Order) TakeAmendment(amendmentID AmendmentID) []Change {
	if o.Lifecycle != Confirmed || !o.Amending() || o.Amendment.Applied || o.Amendment.ID != amendmentID {
		return nil
	}
	return []Change{AmendmentApplied{}}
}

// EndAmendment decides that an amendment is settled, or with a reason, that the order stays as it was.
func (o Order) EndAmendment(amendmentID AmendmentID, reason string) []Change {
	if !o.Amending() || o.Amendment.ID != amendmentID || o.Amendment.Applied != (reason == "") {
		return nil
	}
	return []Change{AmendmentEnded{Reason: reason}}
}

// applyAmendment is Apply for what becomes of an amendment. It tells whether the change can follow.
func (o Order) applyAmendment(e Event) (Order, bool) {
	confirmed := o.Lifecycle == Confirmed || o.Lifecycle == OnHold && !o.Confirmed.IsZero()
	switch c := e.Change.(type) {
	case AmendmentAsked:
		follows := o.Lifecycle == Confirmed && !o.Amending() && !o.inParcels()
		o.Amendment = &Amendment{
			ID: AmendmentID{e.OrderID.WithPart(int(e.Sequence))}, Lines: c.Lines, Shipping: c.Shipping,
		}
		return o, follows
	case AmendmentApplied:
		if !o.Amending() || o.Amendment.Applied {
			return o, false
		}
		o.Details = o.Amended()
		applied := *o.Amendment
		applied.Applied = true
		o.Amendment = &applied
		return o, o.Lifecycle == Confirmed && o.covers(o.Returned)
	case AmendmentEnded:
		if !o.Amending() {
			return o, false
		}
		follows := confirmed && o.Amendment.Applied == (c.Reason == "")
		o.endAmendment(c.Reason)
		return o, follows
	}
	return o, false
}

// endAmendment forgets an amendment that the order has taken, and remembers why it has not.
func (o *Order) endAmendment(reason string) {
	if !o.Amending() {
		return
	}
	if o.Amendment.Applied {
		o.Amendment = nil
		return
	}
	refused := *o.Amendment
	refused.Refused = reason
	o.Amendment = &refused
}

func (a *Amendment) equal(other *Amendment) bool {
	if a == nil || other == nil {
		return a == other
	}
	return a.ID == other.ID && a.Shipping == other.Shipping && a.Applied == other.Applied && a.Refused == other.Refused &&
		slices.Equal(a.Lines, other.Lines)
}
