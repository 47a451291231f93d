package shard_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/shard"
)

// warehouse notes in what order the shards are asked. The shard named broken fails.
type warehouse struct {
	asked  []int
	broken int
	lapsed map[int]int // how many holds of each are over
}

// shelf is one shard of a warehouse.
type shelf struct {
	store.Store
	*warehouse
	name int
}

var errBroken = errors.New("broken")

func (s shelf) HoldStock(_ context.Context, _ order.ID, demands []stock.Demand, _ time.Time) ([]stock.Hold, error) {
	return s.answer(len(demands))
}

func (s shelf) ReleaseStock(_ context.Context, _ order.ID, skus []string) ([]stock.Hold, error) {
	return s.answer(len(skus))
}

func (s shelf) ExpireHolds(_ context.Context, _ time.Time, limit int) ([]stock.Hold, error) {
	gone := min(s.lapsed[s.name], limit)
	s.lapsed[s.name] -= gone
	return s.answer(gone)
}

func (s shelf) answer(n int) ([]stock.Hold, error) {
	s.asked = append(s.asked, s.name)
	if s.name == s.broken {
		return nil, errBroken
	}
	return make([]stock.Hold, n), nil
}

const shards = 8

func open(t *testing.T, broken int) (*warehouse, *shard.Store) {
	t.Helper()
	w, shelves := &warehouse{broken: broken, lapsed: map[int]int{}}, make([]store.Store, shards)
	for i := range shelves {
		shelves[i] = shelf{warehouse: w, name: i}
	}
	s, err := shard.New(shard.Even(shards), shelves)
	require.NoError(t, err)
	return w, s
}

func TestStore_ReleaseStock(t *testing.T) {
	skus, demands := make([]string, 100), make([]stock.Demand, 100) // some of each shard
	for i := range skus {
		skus[i] = fmt.Sprint("SKU-", i)
		demands[i] = stock.Demand{SKU: skus[i], Quantity: 1}
	}
	t.Run("lets go in the opposite order of holding", func(t *testing.T) {
		w, s := open(t, -1)
		_, err := s.HoldStock(t.Context(), order.ID{}, demands, time.Time{})
		require.NoError(t, err)
		require.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7}, w.asked)
		w.asked = nil
		_, err = s.ReleaseStock(t.Context(), order.ID{}, skus)
		require.NoError(t, err)
		require.Equal(t, []int{7, 6, 5, 4, 3, 2, 1, 0}, w.asked)
	})
	t.Run("so does who wants nothing any more", func(t *testing.T) {
		w, s := open(t, -1)
		nothing := make([]stock.Demand, len(skus))
		for i := range nothing {
			nothing[i].SKU = skus[i]
		}
		_, err := s.HoldStock(t.Context(), order.ID{}, nothing, time.Time{})
		require.NoError(t, err)
		require.Equal(t, []int{7, 6, 5, 4, 3, 2, 1, 0}, w.asked)
	})
	t.Run("keeps the shards in front of one that fails", func(t *testing.T) {
		w, s := open(t, 5)
		_, err := s.ReleaseStock(t.Context(), order.ID{}, skus)
		require.ErrorIs(t, err, errBroken)
		require.Equal(t, []int{7, 6, 5}, w.asked)
	})
}

func TestStore_ExpireHolds(t *testing.T) {
	t.Run("sweeps in the opposite order of holding", func(t *testing.T) {
		w, s := open(t, -1)
		w.lapsed[2], w.lapsed[6] = 3, 4
		gone, err := s.ExpireHolds(t.Context(), time.Time{}, 5)
		require.NoError(t, err)
		require.Len(t, gone, 7)
		require.Equal(t, []int{7, 6, 5, 4, 3, 2, 1, 0}, w.asked)
	})
	t.Run("goes on when a shard has no more", func(t *testing.T) {
		w, s := open(t, -1)
		w.lapsed[2], w.lapsed[6] = 3, 9
		gone, err := s.ExpireHolds(t.Context(), time.Time{}, 5)
		require.NoError(t, err)
		require.Len(t, gone, 5)
		require.Equal(t, []int{7, 6}, w.asked)
		gone, err = s.ExpireHolds(t.Context(), time.Time{}, 5)
		require.NoError(t, err)
		require.Len(t, gone, 7)
	})
	t.Run("a shard that fails keeps the others from nothing", func(t *testing.T) {
		w, s := open(t, 6)
		w.lapsed[2], w.lapsed[7] = 1, 1
		gone, err := s.ExpireHolds(t.Context(), time.Time{}, 5)
		require.ErrorIs(t, err, errBroken)
		require.Len(t, gone, 2)
	})
}
