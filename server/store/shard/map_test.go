package shard_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/shard"
)

func TestMap(t *testing.T) {
	t.Run("an even map gives each shard the same number of slots, or one more", func(t *testing.T) {
		for _, n := range []int{1, 2, 3, 4, 7, 100, id.Slots} {
			m := shard.Even(n)
			require.NoError(t, m.Check(n))
			require.Len(t, m.Ranges, n)
			for _, r := range m.Ranges {
				require.Contains(t, []int{id.Slots / n, id.Slots/n + 1}, int(r.Last)-int(r.First)+1)
			}
		}
	})
	t.Run("a map that does not give every slot one owner is refused", func(t *testing.T) {
		for name, ranges := range map[string][]shard.Range{
			"nothing":       {},
			"a late start":  {{First: 1, Last: 4095}},
			"an early end":  {{First: 0, Last: 4094}},
			"a hole":        {{First: 0, Last: 9}, {First: 11, Last: 4095}},
			"an overlap":    {{First: 0, Last: 10}, {First: 10, Last: 4095}},
			"a wrong order": {{First: 10, Last: 4095}, {First: 0, Last: 9}},
			"a turned one":  {{First: 0, Last: 10}, {First: 11, Last: 5}},
			"beyond":        {{First: 0, Last: 4096}},
			"no such shard": {{First: 0, Last: 4095, Shard: 1}},
			"below zero":    {{First: 0, Last: 4095, Shard: -1}},
		} {
			require.Error(t, shard.Map{Ranges: ranges}.Check(1), name)
		}
	})
	t.Run("slots are sent where the map says, not where they were dealt", func(t *testing.T) {
		m := shard.Map{Ranges: []shard.Range{{First: 0, Last: 9, Shard: 1}, {First: 10, Last: 4095}}}
		s, err := shard.New(m, make([]store.Store, 2))
		require.NoError(t, err)
		require.Equal(t, 1, s.Owner(9))
		require.Equal(t, 0, s.Owner(10))
		require.Equal(t, 0, s.Owner(4095))
	})
	t.Run("customers spread over four shards within a tenth", func(t *testing.T) {
		s, err := shard.New(shard.Even(4), make([]store.Store, 4))
		require.NoError(t, err)
		const customers = 40_000
		var counts [4]int
		for i := range customers {
			counts[s.Owner(id.SlotOf(strconv.Itoa(12346+i)))]++
		}
		for _, n := range counts {
			require.InEpsilon(t, customers/4, n, 0.1)
		}
	})
}
