package order

import (
	"slices"
	"strings"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// Return is goods that came back, and what they are worth.
type Return struct {
	ID         ReturnID
	CustomerID string
	Source     string
	Number     string
	Status     ReturnStatus
	Currency   money.Currency
	Lines      []ReturnLine
	OrderID    ID             // zero for imported history, whose lines tell
	Reason     string         // why it was asked for, or refused
	Refund     money.Minor    // what the customer gets back, once that is decided
	Restock    []LineQuantity // what goes back on the shelf, once that is decided
	Created    time.Time      // UTC, microseconds
	Updated    time.Time      // UTC, microseconds
}

// ReturnLine is one SKU that came back, with the order lines that sold it. No matches make it
// blind: the sale is not known here.
type ReturnLine struct {
	Line
	Matches []Match
}

// Match ties returned goods to the line that sold them, named by its position from 1.
type Match struct {
	OrderID  ID
	Position int
	Quantity int64
}

// ReturnStatus is where a return is on its way. The numbers are stored.
type ReturnStatus uint8

// The states of a return.
const (
	ReturnRequested ReturnStatus = 1 // asked for
	ReturnApproved  ReturnStatus = 2 // may be sent
	ReturnReceived  ReturnStatus = 4 // has arrived
	ReturnInspected ReturnStatus = 5 // refund and restock are decided, and under way
	ReturnClosed    ReturnStatus = 6 // both are done
	ReturnRejected  ReturnStatus = 7 // not taken back
)

// Final tells whether nothing happens to the return any more.
func (s ReturnStatus) Final() bool { return s == ReturnClosed || s == ReturnRejected }

// Total is what the return is worth, or AMOUNT_OVERFLOW.
func (r Return) Total() (money.Minor, error) {
	lines := make([]Line, len(r.Lines))
	for i, l := range r.Lines {
		lines[i] = l.Line
	}
	return sum(lines)
}

// ImportReturn refuses a return that cannot be taken as history.
func ImportReturn(r Return) error {
	if r.Number == "" || r.Source == "" {
		return fault.Invalid(fault.ReasonDocumentIncomplete, "return.number", "an imported return needs its number")
	}
	lines := make([]Line, len(r.Lines))
	for i, l := range r.Lines {
		lines[i] = l.Line
	}
	return Details{
		CustomerID: r.CustomerID, Source: r.Source, Number: r.Number, Currency: r.Currency, Lines: lines,
	}.Check()
}

// Trace ties the goods of a return to earlier orders of the same customer, newest first, and
// gives the return with its matches and the change of each order concerned. A line is tied only
// when these orders sold all of it and it has not come back before; services never are. Drafts and
// canceled orders sold nothing.
func (r Return) Trace(earlier []Order) (Return, map[ID]GoodsReturned) {
	earlier = slices.SortedFunc(slices.Values(earlier), func(a, b Order) int { return b.ID.Compare(a.ID.UUID) })
	shelves := shelve(earlier)
	changes := map[ID]GoodsReturned{}
	r.Lines = slices.Clone(r.Lines)
	for i, l := range r.Lines {
		shelf := shelves[strings.ToUpper(l.SKU)]
		if l.Service || shelf.left() < l.Quantity {
			continue
		}
		for _, m := range shelf.take(l.Quantity) {
			r.Lines[i].Matches = append(r.Lines[i].Matches, m)
			change := changes[m.OrderID]
			change.ReturnID = r.ID
			change.Lines = append(change.Lines, LineQuantity{Position: m.Position, Quantity: m.Quantity})
			changes[m.OrderID] = change
		}
	}
	return r, changes
}

// shelf is what a customer bought of one SKU and still has, in the order it is taken back.
type shelf struct{ sold []Match }

func shelve(orders []Order) map[string]*shelf {
	shelves := map[string]*shelf{}
	for _, o := range orders {
		if !o.Lifecycle.sold() || o.Version == id.MaxPart {
			continue
		}
		for i, l := range o.Lines {
			left := l.Quantity - o.ReturnedOf(i)
			if l.Service || left == 0 {
				continue
			}
			key := strings.ToUpper(l.SKU)
			if shelves[key] == nil {
				shelves[key] = &shelf{}
			}
			shelves[key].sold = append(shelves[key].sold, Match{OrderID: o.ID, Position: i + 1, Quantity: left})
		}
	}
	return shelves
}

func (s *shelf) left() (units int64) {
	if s == nil {
		return 0
	}
	for _, m := range s.sold {
		units += m.Quantity
	}
	return units
}

func (s *shelf) take(quantity int64) (taken []Match) {
	for quantity > 0 {
		m := &s.sold[0]
		n := min(m.Quantity, quantity)
		taken = append(taken, Match{OrderID: m.OrderID, Position: m.Position, Quantity: n})
		quantity -= n
		if m.Quantity -= n; m.Quantity == 0 {
			s.sold = s.sold[1:]
		}
	}
	return taken
}
