package integrity

import (
	"context"
	"fmt"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// pageSize is how many orders are read from one snapshot.
const pageSize = 500

// checkOrders reads all orders of a shard, and beside them their payments.
func (c *check) checkOrders(ctx context.Context, shard *Shard, one store.Store, payments *paymentWalk, read func(int64)) error {
	var after id.UUID
	for {
		page, err := one.Audit(ctx, after, pageSize)
		if err != nil {
			return err
		}
		var orders []order.Order
		for _, a := range page {
			shard.Events += int64(len(a.Events))
			if a.Order.Version != 0 {
				shard.Orders++
				orders = append(orders, a.Order)
			}
			c.inspect(shard.Shard, a)
		}
		read(shard.Orders)
		if len(page) == 0 {
			return payments.rest(ctx)
		}
		after = page[len(page)-1].Key()
		paid, err := payments.until(ctx, after)
		if err != nil {
			return err
		}
		if err := c.suspect(ctx, orders, paid); err != nil {
			return err
		}
	}
}

// inspect checks what an order and its events say, which are of one snapshot.
func (c *check) inspect(shard int, a store.Audited) {
	found := func(invariant, format string, args ...any) {
		orderID := order.ID{UUID: a.Key()}.String()
		c.found(Violation{Invariant: invariant, Shard: shard, OrderID: orderID, Detail: fmt.Sprintf(format, args...)})
	}
	inspectPlacement(shard, a, c.Layout, found)
	if a.Err != nil {
		found(Events, "an event cannot be read: %s", a.Err)
		return
	}
	for i, e := range a.Events {
		if e.Sequence != int64(i+1) {
			found(Events, "event %d stands where %d should be", e.Sequence, i+1)
			return
		}
	}
	if a.Order.Version == 0 {
		found(Events, "there are %d events but no order", len(a.Events))
		return
	}
	if total, err := a.Order.Total(); err != nil || int64(total) != a.Total {
		found(Total, "the lines and carriage make %d, stored is %d", total, a.Total)
	}
	inspectParcels(a.Order, found)
	folded, err := order.Fold(a.Events)
	switch {
	case err != nil:
		found(Fold, "%s", err)
	case folded.Version != a.Order.Version:
		found(Events, "the order is at version %d, its last event is %d", a.Order.Version, folded.Version)
	case !folded.Equal(a.Order):
		found(Fold, "the stored order differs from what its %d events make", len(a.Events))
	}
}

func inspectPlacement(shard int, a store.Audited, layout Layout, found func(invariant, format string, args ...any)) {
	slot := a.Key().Slot()
	if owner := layout.Owner(slot); owner != shard {
		found(Placement, "slot %d belongs to shard %d", slot, owner)
	}
	if a.Order.Version != 0 && a.OrderSlot != slot {
		found(Placement, "the row says slot %d, its id %d", a.OrderSlot, slot)
	}
	if c := a.Order.CustomerID; c != "" && id.SlotOf(c) != slot {
		found(Placement, "the customer's slot is %d, the order's %d", id.SlotOf(c), slot)
	}
	for i, s := range a.EventSlots {
		if s != slot {
			found(Placement, "event %d says slot %d, its id %d", a.Events[i].Sequence, s, slot)
		}
	}
}

// inspectParcels checks that parcels carry and cost no more than the order, and all of them as much.
func inspectParcels(o order.Order, found func(invariant, format string, args ...any)) {
	var cost money.Minor
	last := false
	for _, s := range o.Shipments {
		cost += s.Amount
		last = last || s.Final
	}
	if total, err := o.Total(); err == nil && (cost > total || last && cost != total) {
		found(Parcels, "the parcels that have left cost %d of %d", cost, total)
	}
	for i, l := range o.Lines {
		if left := o.ShippedOf(i); left > l.Quantity {
			found(Parcels, "%d of line %d have left, %d were ordered", left, i+1, l.Quantity)
		}
	}
}
