// Package shard makes one store of many: it sends what has a slot to the shard that owns the slot,
// and asks all of them for what has none.
package shard

import (
	"fmt"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
)

// Map says which shard owns which slots. Its ranges are sorted and cover every slot once.
type Map struct {
	Epoch  int64 // counts changes of the map, from 1
	Ranges []Range
}

// Range is a run of slots of one shard.
type Range struct {
	First, Last id.Slot // both belong to it
	Shard       int     // the place of the shard in the configuration, from 0
}

// Even gives n shards, 1 or more, the same number of slots each, or one more.
func Even(n int) Map {
	m := Map{Epoch: 1, Ranges: make([]Range, n)}
	for i := range n {
		m.Ranges[i] = Range{First: id.Slot(i * id.Slots / n), Last: id.Slot((i+1)*id.Slots/n - 1), Shard: i} //nolint:gosec // below 4096
	}
	return m
}

// Check refuses a map with holes, overlaps or shards that are not among the first n.
func (m Map) Check(n int) error {
	next := 0
	for _, r := range m.Ranges {
		if int(r.First) != next || r.Last < r.First {
			return fmt.Errorf("the shard map has a hole or an overlap at slot %d", next)
		}
		if r.Shard < 0 || r.Shard >= n {
			return fmt.Errorf("the shard map names shard %d, but %d shards are configured (store.shards)", r.Shard, n)
		}
		next = int(r.Last) + 1
	}
	if next != id.Slots {
		return fmt.Errorf("the shard map ends before slot %d", next)
	}
	return nil
}

// owners spreads the map into one entry a slot.
func (m Map) owners() (owners [id.Slots]int) {
	for _, r := range m.Ranges {
		for slot := int(r.First); slot <= int(r.Last); slot++ {
			owners[slot] = r.Shard
		}
	}
	return owners
}
