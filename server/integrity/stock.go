package integrity

import (
	"context"
	"fmt"

	"github.com/orderprocessing/orderprocessing/server/store"
)

// stockPage is how many SKUs are read from one snapshot.
const stockPage = 200

// checkStock reads all stock of a shard and gives how many SKUs there are. A level and the rows it
// sums up come from one snapshot: whatever happens meanwhile shows in both or in neither.
func (c *check) checkStock(ctx context.Context, shard int, one store.Store) (skus int64, err error) {
	after := ""
	for {
		page, err := one.AuditStock(ctx, after, stockPage)
		if err != nil || len(page) == 0 {
			return skus, err
		}
		for _, a := range page {
			c.inspectStock(shard, a)
		}
		skus += int64(len(page))
		after = page[len(page)-1].Level.SKU
	}
}

func (c *check) inspectStock(shard int, a store.AuditedStock) {
	found := func(invariant, format string, args ...any) {
		c.found(Violation{Invariant: invariant, Shard: shard, SKU: a.Level.SKU, Detail: fmt.Sprintf(format, args...)})
	}
	l := a.Level
	if owner := c.Owner(a.Slot()); owner != shard {
		found(Placement, "slot %d belongs to shard %d", a.Slot(), owner)
	}
	if a.StrayedRows != 0 {
		found(Placement, "%d rows say another slot than %d", a.StrayedRows, a.Slot())
	}
	if l.Held != a.Open {
		found(Held, "%d are held, the open holds make %d", l.Held, a.Open)
	}
	if l.Backordered != a.Waiting {
		found(Held, "%d are still to come, the backordered holds make %d", l.Backordered, a.Waiting)
	}
	if l.OnHand != a.Adjusted-a.Left {
		found(OnHand, "%d are on hand, %d came and %d left", l.OnHand, a.Adjusted, a.Left)
	}
	if a.Left != a.Committed {
		found(OnHand, "%d left, by the holds %d", a.Left, a.Committed)
	}
	if l.Held > l.OnHand+l.BackorderLimit || l.Free() < 0 {
		found(Oversold, "%d are on hand, %d may be to come, %d are held", l.OnHand, l.BackorderLimit, l.Held)
	}
}
