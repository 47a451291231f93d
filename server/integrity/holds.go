package integrity

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// checkHolds reads all holds of a shard and gives how many there are. One that stays must be of an
// order that holds it.
func (c *check) checkHolds(ctx context.Context, shard int, one store.Store) (holds int64, err error) {
	var after id.UUID
	for {
		page, err := one.AuditHolds(ctx, after, pageSize)
		if err != nil || len(page) == 0 {
			return holds, err
		}
		staying := map[order.ID][]string{}
		for _, h := range page {
			if h.Key != stock.HoldID(h.OrderID, h.SKU) {
				c.found(Violation{
					Invariant: Placement, Shard: shard, OrderID: h.OrderID.String(), SKU: h.SKU,
					Detail: fmt.Sprintf("its hold of %s is stored under another key", h.SKU),
				})
			}
			if stays(h.Hold) {
				staying[h.OrderID] = append(staying[h.OrderID], h.SKU)
			}
		}
		orders, err := c.ordersOf(ctx, slices.Collect(maps.Keys(staying)))
		if err != nil {
			return holds, err
		}
		for _, o := range orders {
			wanted := wants(o)
			for _, sku := range staying[o.ID] {
				if _, ok := wanted[sku]; !ok && !waiting(o) {
					c.suspects.add(o.ID, sku)
				}
			}
		}
		if err := c.settleMany(ctx); err != nil {
			return holds, err
		}
		holds += int64(len(page))
		after = page[len(page)-1].Key
	}
}
