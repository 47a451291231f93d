package entstore

import (
	"context"

	"github.com/google/uuid"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/ent/db/request"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/coalesce"
)

// CreateOrder shares its commit with the other orders that are being created just now.
func (s *Store) CreateOrder(ctx context.Context, n store.NewOrder) (order.Order, error) {
	return s.creates.Do(ctx, &newOrder{n, callerOf(ctx)})
}

// newOrder is one call of CreateOrder.
type newOrder struct {
	store.NewOrder
	caller
}

type created = coalesce.Result[order.Order]

func (s *Store) flushCreates(ctx context.Context, batch []*newOrder) []created {
	if s.takesArrays(batch) {
		return together(ctx, batch, s.createAtOnce)
	}
	return together(ctx, batch, s.createAll)
}

func (s *Store) createAll(ctx context.Context, batch []*newOrder) (results []created, err error) {
	err = s.inTxWaking(ctx, func(tx *db.Tx, w *wakes) error {
		results = make([]created, len(batch))
		answered, err := s.answers(ctx, tx, keysOf(batch, func(n *newOrder) store.Request { return n.Request }))
		if err != nil {
			return err
		}
		rows := rows{wakes: w}
		for i, n := range batch {
			if first, ok := answered[n.Request.Key]; ok {
				results[i] = first.to(n.Request)
				continue
			}
			w.of(n.caller)
			results[i].Value, results[i].Err = rows.addNew(n.NewOrder)
			if n.Request != (store.Request{}) {
				answered[n.Request.Key] = answer{n.Request.Fingerprint, results[i]}
			}
		}
		return s.write(ctx, tx, &rows)
	})
	return results, err
}

// answer is what a request got the first time.
type answer struct {
	fingerprint [32]byte
	created
}

// to gives the answer to the request that asks now: the first answer when it is the same request.
func (a answer) to(r store.Request) created {
	if a.fingerprint != r.Fingerprint {
		return created{Err: store.ErrRequestReused()}
	}
	return a.created
}

// answers finds which requests were answered before, and gives their answers by key.
func (s *Store) answers(ctx context.Context, tx *db.Tx, keys []uuid.UUID) (map[[16]byte]answer, error) {
	found := make(map[[16]byte]answer, len(keys))
	if len(keys) == 0 {
		return found, nil
	}
	rows, err := tx.Request.Query().Where(among(s, keys)).Order(request.ByID()).All(ctx) // in order: Postgres walks the index, also while the table is small
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		o, err := replay(ctx, tx.Client(), row)
		if err != nil {
			return nil, err
		}
		found[row.ID] = answer{[32]byte(row.Fingerprint), created{Value: o}}
	}
	return found, nil
}

// keysOf gives the keys of the requests of a batch that are to be remembered.
func keysOf[In any](batch []In, request func(In) store.Request) (keys []uuid.UUID) {
	for _, in := range batch {
		if r := request(in); r != (store.Request{}) {
			keys = append(keys, r.Key)
		}
	}
	return unique(keys)
}
