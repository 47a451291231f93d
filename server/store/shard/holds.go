package shard

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// HoldStock asks the shards of the SKUs one after the other, in an order that is the same for all,
// and stops behind one that has not enough. So of many who want the same SKUs, those who are first
// at the first shard get all of them, and the others stand in nobody's way. Who wants nothing any
// more lets go, as ReleaseStock does.
func (s *Store) HoldStock(
	ctx context.Context, orderID order.ID, demands []stock.Demand, expires time.Time,
) ([]stock.Hold, error) {
	places, holds := s.bySKU(demands), make([]stock.Hold, len(demands))
	for i, d := range demands {
		holds[i] = stock.Hold{OrderID: orderID, SKU: d.SKU}
	}
	owners := slices.Sorted(maps.Keys(places))
	if !slices.ContainsFunc(demands, func(d stock.Demand) bool { return d.Quantity > 0 }) {
		slices.Reverse(owners)
	}
	for _, owner := range owners {
		err := askOne(s.shards[owner], places[owner], demands, holds, func(one store.Store, mine []stock.Demand) ([]stock.Hold, error) {
			return one.HoldStock(ctx, orderID, mine, expires)
		})
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(places[owner], func(place int) bool {
			return holds[place].State == stock.Unavailable && holds[place].Quantity > 0
		}) {
			break
		}
	}
	return holds, nil
}

// ReleaseStock asks the shards of the SKUs one after the other, in the opposite order of HoldStock,
// and stops at one that fails. So what is free at the first shard is free at the others already:
// of many who want the same SKUs, those who get the first get all of them also while others let go.
func (s *Store) ReleaseStock(ctx context.Context, orderID order.ID, skus []string) ([]stock.Hold, error) {
	places, holds := s.byName(skus), make([]stock.Hold, len(skus))
	for _, owner := range slices.Backward(slices.Sorted(maps.Keys(places))) {
		err := askOne(s.shards[owner], places[owner], skus, holds, func(one store.Store, mine []string) ([]stock.Hold, error) {
			return one.ReleaseStock(ctx, orderID, mine)
		})
		if err != nil {
			return nil, err
		}
	}
	return holds, nil
}

// HoldsOf asks the shards of the SKUs at once.
func (s *Store) HoldsOf(ctx context.Context, orderID order.ID, skus []string) ([]stock.Hold, error) {
	return spread(s, s.byName(skus), skus, func(one store.Store, mine []string) ([]stock.Hold, error) {
		return one.HoldsOf(ctx, orderID, mine)
	})
}

// CommitStock asks the shards of the SKUs at once. Where there are several, all are first asked
// whether they may, so that a wrong request changes nothing in any.
func (s *Store) CommitStock(
	ctx context.Context, orderID order.ID, demands []stock.Demand, r store.Request,
) ([]stock.Hold, error) {
	places := s.bySKU(demands)
	if len(places) > 1 {
		if err := s.MayCommitStock(ctx, orderID, demands, r); err != nil {
			return nil, err
		}
	}
	return spread(s, places, demands, func(one store.Store, mine []stock.Demand) ([]stock.Hold, error) {
		return one.CommitStock(ctx, orderID, mine, r)
	})
}

// MayCommitStock asks the shards of the SKUs at once.
func (s *Store) MayCommitStock(ctx context.Context, orderID order.ID, demands []stock.Demand, r store.Request) error {
	_, err := spread(s, s.bySKU(demands), demands, func(one store.Store, mine []stock.Demand) ([]stock.Hold, error) {
		return make([]stock.Hold, len(mine)), one.MayCommitStock(ctx, orderID, mine, r)
	})
	return err
}

// ExpireHolds sweeps the shards in the order of ReleaseStock, and stops behind one that may have more
// to let go. One that fails keeps none of the others from it.
func (s *Store) ExpireHolds(ctx context.Context, now time.Time, limit int) (all []stock.Hold, err error) {
	for _, one := range slices.Backward(s.shards) {
		gone, failed := one.ExpireHolds(ctx, now, limit)
		all, err = append(all, gone...), errors.Join(err, failed)
		if len(gone) == limit {
			break
		}
	}
	return all, err
}

// AuditStock asks every shard and merges by SKU. To learn which shard holds what, audit the Shards.
func (s *Store) AuditStock(ctx context.Context, after string, limit int) ([]store.AuditedStock, error) {
	return merge(ctx, s.shards, limit, store.AuditedStock.CompareSKU, func(ctx context.Context, one store.Store) ([]store.AuditedStock, error) {
		return one.AuditStock(ctx, after, limit)
	})
}

// StockTotals adds up the shards.
func (s *Store) StockTotals(ctx context.Context) (all store.StockTotals, err error) {
	for _, one := range s.shards {
		totals, err := one.StockTotals(ctx)
		if err != nil {
			return all, err
		}
		all.Held += totals.Held
		all.Oversold += totals.Oversold
	}
	return all, nil
}

// AuditHolds asks every shard and merges by key.
func (s *Store) AuditHolds(ctx context.Context, after id.UUID, limit int) ([]store.AuditedHold, error) {
	byKey := func(a, b store.AuditedHold) int { return a.Key.Compare(b.Key) }
	return merge(ctx, s.shards, limit, byKey, func(ctx context.Context, one store.Store) ([]store.AuditedHold, error) {
		return one.AuditHolds(ctx, after, limit)
	})
}

// FindHolds asks the shards of the SKUs at once.
func (s *Store) FindHolds(ctx context.Context, keys []store.HoldKey) ([]stock.Hold, error) {
	slotOf := func(key store.HoldKey) id.Slot { return stock.SlotOf(key.SKU) }
	return find(s, keys, slotOf, func(one store.Store, mine []store.HoldKey) ([]stock.Hold, error) {
		return one.FindHolds(ctx, mine)
	})
}

// bySKU gives the places of the demands by the shard that owns the SKU.
func (s *Store) bySKU(demands []stock.Demand) map[int][]int {
	places := make(map[int][]int, len(s.shards))
	for i, d := range demands {
		owner := s.owners[stock.SlotOf(d.SKU)]
		places[owner] = append(places[owner], i)
	}
	return places
}

func (s *Store) byName(skus []string) map[int][]int {
	demands := make([]stock.Demand, len(skus))
	for i, sku := range skus {
		demands[i].SKU = sku
	}
	return s.bySKU(demands)
}

// spread asks each shard for its items, all at once, and puts the answers into the items' order.
// One that fails does not stop the others: what they did stays, and asking again settles the rest.
func spread[In any](
	s *Store, places map[int][]int, items []In, ask func(store.Store, []In) ([]stock.Hold, error),
) ([]stock.Hold, error) {
	answers := make([]stock.Hold, len(items))
	var group errgroup.Group
	for owner, mine := range places {
		group.Go(func() error { return askOne(s.shards[owner], mine, items, answers, ask) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return answers, nil
}

// askOne asks a shard for the items at its places, and puts its answers there.
func askOne[In any](
	one store.Store, places []int, items []In, answers []stock.Hold, ask func(store.Store, []In) ([]stock.Hold, error),
) error {
	mine := make([]In, len(places))
	for i, place := range places {
		mine[i] = items[place]
	}
	got, err := ask(one, mine)
	if err != nil {
		return err
	}
	for i, place := range places {
		answers[place] = got[i]
	}
	return nil
}
