package entstore

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/stock"
)

// changes is what a batch writes. Levels are in the order of their keys.
type changes struct {
	now      time.Time
	levels   []levelChange
	newHolds []stock.Hold
	holds    []stock.Hold
	commits  []commitment
}

// levelChange is by how much a level changes.
type levelChange struct {
	sku                       string
	onHand, held, backordered int64
}

func (b *book) changes(now time.Time) changes {
	c := changes{now: now, commits: b.newCommits}
	for sku, next := range b.levels {
		was := b.levelsRead[sku]
		d := levelChange{sku, next.OnHand - was.OnHand, next.Held - was.Held, next.Backordered - was.Backordered}
		if d != (levelChange{sku: sku}) {
			c.levels = append(c.levels, d)
		}
	}
	for key, next := range b.holds {
		switch was, stored := b.holdsRead[key]; {
		case next.State == stock.Requested, next == was:
		case stored:
			c.holds = append(c.holds, next)
		default:
			c.newHolds = append(c.newHolds, next)
		}
	}
	slices.SortFunc(c.levels, func(x, y levelChange) int { return strings.Compare(x.sku, y.sku) })
	byKey := func(x, y stock.Hold) int {
		return cmp.Or(strings.Compare(x.SKU, y.SKU), x.OrderID.Compare(y.OrderID.UUID))
	}
	slices.SortFunc(c.holds, byKey)
	slices.SortFunc(c.newHolds, byKey)
	return c
}
