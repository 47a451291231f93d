package order

import (
	"maps"
	"slices"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/card"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

var returnNames = [...]string{"", "REQUESTED", "APPROVED", "IN_TRANSIT", "RECEIVED", "INSPECTED", "CLOSED", "REJECTED"}

func (s ReturnStatus) String() string {
	if int(s) < len(returnNames) {
		return returnNames[s]
	}
	return "UNKNOWN"
}

var returnMoves = map[ReturnStatus][]ReturnStatus{
	ReturnRequested: {ReturnApproved, ReturnReceived, ReturnRejected},
	ReturnApproved:  {ReturnReceived, ReturnRejected},
	ReturnReceived:  {ReturnInspected},
	ReturnInspected: {ReturnClosed},
}

// MayBecome tells whether a return may go from this state to that one.
func (s ReturnStatus) MayBecome(next ReturnStatus) bool { return slices.Contains(returnMoves[s], next) }

// RequestReturn decides on a return of these goods, named by their lines in the order: of what has
// left and not come back; of imported history, of what was sold.
func RequestReturn(o Order, returnID ReturnID, lines []LineQuantity, reason string, now time.Time) (Return, error) {
	if o.Lifecycle != Confirmed && o.Lifecycle != Completed {
		return Return{}, refused("returned", o.Lifecycle)
	}
	if err := card.CheckText("reason", reason); err != nil {
		return Return{}, err
	}
	if len(lines) == 0 {
		return Return{}, fault.Invalid(fault.ReasonInvalidRequest, "lines", "a return has at least one line")
	}
	lines, err := o.returnable().sum("lines", lines, fault.ReasonReturnTooLarge)
	if err != nil {
		return Return{}, err
	}
	now = now.UTC().Truncate(time.Millisecond) // as in the id
	return Return{
		ID: returnID, OrderID: o.ID, CustomerID: o.CustomerID, Currency: o.Currency, Status: ReturnRequested,
		Lines: o.returnLines(lines), Reason: reason, Created: now, Updated: now,
	}, nil
}

// Approve decides that the goods may be sent.
func (r Return) Approve() (Return, error) { return r.to(ReturnApproved) }

// Reject decides not to take the goods back. One that has arrived is taken.
func (r Return) Reject(reason string) (Return, error) {
	if err := card.CheckText("reason", reason); err != nil {
		return r, err
	}
	next, err := r.to(ReturnRejected)
	if next.Status != r.Status {
		next.Reason = reason
	}
	return next, err
}

// Receive books the goods on their order, unless others of its returns brought them meanwhile. What
// they are worth is settled now, so that the returns of a line add up to its amount.
func (r Return) Receive(o Order) (Return, []Change, error) {
	next, err := r.to(ReturnReceived)
	if err != nil || next.Status == r.Status {
		return next, nil, err
	}
	if !o.Lifecycle.sold() {
		return r, nil, refused("returned", o.Lifecycle)
	}
	lines, err := o.returnable().sum("lines", r.cameBack(), fault.ReasonReturnTooLarge)
	if err != nil {
		return r, nil, err
	}
	next.Lines = o.returnLines(lines)
	changes, err := o.AndComplete(GoodsReturned{ReturnID: r.ID, Lines: lines})
	if err != nil {
		return r, nil, err
	}
	return next, changes, nil
}

// Close decides what the customer gets back, nil for what the goods are worth, and what goes back on
// the shelf, named by its lines in the order. Whether so much money was taken the caller checks.
func (r Return) Close(refund *money.Minor, restock []LineQuantity) (Return, error) {
	next, err := r.to(ReturnInspected)
	if err != nil || next.Status == r.Status {
		return next, err
	}
	came := quantities{}
	for _, l := range r.cameBack() {
		came[l.Position] += l.Quantity
	}
	if next.Restock, err = came.sum("restock", restock, fault.ReasonRestockTooLarge); err != nil {
		return r, err
	}
	if refund != nil {
		next.Refund = *refund
	} else if next.Refund, err = r.Total(); err != nil {
		return r, err
	}
	if next.Refund < 0 {
		return r, fault.Invalid(fault.ReasonAmountInvalid, "refund_minor", "a refund is not negative")
	}
	return next, nil
}

// Finish notes that the refund and the restock are done.
func (r Return) Finish() (Return, error) { return r.to(ReturnClosed) }

// Equal tells whether two returns are the same in everything.
func (r Return) Equal(other Return) bool {
	return r.ID == other.ID && r.OrderID == other.OrderID && r.CustomerID == other.CustomerID &&
		r.Source == other.Source && r.Number == other.Number && r.Status == other.Status && r.Currency == other.Currency &&
		r.Reason == other.Reason && r.Refund == other.Refund && slices.Equal(r.Restock, other.Restock) &&
		r.Created.Equal(other.Created) && r.Updated.Equal(other.Updated) &&
		slices.EqualFunc(r.Lines, other.Lines, func(a, b ReturnLine) bool {
			return a.Line == b.Line && slices.Equal(a.Matches, b.Matches)
		})
}

// to moves the return. Where it is already it stays.
func (r Return) to(next ReturnStatus) (Return, error) {
	if r.Status != next && !r.Status.MayBecome(next) {
		return r, fault.New(fault.KindPrecondition, fault.ReasonTransitionRefused,
			"a return in %s cannot become %s", r.Status, next)
	}
	r.Status = next
	return r, nil
}

// cameBack gives the goods by their lines in the order. A line of a live return has one match.
func (r Return) cameBack() []LineQuantity {
	var lines []LineQuantity
	for _, l := range r.Lines {
		for _, m := range l.Matches {
			lines = append(lines, LineQuantity{Position: m.Position, Quantity: m.Quantity})
		}
	}
	return lines
}

// returnLines gives the lines of a return, worth what comes after that which came back before.
func (o Order) returnLines(lines []LineQuantity) []ReturnLine {
	back := make([]ReturnLine, len(lines))
	for i, q := range lines {
		l, before := o.Lines[q.Position-1], o.ReturnedOf(q.Position-1)
		l.Discount = l.Discount.Part(before+q.Quantity, l.Quantity) - l.Discount.Part(before, l.Quantity)
		l.Quantity = q.Quantity
		back[i] = ReturnLine{Line: l, Matches: []Match{{OrderID: o.ID, Position: q.Position, Quantity: q.Quantity}}}
	}
	return back
}

// returnable gives how many of each line of goods may come back.
func (o Order) returnable() quantities {
	left := o.inShipments(ShipmentState.left)
	most := quantities{}
	for i, l := range o.Lines {
		switch {
		case l.Service:
		case o.Source != "": // imported history has no parcels
			most[i+1] = l.Quantity - o.ReturnedOf(i)
		default:
			most[i+1] = left[i] - o.ReturnedOf(i)
		}
	}
	return most
}

// quantities is how many there are of each line, by position.
type quantities map[int]int64

// sum gives lines by position, each once, unless they are more than there are.
func (most quantities) sum(field string, lines []LineQuantity, above fault.Reason) ([]LineQuantity, error) {
	total := quantities{}
	for _, l := range lines {
		if _, ok := most[l.Position]; !ok {
			return nil, fault.Invalid(fault.ReasonLineUnknown, field, "there are no goods in line %d", l.Position)
		}
		if l.Quantity < 1 || l.Quantity > MaxQuantity {
			return nil, fault.Invalid(fault.ReasonQuantityInvalid, field, "a quantity is 1 to %d", MaxQuantity)
		}
		total[l.Position] += l.Quantity
	}
	var summed []LineQuantity
	for _, position := range slices.Sorted(maps.Keys(total)) {
		if total[position] > most[position] {
			return nil, fault.New(fault.KindPrecondition, above,
				"%d of line %d are asked for, and there are %d", total[position], position, most[position])
		}
		summed = append(summed, LineQuantity{Position: position, Quantity: total[position]})
	}
	return summed, nil
}
