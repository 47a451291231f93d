package cached

import (
	"context"
	"fmt"
	"time"

	"github.com/orderprocessing/orderprocessing/server/cache"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// Source is what copies are made of. It must not be a replica that lags behind.
type Source interface {
	Order(ctx context.Context, orderID order.ID) (order.Order, error)
	Orders(ctx context.Context, q store.OrderQuery) ([]order.Order, error)
}

// Orders reads orders that may be copies. It has what a look at them needs and no more, so that nobody
// decides on a copy.
type Orders struct {
	copies *Copies
	source Source
}

// Of reads copies of a source.
func (c *Copies) Of(s Source) *Orders { return &Orders{c, s} }

// isNothing tells whether an entry says that there is no such order.
func isNothing(e cache.Entry) bool { return len(e.Value) == 0 }

func orderKey(orderID order.ID) string { return "order:" + orderID.String() }

// listKey stands for all pages of a customer's list. Its lease names them, and ends when one of the orders
// changes: pages that were read before are not found by the name of those after.
func listKey(customerID string) string { return "list:" + customerID }

// Order is as store.Orders says. It knows no caller: whose the order is, its reader has to check.
func (o *Orders) Order(ctx context.Context, orderID order.ID) (order.Order, error) {
	key := orderKey(orderID)
	e, err := o.copies.read(ctx, place{key, func(context.Context) string { return key }},
		func(ctx context.Context) (cache.Entry, time.Duration, error) {
			found, err := o.source.Order(ctx, orderID)
			switch {
			case fault.ReasonOf(err) == fault.ReasonOrderNotFound:
				return cache.Entry{}, o.copies.jittered(notFoundFor), nil // nothing, at version 0
			case err != nil:
				return cache.Entry{}, 0, err
			}
			return cache.Entry{Version: found.Version, Value: encode(found)}, o.copies.jittered(o.copies.expiry), nil
		})
	switch {
	case err != nil:
		return order.Order{}, err
	case isNothing(e):
		return order.Order{}, order.NotFound()
	}
	found, ok := decode(e.Value)
	if !ok { // another version of the program has stored it
		return o.source.Order(ctx, orderID)
	}
	return found, nil
}

// Orders is as store.Orders says. Of lists that are not one customer's there are no copies.
func (o *Orders) Orders(ctx context.Context, q store.OrderQuery) ([]order.Order, error) {
	if q.CustomerID == "" {
		return o.source.Orders(ctx, q)
	}
	c := o.copies
	name := pageName(q)
	p := place{shared: func(ctx context.Context) string { return c.pageKey(ctx, c.shared, listKey(q.CustomerID), name) }}
	if key := c.usable(listKey(q.CustomerID)); key != "" {
		p.memory = c.pageKey(ctx, c.memory, key, name)
	}
	e, err := c.read(ctx, p, func(ctx context.Context) (cache.Entry, time.Duration, error) {
		found, err := o.source.Orders(ctx, q)
		if err != nil {
			return cache.Entry{}, 0, err
		}
		return cache.Entry{Value: encodePage(found)}, c.jittered(c.expiry), nil
	})
	if err != nil {
		return nil, err
	}
	found, ok := decodePage(e.Value)
	if !ok {
		return o.source.Orders(ctx, q)
	}
	return found, nil
}

// pageKey names a page of a list in a layer; empty where it cannot be kept.
func (c *Copies) pageKey(ctx context.Context, l *layer, list, name string) string {
	if l == c.shared && c.owed.has(list) {
		return ""
	}
	_, lease, _ := l.peek(ctx, list)
	if lease == 0 {
		return ""
	}
	return fmt.Sprintf("page:%d:%s", lease, name)
}

// pageName is all that makes a page of a customer's list.
func pageName(q store.OrderQuery) string {
	return fmt.Sprintf("%d %d %d %d %d %t %s %d %s", q.Lifecycle, q.Payment, q.Fulfillment,
		unixNano(q.From), unixNano(q.Before), q.Ascending, q.After, q.Limit, q.Number)
}

// unixNano is 0 for the zero time.
func unixNano(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}
