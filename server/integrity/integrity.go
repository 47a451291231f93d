// Package integrity reads everything that is stored and tells where it breaks a promise. It only
// reads, may run while orders are taken, and leaves repair to people.
package integrity

import (
	"context"
	"fmt"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// The invariants that are checked, by their stable names.
const (
	Total     = "total_is_the_sum_of_lines"
	Events    = "events_have_no_gaps"
	Fold      = "events_fold_to_the_order"
	Placement = "rows_stand_in_their_shard"
	Held      = "held_is_the_sum_of_open_holds"
	OnHand    = "on_hand_is_what_came_less_what_left"
	Oversold  = "stock_is_not_oversold"
	Money     = "payments_agree_with_their_ledger"
)

// maxListed bounds the violations that a report lists; all are counted.
const maxListed = 1000

// pageSize is how many orders are read from one snapshot.
const pageSize = 500

// Report is what was found. It is clean when Violations is 0.
type Report struct {
	OK         bool        `json:"ok"`
	Orders     int64       `json:"orders"`
	Events     int64       `json:"events"`
	SKUs       int64       `json:"skus"`
	Payments   int64       `json:"payments"`
	Shards     []Shard     `json:"shards"` // in the order of the configuration
	Violations int64       `json:"violations"`
	Listed     []Violation `json:"listed"` // the first 1,000; never null
}

// Shard is what one shard holds.
type Shard struct {
	Shard    int   `json:"shard"`
	Orders   int64 `json:"orders"`
	Events   int64 `json:"events"`
	SKUs     int64 `json:"skus"`
	Payments int64 `json:"payments"`
}

// Violation is one promise that is broken.
type Violation struct {
	Invariant string `json:"invariant"`
	Shard     int    `json:"shard"`
	OrderID   string `json:"order_id"`      // empty when it is about stock
	SKU       string `json:"sku,omitempty"` // empty when it is about an order
	Detail    string `json:"detail"`
}

// Layout is the shards and who owns which slot.
type Layout interface {
	Shards() []store.Store
	Owner(slot id.Slot) int
}

// Check reads all shards, one after the other. progress, which may be nil, is told how many orders
// were read so far.
func Check(ctx context.Context, layout Layout, progress func(orders int64)) (Report, error) {
	r := Report{Listed: []Violation{}}
	for i, one := range layout.Shards() {
		shard := Shard{Shard: i}
		var after id.UUID
		for {
			page, err := one.Audit(ctx, after, pageSize)
			if err != nil {
				return r, fmt.Errorf("read shard %d: %w", i, err)
			}
			for _, a := range page {
				shard.Events += int64(len(a.Events))
				if a.Order.Version != 0 {
					shard.Orders++
				}
				r.inspect(i, a, layout)
			}
			if progress != nil {
				progress(r.Orders + shard.Orders)
			}
			if len(page) == 0 {
				break
			}
			after = page[len(page)-1].Key()
		}
		skus, err := r.checkStock(ctx, i, one, layout)
		if err != nil {
			return r, fmt.Errorf("read the stock of shard %d: %w", i, err)
		}
		payments, err := r.checkPayments(ctx, i, one, layout)
		if err != nil {
			return r, fmt.Errorf("read the payments of shard %d: %w", i, err)
		}
		shard.SKUs, shard.Payments = skus, payments
		r.SKUs += skus
		r.Payments += payments
		r.Orders += shard.Orders
		r.Events += shard.Events
		r.Shards = append(r.Shards, shard)
	}
	r.OK = r.Violations == 0
	return r, nil
}

func (r *Report) add(v Violation) {
	r.Violations++
	if len(r.Listed) < maxListed {
		r.Listed = append(r.Listed, v)
	}
}

func (r *Report) inspect(shard int, a store.Audited, layout Layout) {
	found := func(invariant, format string, args ...any) {
		orderID := order.ID{UUID: a.Key()}.String()
		r.add(Violation{Invariant: invariant, Shard: shard, OrderID: orderID, Detail: fmt.Sprintf(format, args...)})
	}
	inspectPlacement(shard, a, layout, found)
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
