// Package order holds the rules of an order: what it is made of, which changes it may go through
// and what each change makes of it. It decides; it stores nothing and calls nobody.
package order

import (
	"slices"
	"strconv"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
)

// Order is an order as it stands: the fold of its events. Treat it as a value; the functions of
// this package never change the one they are given.
type Order struct {
	ID ID
	Details
	Lifecycle    Lifecycle
	Payment      PaymentStatus
	Fulfillment  FulfillmentStatus
	Returned     []int64 // how many of each line came back; as long as Lines, or nil for none
	CancelReason string
	// How it is to be paid: a token of the gateway; empty for none. Placements is how often it was
	// placed, which tells one attempt at the money from the next.
	PaymentMethod string
	Placements    int
	Confirmed     time.Time // UTC, microseconds; zero until then
	Progress
	Version int64     // the sequence of its last event, from 1
	Created time.Time // UTC, microseconds
	Updated time.Time // UTC, microseconds
}

// Progress is what only some orders have.
type Progress struct {
	StatusReason string // why it waits or could not be taken; empty while all is well
	ActionURL    string // where the customer proves who they are
	Cleared      bool   // staff have looked at its risk
	Shipments    []Shipment
	Amendment    *Amendment // the latest, unless the order reads like it; nil for none. Never changed
}

// Details is what was ordered, by whom, and where it goes.
type Details struct {
	CustomerID string // empty for a guest
	Source     string // the system it was imported from; empty for an order placed here
	Number     string // its number in that system, or in the caller's books; may be empty
	Currency   money.Currency
	Lines      []Line
	Shipping   money.Minor
	ShipTo     Address
	Note       string
}

// Line is one SKU. Its position is its index + 1.
type Line struct {
	SKU         string
	Description string
	Service     bool // postage, fees, samples: holds no stock and does not come back
	Quantity    int64
	UnitPrice   money.Minor
	Discount    money.Minor // off the whole line
}

// Address is where parcels go. Every field may be empty.
type Address struct {
	Name, Street, City, Region, PostalCode, Country string
}

// Amount is quantity × unit price − discount, or AMOUNT_OVERFLOW.
func (l Line) Amount() (money.Minor, error) {
	gross, err := l.UnitPrice.Times(l.Quantity)
	if err != nil {
		return 0, err
	}
	return gross.Sub(l.Discount)
}

// Subtotal is the exact sum of the lines, or AMOUNT_OVERFLOW.
func (d Details) Subtotal() (money.Minor, error) { return sum(d.Lines) }

// Total is what the customer owes: the lines and the carriage.
func (d Details) Total() (money.Minor, error) {
	subtotal, err := d.Subtotal()
	if err != nil {
		return 0, err
	}
	return subtotal.Add(d.Shipping)
}

func sum(lines []Line) (money.Minor, error) {
	var total money.Minor
	for _, l := range lines {
		amount, err := l.Amount()
		if err != nil {
			return 0, err
		}
		if total, err = total.Add(amount); err != nil {
			return 0, err
		}
	}
	return total, nil
}

// Etag names this version of the order.
func (o Order) Etag() string { return strconv.FormatInt(o.Version, 10) }

// ReturnedOf tells how many of the line at this index came back.
func (o Order) ReturnedOf(index int) int64 {
	if index >= len(o.Returned) {
		return 0
	}
	return o.Returned[index]
}

func (p Progress) equal(other Progress) bool {
	return p.StatusReason == other.StatusReason && p.ActionURL == other.ActionURL && p.Cleared == other.Cleared &&
		slices.EqualFunc(p.Shipments, other.Shipments, Shipment.equal) && p.Amendment.equal(other.Amendment)
}

// Equal tells whether two orders are the same in everything.
func (o Order) Equal(other Order) bool {
	return o.ID == other.ID && o.Lifecycle == other.Lifecycle && o.Payment == other.Payment &&
		o.Fulfillment == other.Fulfillment && o.CancelReason == other.CancelReason && o.Version == other.Version &&
		o.PaymentMethod == other.PaymentMethod && o.Placements == other.Placements &&
		o.Confirmed.Equal(other.Confirmed) && o.equal(other.Progress) && o.Created.Equal(other.Created) && o.Updated.Equal(other.Updated) &&
		o.CustomerID == other.CustomerID && o.Source == other.Source && o.Number == other.Number &&
		o.Currency == other.Currency && o.same(other.Details) && slices.Equal(o.Returned, other.Returned)
}

// Demands sums up the goods that the order needs, by SKU.
func (d Details) Demands() map[string]int64 {
	demands := make(map[string]int64, len(d.Lines))
	for _, l := range d.Lines {
		if !l.Service {
			demands[l.SKU] += l.Quantity
		}
	}
	return demands
}
