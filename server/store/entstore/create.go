package entstore

import (
	"context"

	"github.com/google/uuid"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/ent/db/request"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/coalesce"
)

// CreateOrder shares its commit with the other orders that are being created just now.
func (s *Store) CreateOrder(ctx context.Context, n store.NewOrder) (order.Order, error) {
	return s.creates.Do(ctx, n)
}

type created = coalesce.Result[order.Order]

// flushCreates stores a batch of new orders in one transaction. When that fails for a reason that
// may lie in one of them, each goes alone, so that one that fails fails alone.
func (s *Store) flushCreates(ctx context.Context, batch []store.NewOrder) []created {
	createAll := s.createAll
	if s.takesArrays(batch) {
		createAll = s.createAtOnce
	}
	results, err := createAll(ctx, batch)
	if err == nil {
		return results
	}
	results = make([]created, len(batch))
	for i := range batch {
		if len(batch) > 1 && fault.KindOf(err) != fault.KindUnavailable {
			results[i] = s.flushCreates(ctx, batch[i:i+1])[0]
			continue
		}
		results[i].Err = err
	}
	return results
}

func (s *Store) createAll(ctx context.Context, batch []store.NewOrder) (results []created, err error) {
	err = s.inTx(ctx, func(tx *db.Tx) error {
		results = make([]created, len(batch))
		keys := make([]uuid.UUID, len(batch))
		for i, n := range batch {
			keys[i] = n.Request.Key
		}
		answered, err := answers(ctx, tx, keys)
		if err != nil {
			return err
		}
		leaders := make(map[[16]byte]int, len(batch))
		rows := newRows(tx)
		for i, n := range batch {
			if earlier, ok := answered[n.Request.Key]; ok {
				results[i] = earlier.to(n.Request)
				continue
			}
			if leader, ok := leaders[n.Request.Key]; ok && n.Request != (store.Request{}) {
				results[i] = answer{batch[leader].Request.Fingerprint, results[leader]}.to(n.Request)
				continue
			}
			leaders[n.Request.Key] = i
			results[i].Value, results[i].Err = rows.addNew(n)
		}
		return rows.insert(ctx)
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
func answers(ctx context.Context, tx *db.Tx, keys []uuid.UUID) (map[[16]byte]answer, error) {
	rows, err := tx.Request.Query().Where(request.IDIn(keys...)).All(ctx)
	if err != nil {
		return nil, err
	}
	found := make(map[[16]byte]answer, len(rows))
	for _, row := range rows {
		o, err := replay(ctx, tx.Client(), row)
		if err != nil {
			return nil, err
		}
		found[row.ID] = answer{[32]byte(row.Fingerprint), created{Value: o}}
	}
	return found, nil
}

// rows gathers the rows of a transaction, so that each table is written by one statement.
type rows struct {
	tx       *db.Tx
	orders   []*db.OrderCreate
	events   []*db.OrderEventCreate
	requests []*db.RequestCreate
}

func newRows(tx *db.Tx) *rows { return &rows{tx: tx} }

// addNew adds a new order with its event and, unless it has no key, its request.
func (r *rows) addNew(n store.NewOrder) (order.Order, error) {
	o, changes, err := order.Order{}.Advance(n.ID, n.Created, n.Change)
	if err != nil {
		return o, err
	}
	row, err := newOrderRow(r.tx.Order, o)
	if err != nil {
		return o, err
	}
	if err := r.addEvents(changes); err != nil {
		return o, err
	}
	r.orders = append(r.orders, row)
	r.addRequest(n.Request, o)
	return o, nil
}

func (r *rows) addEvents(events []order.Event) error {
	for _, e := range events {
		row, err := newEventRow(r.tx.OrderEvent, e)
		if err != nil {
			return err
		}
		r.events = append(r.events, row)
	}
	return nil
}

func (r *rows) addRequest(q store.Request, o order.Order) {
	if q == (store.Request{}) {
		return
	}
	r.requests = append(r.requests, r.tx.Request.Create().
		SetID(q.Key).
		SetSlot(int16(o.ID.Slot())). //nolint:gosec // below 4096
		SetFingerprint(q.Fingerprint[:]).
		SetOrderID(uuid.UUID(o.ID.UUID)).
		SetVersion(o.Version).
		SetCreateTime(o.Updated))
}

// insert writes what was gathered and forgets it.
func (r *rows) insert(ctx context.Context) error {
	if len(r.orders) > 0 {
		if err := r.tx.Order.CreateBulk(r.orders...).Exec(ctx); err != nil {
			return err
		}
	}
	if len(r.events) > 0 {
		if err := r.tx.OrderEvent.CreateBulk(r.events...).Exec(ctx); err != nil {
			return err
		}
	}
	if len(r.requests) > 0 {
		if err := r.tx.Request.CreateBulk(r.requests...).Exec(ctx); err != nil {
			return err
		}
	}
	r.orders, r.events, r.requests = nil, nil, nil
	return nil
}
