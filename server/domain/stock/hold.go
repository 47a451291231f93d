package stock

import (
	"slices"
	"strings"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// MaxQuantity bounds what one hold can ask for, and what can be promised beyond what is on hand.
const MaxQuantity = 1_000_000_000

// Hold is stock of one SKU set aside for one order. An order has at most one of each SKU.
type Hold struct {
	OrderID   order.ID
	SKU       string
	Quantity  int64 // asked for; 0 when it was let go before it was asked for, or is not wanted for now
	Committed int64 // of these, what has left the shelf
	State     HoldState
	Expires   time.Time // UTC, microseconds; zero for a hold that stays and for one that is closed
}

// HoldState is where a hold is on its way. The numbers are stored.
type HoldState uint8

// The states. Nothing is stored of a hold that is only Requested.
const (
	Requested   HoldState = iota // no hold yet
	Held                         // set aside
	Backordered                  // promised from what is still to come
	Unavailable                  // there was not enough, or none is wanted for now
	Released                     // let go
	Expired                      // let go because its time was over
	Committed                    // all of it has left the shelf
)

var stateNames = [...]string{"requested", "held", "backordered", "unavailable", "released", "expired", "committed"}

func (s HoldState) String() string { return stateNames[s] }

// moves are the ways between the states.
var moves = map[HoldState][]HoldState{
	Requested:   {Held, Backordered, Unavailable, Released},
	Held:        {Committed, Released, Expired, Unavailable, Backordered}, // the last when more is wanted than there is
	Backordered: {Held, Released, Expired, Unavailable},
	Unavailable: {Held, Backordered, Released},
}

// May tells whether a hold may go from one state to another.
func (s HoldState) May(next HoldState) bool { return slices.Contains(moves[s], next) }

// Demand is how many of one SKU an order wants.
type Demand struct {
	SKU      string
	Quantity int64 // 1 to MaxQuantity; 0 for what a hold is not wanted for any more
}

// Sum gives each SKU once with all that is wanted of it, by SKU.
func Sum(demands []Demand) []Demand {
	summed := slices.Clone(demands)
	slices.SortStableFunc(summed, func(a, b Demand) int { return strings.Compare(a.SKU, b.SKU) })
	kept := summed[:0]
	for _, d := range summed {
		if n := len(kept); n > 0 && kept[n-1].SKU == d.SKU {
			kept[n-1].Quantity += d.Quantity
			continue
		}
		kept = append(kept, d)
	}
	return kept
}

// HoldID gives the key of the hold that an order has of a SKU.
func HoldID(orderID order.ID, sku string) id.UUID {
	return id.Derived(orderID.Time(), SlotOf(sku), "hold\x00"+orderID.String()+"\x00"+sku)
}

// IsOpen tells whether stock is set aside.
func (h Hold) IsOpen() bool { return h.State == Held || h.State == Backordered }

// Open is how many are set aside: what was asked for and has not left the shelf.
func (h Hold) Open() int64 {
	if h.IsOpen() {
		return h.Quantity - h.Committed
	}
	return 0
}

// close ends a hold.
func (h Hold) close(state HoldState) Hold {
	h.State, h.Expires = state, time.Time{}
	return h
}

// Hold decides what an order gets of a SKU: held as far as there is enough on hand, backordered as
// far as the limit allows, else unavailable; never a part. Who holds already is told the same
// again; who has let go gets nothing any more. Asking for another quantity changes an open hold of
// which nothing has left, if there is enough; otherwise it stays as it is, and its quantity tells.
// Asking for none lets go of such a hold, and unlike Release lets it be asked for again.
func (l Level) Hold(h Hold, quantity int64, expires time.Time) (Level, Hold, error) {
	if quantity < 0 || quantity > MaxQuantity {
		return l, h, fault.Invalid(fault.ReasonQuantityInvalid, "demands", "a quantity is 0 to %d", MaxQuantity)
	}
	again := h.State == Unavailable && h.Quantity != quantity
	switch {
	case h.State == Released, h.State == Expired, h.Quantity == quantity:
		return l, h, nil
	case quantity == 0 && h.Committed == 0:
		l, h.Quantity = l.without(h), 0
		return l, h.close(Unavailable), nil
	case h.IsOpen() && h.Committed == 0:
		resized, other, _ := l.without(h).Hold(Hold{OrderID: h.OrderID, SKU: h.SKU}, quantity, expires)
		if other.State == Unavailable {
			return l, h, nil
		}
		return resized, other, nil
	case h.State != Requested && !again:
		return l, h, fault.New(fault.KindExists, fault.ReasonHoldDiffers,
			"the order holds %d of %s already, not %d", h.Quantity, h.SKU, quantity)
	}
	h.Quantity, h.State = quantity, Unavailable
	if l.Available() < quantity {
		return l, h, nil
	}
	l.Held += quantity
	h.State, h.Expires = Held, expires
	if l.Held > l.OnHand {
		l.Backordered += quantity
		h.State = Backordered
	}
	return l, h, nil
}

// Release lets go of what is held and has not left the shelf. A hold that was never asked for is
// released too: when it is asked for later, it holds nothing.
func (l Level) Release(h Hold) (Level, Hold) {
	if !h.State.May(Released) {
		return l, h
	}
	return l.without(h), h.close(Released)
}

// Expire lets go of a hold whose time is over.
func (l Level) Expire(h Hold, now time.Time) (Level, Hold) {
	if !h.IsOpen() || h.Expires.IsZero() || h.Expires.After(now) {
		return l, h
	}
	return l.without(h), h.close(Expired)
}

func (l Level) without(h Hold) Level {
	l.Held -= h.Open()
	if h.State == Backordered {
		l.Backordered -= h.Open()
	}
	return l
}

// Commit takes held stock off the shelf: never more than is held for this order.
func (l Level) Commit(h Hold, quantity int64) (Level, Hold, error) {
	switch {
	case quantity < 1:
		return l, h, fault.Invalid(fault.ReasonQuantityInvalid, "demands", "a quantity is 1 to %d", MaxQuantity)
	case !h.IsOpen():
		return l, h, fault.New(fault.KindPrecondition, fault.ReasonNotHeld, "the order holds nothing of %s: it is %s", h.SKU, h.State)
	case h.State == Backordered:
		return l, h, fault.New(fault.KindPrecondition, fault.ReasonStockToCome, "what the order holds of %s is still to come", h.SKU)
	case quantity > h.Open():
		return l, h, fault.New(fault.KindPrecondition, fault.ReasonCommitAboveHeld,
			"the order holds %d of %s: %d cannot leave", h.Open(), h.SKU, quantity)
	}
	l.OnHand -= quantity
	l.Held -= quantity
	h.Committed += quantity
	if h.Open() == 0 {
		h = h.close(Committed)
	}
	return l, h, nil
}

// Fill turns a backordered hold into a held one, when what has come in covers all of it.
func (l Level) Fill(h Hold) (Level, Hold, bool) {
	if h.State != Backordered || h.Open() > l.Free() {
		return l, h, false
	}
	l.Backordered -= h.Open()
	h.State = Held
	return l, h, true
}
