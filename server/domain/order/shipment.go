package order

import (
	"slices"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/card"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// Shipment is one parcel of an order.
type Shipment struct {
	ID       ShipmentID
	State    ShipmentState
	Lines    []LineQuantity
	Carrier  string
	Tracking string
	Amount   money.Minor // to take of the customer's money; 0 until it is handed over
	Final    bool        // it was handed over as the last of the order
	Created  time.Time   // UTC, microseconds
	Updated  time.Time   // UTC, microseconds
}

func (s Shipment) equal(other Shipment) bool {
	return s.ID == other.ID && s.State == other.State && slices.Equal(s.Lines, other.Lines) && s.Carrier == other.Carrier &&
		s.Tracking == other.Tracking && s.Amount == other.Amount && s.Final == other.Final && s.Created.Equal(other.Created) && s.Updated.Equal(other.Updated)
}

// ShipmentState is where a parcel is on its way. The numbers are stored.
type ShipmentState uint8

// The states of a parcel.
const (
	ShipmentAllocated ShipmentState = 1 // its goods are set apart
	ShipmentPacked    ShipmentState = 2 // packed
	ShipmentShipped   ShipmentState = 3 // handed over to the carrier
	ShipmentDelivered ShipmentState = 4 // arrived
	ShipmentCanceled  ShipmentState = 5 // given up before it left
	ShipmentLost      ShipmentState = 6 // lost on its way
)

var shipmentNames = [...]string{"", "ALLOCATED", "PACKED", "SHIPPED", "DELIVERED", "CANCELED", "LOST"}

func (s ShipmentState) String() string {
	if int(s) < len(shipmentNames) {
		return shipmentNames[s]
	}
	return "UNKNOWN"
}

var shipmentMoves = map[ShipmentState][]ShipmentState{
	ShipmentAllocated: {ShipmentPacked, ShipmentShipped, ShipmentCanceled},
	ShipmentPacked:    {ShipmentShipped, ShipmentCanceled},
	ShipmentShipped:   {ShipmentDelivered, ShipmentLost},
	ShipmentLost:      {ShipmentDelivered}, // found again
}

// MayBecome tells whether a parcel may go from this state to that one.
func (s ShipmentState) MayBecome(next ShipmentState) bool {
	return slices.Contains(shipmentMoves[s], next)
}

// left tells whether the goods are off the shelf.
func (s ShipmentState) left() bool {
	return s == ShipmentShipped || s == ShipmentDelivered || s == ShipmentLost
}

// Shipment gives a parcel of the order, or fails with SHIPMENT_NOT_FOUND.
func (o Order) Shipment(shipmentID ShipmentID) (Shipment, error) {
	for _, s := range o.Shipments {
		if s.ID == shipmentID {
			return s, nil
		}
	}
	return Shipment{}, fault.New(fault.KindNotFound, fault.ReasonShipmentNotFound, "there is no such parcel")
}

// Allocate decides on a parcel with these goods; none means all that are in no parcel yet.
func (o Order) Allocate(lines []LineQuantity) ([]Change, error) {
	if o.Lifecycle != Confirmed {
		return nil, refused("shipped", o.Lifecycle)
	}
	if o.Amending() {
		return nil, amendmentUnderWay()
	}
	if o.Version == id.MaxPart || len(o.Shipments) >= id.MaxPart {
		return nil, refused("shipped", o.Lifecycle)
	}
	free := o.unallocated()
	if len(lines) == 0 {
		for i, quantity := range free {
			if quantity > 0 {
				lines = append(lines, LineQuantity{Position: i + 1, Quantity: quantity})
			}
		}
		if len(lines) == 0 {
			return nil, fault.New(fault.KindPrecondition, fault.ReasonNothingToShip, "all goods of the order are in parcels already")
		}
	}
	for _, l := range lines {
		i := l.Position - 1
		if i < 0 || i >= len(free) || o.Lines[i].Service {
			return nil, fault.Invalid(fault.ReasonLineUnknown, "lines", "the order has no goods in line %d", l.Position)
		}
		if free[i] -= l.Quantity; l.Quantity < 1 || free[i] < 0 {
			return nil, fault.New(fault.KindPrecondition, fault.ReasonNothingToShip,
				"%d of line %d cannot leave: fewer are in no parcel yet", l.Quantity, l.Position)
		}
	}
	shipmentID := ShipmentID{o.ID.WithPart(len(o.Shipments) + 1)}
	return []Change{ShipmentCreated{ShipmentID: shipmentID, Lines: lines}}, nil
}

// Move is where a parcel is to go, and what is told about it when it is handed over.
type Move struct {
	To       ShipmentState
	Carrier  string
	Tracking string
}

// MoveShipment decides on moving a parcel. Where it is already it stays, without effect.
func (o Order) MoveShipment(shipmentID ShipmentID, m Move) ([]Change, error) {
	s, err := o.Shipment(shipmentID)
	if err != nil || s.State == m.To {
		return nil, err
	}
	if !s.State.MayBecome(m.To) || o.Lifecycle != Confirmed && m.To.left() && !s.State.left() {
		return nil, fault.New(fault.KindPrecondition, fault.ReasonTransitionRefused,
			"a parcel in %s of an order in %s cannot become %s", s.State, o.Lifecycle, m.To)
	}
	if err := card.CheckText("carrier", m.Carrier); err != nil {
		return nil, err
	}
	moved := ShipmentMoved{ShipmentID: shipmentID, State: m.To, Carrier: m.Carrier, Tracking: m.Tracking}
	if m.To == ShipmentShipped {
		moved.Amount, moved.Final = o.worth(s), o.isLast(s)
	}
	return o.AndComplete(moved)
}

// unallocated gives how many of each line are goods that are in no parcel.
func (o Order) unallocated() []int64 {
	free := o.inShipments(func(s ShipmentState) bool { return s != ShipmentCanceled })
	for i, l := range o.Lines {
		if free[i] = l.Quantity - free[i]; l.Service {
			free[i] = 0
		}
	}
	return free
}

// ShippedOf tells how many of the line at this index have left.
func (o Order) ShippedOf(index int) (quantity int64) {
	for _, s := range o.Shipments {
		if !s.State.left() {
			continue
		}
		for _, l := range s.Lines {
			if l.Position == index+1 {
				quantity += l.Quantity
			}
		}
	}
	return quantity
}

// inShipments gives how many of each line are in parcels whose state counts.
func (o Order) inShipments(counts func(ShipmentState) bool) []int64 {
	total := make([]int64, len(o.Lines))
	for _, s := range o.Shipments {
		if counts(s.State) {
			for _, l := range s.Lines {
				total[l.Position-1] += l.Quantity
			}
		}
	}
	return total
}

// worth is what is owed for a parcel that leaves now: its share of each line, such that the shares of
// a line add up to its amount. Carriage and services go with the first parcel.
func (o Order) worth(s Shipment) money.Minor {
	before := o.inShipments(ShipmentState.left)
	var worth money.Minor
	if !slices.ContainsFunc(o.Shipments, func(other Shipment) bool { return other.State.left() }) {
		worth = o.Shipping
		for _, l := range o.Lines {
			if l.Service {
				worth += l.share(l.Quantity)
			}
		}
	}
	for _, q := range s.Lines {
		l, n := o.Lines[q.Position-1], before[q.Position-1]
		worth += l.share(n+q.Quantity) - l.share(n)
		before[q.Position-1] += q.Quantity
	}
	return worth
}

// isLast tells whether nothing is left to ship when the parcel leaves.
func (o Order) isLast(s Shipment) bool {
	shipped := o.inShipments(ShipmentState.left)
	for _, l := range s.Lines {
		shipped[l.Position-1] += l.Quantity
	}
	for i, l := range o.Lines {
		if !l.Service && shipped[i] < l.Quantity {
			return false
		}
	}
	return true
}

// share is what the first n of the line cost, its discount spread evenly.
func (l Line) share(n int64) money.Minor {
	gross, _ := l.UnitPrice.Times(n) // a stored line was checked
	return gross - l.Discount.Part(n, l.Quantity)
}

// fulfillment sums up the parcels.
func (o Order) fulfillment() FulfillmentStatus {
	var goods, left, arrived int64
	shipped, delivered := o.inShipments(ShipmentState.left), o.inShipments(func(s ShipmentState) bool { return s == ShipmentDelivered })
	for i, l := range o.Lines {
		if !l.Service {
			goods, left, arrived = goods+l.Quantity, left+shipped[i], arrived+delivered[i]
		}
	}
	switch {
	case arrived == goods:
		return Delivered
	case arrived > 0:
		return PartlyDelivered
	case left == goods:
		return Shipped
	case left > 0:
		return PartlyShipped
	}
	return Unfulfilled
}

// HasGoods tells whether something of the order has to be shipped.
func (d Details) HasGoods() bool {
	return slices.ContainsFunc(d.Lines, func(l Line) bool { return !l.Service })
}
