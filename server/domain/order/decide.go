package order

import (
	"cmp"
	"slices"

	"github.com/orderprocessing/orderprocessing/server/domain/card"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// MaxLines is how many lines an order may have.
const MaxLines = 1000

// MaxQuantity is how many of one SKU a line may have.
const MaxQuantity = 1_000_000

// Begin decides on a new order: a draft, or placed at once and to be paid with a token of the
// gateway, which may be empty. When expected is given, the total must be exactly that.
func Begin(d Details, draft bool, method string, expected *money.Minor) (Change, error) {
	if err := d.Check(); err != nil {
		return nil, err
	}
	if err := card.CheckText("payment_method", method); err != nil {
		return nil, err
	}
	if err := d.expect(expected); err != nil {
		return nil, err
	}
	if draft {
		return Drafted{Details: d}, nil
	}
	return Placed{Details: d, PaymentMethod: method}, nil
}

// Import decides on an order of another system, as history.
func Import(d Details, delivered bool) (Change, error) {
	if d.Number == "" || d.Source == "" {
		return nil, fault.Invalid(fault.ReasonDocumentIncomplete, "order.number", "an imported order needs its number")
	}
	if err := d.Check(); err != nil {
		return nil, err
	}
	return Imported{Details: d, Delivered: delivered}, nil
}

// Place decides on placing a draft, or on going on with an order that waits for its customer. An empty
// method is the one of before. Placing a placed order changes nothing.
func (o Order) Place(method string, expected *money.Minor) ([]Change, error) {
	if err := card.CheckText("payment_method", method); err != nil {
		return nil, err
	}
	switch o.Lifecycle {
	case Pending:
		return nil, nil
	case Draft, ActionRequired:
	default:
		return nil, refused("placed", o.Lifecycle)
	}
	if err := o.expect(expected); err != nil {
		return nil, err
	}
	return []Change{Placed{Details: o.Details, PaymentMethod: cmp.Or(method, o.PaymentMethod)}}, nil
}

// Edit is what an edit changes; nil leaves a field as it is.
type Edit struct {
	Lines    *[]Line
	Shipping *money.Minor
	ShipTo   *Address
	Note     *string
}

// Edit decides on an edit, until a part of the order has left. Where it goes and its note change at
// once. Lines and carriage do in a draft and in an order that waits for its customer; a confirmed order
// is amended: it reads differently when stock and money are there for that. An edit that changes
// nothing is no change.
func (o Order) Edit(e Edit) (changes []Change, err error) {
	if !o.Lifecycle.editable() || o.Fulfillment != Unfulfilled {
		return nil, refused("edited", o.Lifecycle)
	}
	if (o.Lifecycle == Pending || o.Lifecycle == OnHold) && (e.Lines != nil || e.Shipping != nil) {
		return nil, fault.New(fault.KindPrecondition, fault.ReasonFieldNotEditable,
			"the lines and the carriage of an order in %s are fixed", o.Lifecycle)
	}
	d := o.Details
	if e.Lines != nil {
		d.Lines = *e.Lines
	}
	if e.Shipping != nil {
		d.Shipping = *e.Shipping
	}
	if e.ShipTo != nil {
		d.ShipTo = *e.ShipTo
	}
	if e.Note != nil {
		d.Note = *e.Note
	}
	if d.same(o.Details) {
		return nil, nil
	}
	if err := d.Check(); err != nil {
		return nil, err
	}
	if o.Lifecycle != Confirmed {
		return []Change{Edited{Details: d}}, nil
	}
	atOnce := d
	atOnce.Lines, atOnce.Shipping = o.Lines, o.Shipping
	if !atOnce.same(o.Details) {
		changes = append(changes, Edited{Details: atOnce})
	}
	if !atOnce.same(d) {
		amended, err := o.amend(d)
		if err != nil {
			return nil, err
		}
		changes = append(changes, amended...)
	}
	return changes, nil
}

// Cancel decides on canceling before anything has left. Canceling twice changes nothing. The order is
// Canceling until its stock and its money are let go.
func (o Order) Cancel(reason string) ([]Change, error) {
	if err := card.CheckText("reason", reason); err != nil {
		return nil, err
	}
	switch {
	case o.Lifecycle == Canceling || o.Lifecycle == Canceled:
		return nil, nil
	case !o.Lifecycle.MayBecome(Canceling) || o.Fulfillment != Unfulfilled:
		return nil, refused("canceled", o.Lifecycle)
	}
	return []Change{CancelRequested{Reason: reason}}, nil
}

// Hold decides on keeping the order from going on until staff have looked at it.
func (o Order) Hold(reason string) ([]Change, error) {
	if err := card.CheckText("reason", reason); err != nil {
		return nil, err
	}
	switch {
	case o.Lifecycle == OnHold:
		return nil, nil
	case !o.Lifecycle.MayBecome(OnHold):
		return nil, refused("put on hold", o.Lifecycle)
	}
	return []Change{PutOnHold{Reason: reason}}, nil
}

// Resume decides on letting an order go on that was put on hold. One that goes on already does.
func (o Order) Resume() ([]Change, error) {
	switch o.Lifecycle {
	case OnHold:
		return []Change{Resumed{}}, nil
	case Pending, Confirmed:
		return nil, nil
	default:
		return nil, refused("resumed", o.Lifecycle)
	}
}

// Paid decides on what has become of the money of an order that was confirmed.
func (o Order) Paid(status PaymentStatus) ([]Change, error) {
	if o.Payment == status {
		return o.AndComplete()
	}
	return o.AndComplete(PaymentChanged{Payment: status})
}

// CheckEtag refuses a change that was made on another version of the order. An empty etag asks
// for nothing.
func (o Order) CheckEtag(etag string) error {
	if etag == "" || etag == o.Etag() {
		return nil
	}
	return fault.New(fault.KindConflict, fault.ReasonStaleEtag,
		"the order has changed since: its etag is %s now; read it again", o.Etag())
}

func refused(verb string, in Lifecycle) error {
	return fault.New(fault.KindPrecondition, fault.ReasonTransitionRefused,
		"an order in %s cannot be %s", in, verb)
}

func (d Details) same(other Details) bool {
	return d.Shipping == other.Shipping && d.ShipTo == other.ShipTo && d.Note == other.Note &&
		slices.Equal(d.Lines, other.Lines)
}

func (d Details) expect(expected *money.Minor) error {
	if expected == nil {
		return nil
	}
	total, err := d.Total()
	if err != nil {
		return err
	}
	if total != *expected {
		return fault.New(fault.KindPrecondition, fault.ReasonTotalMismatch,
			"the total is %d minor units, not %d", total, *expected)
	}
	return nil
}
