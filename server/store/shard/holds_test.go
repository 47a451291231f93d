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

func (s shelf) answer(n int) ([]stock.Hold, error) {
	s.asked = append(s.asked, s.name)
	if s.name == s.broken {
		return nil, errBroken
	}
	return make([]stock.Hold, n), nil
}

func TestStore_ReleaseStock(t *testing.T) {
	const shards = 8
	skus, demands := make([]string, 100), make([]stock.Demand, 100) // some of each shard
	for i := range skus {
		skus[i] = fmt.Sprint("SKU-", i)
		demands[i] = stock.Demand{SKU: skus[i], Quantity: 1}
	}
	open := func(t *testing.T, broken int) (*warehouse, *shard.Store) {
		t.Helper()
		w, shelves := &warehouse{broken: broken}, make([]store.Store, shards)
		for i := range shelves {
			shelves[i] = shelf{warehouse: w, name: i}
		}
		s, err := shard.New(shard.Even(shards), shelves)
		require.NoError(t, err)
		return w, s
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
	t.Run("keeps the shards in front of one that fails", func(t *testing.T) {
		w, s := open(t, 5)
		_, err := s.ReleaseStock(t.Context(), order.ID{}, skus)
		require.ErrorIs(t, err, errBroken)
		require.Equal(t, []int{7, 6, 5}, w.asked)
	})
}
