package integrity

import (
	"fmt"
	"maps"
	"slices"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
)

// facts are an order and what belongs to it in other places.
type facts struct {
	order    order.Order // with its id alone when it is not there
	payments []payment.Payment
	holds    map[string]stock.Hold // by SKU: those of what it wants, and those that are suspected
	atWork   bool                  // a saga is at work on it
}

// problem is something that does not fit.
type problem struct {
	invariant, detail string
	unsettled         bool // it is not decided yet
}

// waiting tells whether a saga has to carry the order on. A draft and a confirmed order wait for people.
func waiting(o order.Order) bool {
	switch o.Lifecycle {
	case order.Pending, order.ActionRequired, order.Canceling:
		return true
	case order.OnHold:
		return o.Confirmed.IsZero() && o.Source == ""
	default:
		return false
	}
}

// wants gives how many of each SKU a confirmed order holds: what has not left. Others hold nothing, but
// for those that wait, which may hold anything. Imported history holds nothing.
func wants(o order.Order) map[string]int64 {
	if o.Source != "" || o.Confirmed.IsZero() || o.Lifecycle != order.Confirmed && o.Lifecycle != order.OnHold {
		return nil
	}
	open := o.Demands()
	for i, l := range o.Lines {
		if !l.Service {
			open[l.SKU] -= o.ShippedOf(i)
		}
	}
	return open
}

// problems tells what does not fit. While a saga is at work nothing has to.
func (f facts) problems() (found []problem) {
	o := f.order
	switch {
	case o.Version == 0:
		return f.orphans()
	case f.atWork:
		return nil
	case waiting(o):
		return []problem{{invariant: AtWork, detail: fmt.Sprintf("it is %s, and no saga is at work on it", o.Lifecycle)}}
	}
	return append(f.stockProblems(), f.moneyProblems()...)
}

func (f facts) orphans() (found []problem) {
	for _, p := range f.payments {
		found = append(found, problem{invariant: Orphans, detail: p.ID.String() + " is a payment of an order that is not there"})
	}
	for _, sku := range slices.Sorted(maps.Keys(f.holds)) {
		if h := f.holds[sku]; stays(h) {
			found = append(found, problem{invariant: Orphans, detail: fmt.Sprintf("%d of %s are held for an order that is not there", h.Open(), sku)})
		}
	}
	return found
}

func (f facts) stockProblems() (found []problem) {
	wanted := wants(f.order)
	for _, sku := range slices.Sorted(maps.Keys(wanted)) {
		if open := f.holds[sku].Open(); open != wanted[sku] {
			found = append(found, problem{invariant: Reserved, detail: fmt.Sprintf("%d of %s are held, %d have not left", open, sku, wanted[sku])})
		}
	}
	invariant := Ended
	if wanted != nil {
		invariant = Reserved
	}
	for _, sku := range slices.Sorted(maps.Keys(f.holds)) {
		if _, ok := wanted[sku]; !ok && stays(f.holds[sku]) {
			found = append(found, problem{invariant: invariant, detail: fmt.Sprintf("%d of %s are held, and it is %s", f.holds[sku].Open(), sku, f.order.Lifecycle)})
		}
	}
	return found
}

// stays tells whether a hold sets stock aside until somebody lets go of it.
func stays(h stock.Hold) bool { return h.Open() > 0 && h.Expires.IsZero() }

func (f facts) moneyProblems() (found []problem) {
	o := f.order
	if o.Source != "" {
		return nil // it was paid elsewhere
	}
	underWay := false
	for _, p := range f.payments {
		underWay = underWay || p.UnderWay()
		if o.Lifecycle.Final() && (p.Left() > 0 || p.Auth.Open() || p.OpenCaptures > 0) {
			found = append(found, problem{
				invariant: Ended, detail: fmt.Sprintf("%s is %s, and the order is %s", p.ID, p.State, o.Lifecycle),
				unsettled: p.UnderWay() && p.State != payment.RequiresAction,
			})
		}
	}
	total, err := o.Total()
	if err != nil || underWay || o.Confirmed.IsZero() && !o.Lifecycle.Final() {
		return found
	}
	status := payment.Summarize(total, f.payments...)
	letGo := o.Confirmed.IsZero() && nothing(status) && nothing(o.Payment) // it may have been tried again afterwards, in vain
	if status != o.Payment && !letGo {
		found = append(found, problem{invariant: Status, detail: fmt.Sprintf("the order says %d, its payments make %d", o.Payment, status)})
	}
	return found
}

// nothing tells whether no money is taken or set aside.
func nothing(s order.PaymentStatus) bool { return s == order.PaymentNone || s == order.PaymentVoided }
