package progress

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// Shards reads the sagas of all shards. Make it with NewShards.
type Shards struct {
	stores []*Store
	of     func(slot int) int
}

// NewShards reads from databases; of gives the place of a slot's.
func NewShards(databases []*database.Database, of func(slot int) int) *Shards {
	s := &Shards{of: of}
	for _, db := range databases {
		s.stores = append(s.stores, New(db, nil))
	}
	return s
}

// Find reads one record, or fails with SAGA_NOT_FOUND.
func (s *Shards) Find(ctx context.Context, slot int, subject, name string) (saga.Record, error) {
	key := saga.Key(subject, name)
	r, err := s.stores[s.of(slot)].Find(ctx, key)
	if err == nil && r == nil {
		err = saga.ErrNotFound(key)
	}
	if err != nil {
		return saga.Record{}, err
	}
	return *r, nil
}

// List merges the pages of all shards.
func (s *Shards) List(ctx context.Context, page saga.Page) ([]saga.Record, error) {
	var all []saga.Record
	for _, store := range s.stores {
		records, err := store.List(ctx, page)
		if err != nil {
			return nil, err
		}
		all = append(all, records...)
	}
	slices.SortFunc(all, func(a, b saga.Record) int { return cmp.Compare(a.Key(), b.Key()) })
	return all[:min(page.Limit, len(all))], nil
}

// Observe tells how many sagas of the book stand where, and how old the oldest is.
func (s *Shards) Observe(ctx context.Context, book saga.Book, now time.Time, observer saga.Observer) error {
	type place struct {
		saga  string
		state saga.State
	}
	counts := map[place]Count{}
	for _, store := range s.stores {
		found, err := store.Counts(ctx)
		if err != nil {
			return err
		}
		for _, c := range found {
			at := place{c.Saga, c.State}
			sum := counts[at]
			if sum.Count == 0 || c.Oldest.Before(sum.Oldest) {
				sum.Oldest = c.Oldest
			}
			sum.Count += c.Count
			counts[at] = sum
		}
	}
	for name := range book {
		for _, state := range saga.Unfinished() {
			age := time.Duration(0)
			c := counts[place{name, state}]
			if c.Count > 0 {
				age = max(0, now.Sub(c.Oldest))
			}
			observer.SagasStanding(name, state.String(), c.Count, age)
		}
	}
	return nil
}
