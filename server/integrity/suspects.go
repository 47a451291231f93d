package integrity

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/store"
)

const (
	// maxSuspects bounds how many orders are kept before they are looked at again.
	maxSuspects = 2000
	// lookAtOnce is how many of them are looked at together.
	lookAtOnce = 200
	// maxPayments is more payments than an order has.
	maxPayments = 1000
)

// pauses are between one look and the next: time for what was begun without a saga to end.
var pauses = []time.Duration{200 * time.Millisecond, time.Second, 3 * time.Second}

// suspects are orders of which something did not fit, with SKUs of which they should hold nothing.
type suspects map[order.ID][]string

func (s suspects) add(orderID order.ID, skus ...string) { s[orderID] = append(s[orderID], skus...) }

// suspect compares orders with what belongs to them in other places.
func (c *check) suspect(ctx context.Context, orders []order.Order, paid map[order.ID][]payment.Payment) error {
	asked := make([]order.Order, 0, len(orders))
	for _, o := range orders {
		if waiting(o) {
			asked = append(asked, o)
		}
	}
	all, err := c.gather(ctx, orders, paid, asked)
	if err != nil {
		return err
	}
	for _, f := range all {
		delete(paid, f.order.ID)
		if len(f.problems()) > 0 {
			c.suspects.add(f.order.ID)
		}
	}
	for orderID := range paid { // its order is not here, or in the next page
		c.suspects.add(orderID)
	}
	return c.settleMany(ctx)
}

// gather reads what belongs to orders, but for their payments. Only those asked about can have a saga.
func (c *check) gather(ctx context.Context, orders []order.Order, paid map[order.ID][]payment.Payment, asked []order.Order) ([]facts, error) {
	var keys []store.HoldKey
	for _, o := range orders {
		skus := map[string]bool{}
		for sku := range wants(o) {
			skus[sku] = true
		}
		for _, sku := range c.suspects[o.ID] {
			skus[sku] = true
		}
		for sku := range skus {
			keys = append(keys, store.HoldKey{OrderID: o.ID, SKU: sku})
		}
	}
	holds, err := c.FindHolds(ctx, keys)
	if err != nil {
		return nil, err
	}
	held := map[order.ID]map[string]stock.Hold{}
	for _, h := range holds {
		if held[h.OrderID] == nil {
			held[h.OrderID] = map[string]stock.Hold{}
		}
		held[h.OrderID][h.SKU] = h
	}
	atWork := map[order.ID]bool{}
	if c.Sagas != nil && len(asked) > 0 {
		if atWork, err = c.Sagas.AtWork(ctx, asked); err != nil {
			return nil, err
		}
	}
	all := make([]facts, len(orders))
	for i, o := range orders {
		all[i] = facts{
			order: o, payments: paid[o.ID], holds: held[o.ID],
			atWork: atWork[o.ID] || c.Sagas == nil && waiting(o),
		}
	}
	return all, nil
}

// settleMany looks again at the suspects when there are many.
func (c *check) settleMany(ctx context.Context) error {
	if len(c.suspects) < maxSuspects {
		return nil
	}
	return c.settle(ctx)
}

// settle looks at the suspects again, a few times. What still does not fit is found.
func (c *check) settle(ctx context.Context) error {
	byID := func(a, b order.ID) int { return a.Compare(b.UUID) }
	for look := 0; len(c.suspects) > 0; look++ {
		if look > 0 {
			if err := c.Wait(ctx, pauses[look-1]); err != nil {
				return err
			}
		}
		for some := range slices.Chunk(slices.SortedFunc(maps.Keys(c.suspects), byID), lookAtOnce) {
			if err := c.look(ctx, some, look == len(pauses)); err != nil {
				return err
			}
		}
	}
	return nil
}

// look drops suspects of which everything fits, and finds the others on the last look.
func (c *check) look(ctx context.Context, orderIDs []order.ID, last bool) error {
	before, err := c.ordersOf(ctx, orderIDs)
	if err != nil {
		return err
	}
	paid := make(map[order.ID][]payment.Payment, len(before))
	for _, o := range before {
		if paid[o.ID], err = c.Payments(ctx, store.PaymentQuery{OrderID: o.ID, Limit: maxPayments}); err != nil {
			return err
		}
	}
	// The sagas come after what they change and before the order again, which is the last that a saga
	// changes: had one changed something since the order was read, either it or the order would show.
	all, err := c.gather(ctx, before, paid, before)
	if err != nil {
		return err
	}
	after, err := c.ordersOf(ctx, orderIDs)
	if err != nil {
		return err
	}
	for i, f := range all {
		problems, changing := f.problems(), after[i].Version != f.order.Version
		if len(problems) > 0 && !last {
			continue
		}
		delete(c.suspects, f.order.ID)
		for _, p := range problems {
			v := Violation{Invariant: p.invariant, Shard: c.Owner(f.order.ID.Slot()), OrderID: f.order.ID.String(), Detail: p.detail}
			if p.unsettled || changing {
				c.unsettled(v)
				continue
			}
			c.found(v)
		}
	}
	return nil
}

// ordersOf reads orders; one that is not there has its id alone.
func (c *check) ordersOf(ctx context.Context, orderIDs []order.ID) ([]order.Order, error) {
	found, err := c.FindOrders(ctx, orderIDs)
	if err != nil {
		return nil, err
	}
	byID := make(map[order.ID]order.Order, len(found))
	for _, o := range found {
		byID[o.ID] = o
	}
	orders := make([]order.Order, len(orderIDs))
	for i, orderID := range orderIDs {
		orders[i] = byID[orderID]
		orders[i].ID = orderID
	}
	return orders, nil
}
