package entstore

import (
	"context"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/orderprocessing/orderprocessing/ent/db"
	enthold "github.com/orderprocessing/orderprocessing/ent/db/hold"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/coalesce"
)

// HoldStock shares its commit with whatever else happens to holds just now, as all of these do.
func (s *Store) HoldStock(
	ctx context.Context, orderID order.ID, demands []stock.Demand, expires time.Time,
) ([]stock.Hold, error) {
	op := stockOp{act: holding, at: expires.UTC().Truncate(time.Microsecond), lines: linesOf(orderID, stock.Sum(demands)), caller: callerOf(ctx)}
	if expires.IsZero() {
		op.at = time.Time{}
	}
	holds, err := s.stock.Do(ctx, op)
	return inOrder(skusOf(demands), holds), err
}

// ReleaseStock lets go.
func (s *Store) ReleaseStock(ctx context.Context, orderID order.ID, skus []string) ([]stock.Hold, error) {
	holds, err := s.stock.Do(ctx, stockOp{act: releasing, lines: linesOf(orderID, once(skus)), caller: callerOf(ctx)})
	return inOrder(skus, holds), err
}

// CommitStock takes stock off the shelf.
func (s *Store) CommitStock(
	ctx context.Context, orderID order.ID, demands []stock.Demand, r store.Request,
) ([]stock.Hold, error) {
	op := stockOp{act: committing, request: r, lines: linesOf(orderID, stock.Sum(demands)), caller: callerOf(ctx)}
	holds, err := s.stock.Do(ctx, op)
	return inOrder(skusOf(demands), holds), err
}

// MayCommitStock decides without a lock and writes nothing.
func (s *Store) MayCommitStock(ctx context.Context, orderID order.ID, demands []stock.Demand, r store.Request) error {
	op := stockOp{act: committing, request: r, lines: linesOf(orderID, stock.Sum(demands))}
	tx, err := s.snapshot(ctx)
	if err != nil {
		return fromDriver(err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	b, err := entShelf{tx}.read(ctx, []stockOp{op})
	if err != nil {
		return fromDriver(err)
	}
	_, err = b.apply(op)
	return err
}

// ExpireHolds looks for what is over without a lock; what is still open and still over when its
// turn comes is let go.
func (s *Store) ExpireHolds(ctx context.Context, now time.Time, limit int) ([]stock.Hold, error) {
	rows, err := s.read.Hold.Query().Where(enthold.ExpireTimeLTE(now.UTC())).
		Order(enthold.ByExpireTime(entsql.OrderAsc())).Limit(limit).All(ctx)
	if err != nil || len(rows) == 0 {
		return nil, fromDriver(err)
	}
	op := stockOp{act: expiring, at: now, caller: callerOf(ctx)}
	for _, row := range rows {
		op.lines = append(op.lines, newLine(order.ID{UUID: id.UUID(row.OrderID)}, row.Sku, 0))
	}
	return s.stock.Do(ctx, op)
}

// HoldsOf reads by key.
func (s *Store) HoldsOf(ctx context.Context, orderID order.ID, skus []string) ([]stock.Hold, error) {
	lines := linesOf(orderID, once(skus))
	stored, err := readHolds(ctx, s.read.Hold, lines)
	if err != nil {
		return nil, fromDriver(err)
	}
	holds := make([]stock.Hold, len(lines))
	for i, l := range lines {
		holds[i] = stored.of(l)
	}
	return inOrder(skus, holds), nil
}

type settled = coalesce.Result[[]stock.Hold]

func (s *Store) flushStock(ctx context.Context, batch []stockOp) []settled {
	return together(ctx, batch, s.settleAll)
}

func (s *Store) settleAll(ctx context.Context, batch []stockOp) (results []settled, err error) {
	now := s.now().UTC().Truncate(time.Microsecond)
	if s.database.Dialect() == dialect.Postgres {
		err = again(ctx, func() error {
			return onPostgres(ctx, s.database, func(sh shelf) (write func() error, err error) {
				results, write, err = settle(ctx, sh, batch, now)
				return write, err
			})
		})
		return results, err
	}
	err = s.inTx(ctx, func(tx *db.Tx) error {
		var write func() error
		if results, write, err = settle(ctx, entShelf{tx}, batch, now); err != nil {
			return err
		}
		return write()
	})
	return results, err
}

// inOrder gives the holds of these SKUs, in their order.
func inOrder(skus []string, holds []stock.Hold) []stock.Hold {
	if holds == nil {
		return nil
	}
	bySKU := make(map[string]stock.Hold, len(holds))
	for _, h := range holds {
		bySKU[h.SKU] = h
	}
	ordered := make([]stock.Hold, len(skus))
	for i, sku := range skus {
		ordered[i] = bySKU[sku]
	}
	return ordered
}

func skusOf(demands []stock.Demand) []string {
	skus := make([]string, len(demands))
	for i, d := range demands {
		skus[i] = d.SKU
	}
	return skus
}

// once names each SKU once.
func once(skus []string) []stock.Demand {
	demands := make([]stock.Demand, len(skus))
	for i, sku := range skus {
		demands[i].SKU = sku
	}
	return stock.Sum(demands)
}

func uuids(ids []id.UUID) []uuid.UUID {
	all := make([]uuid.UUID, len(ids))
	for i, u := range ids {
		all[i] = uuid.UUID(u)
	}
	return all
}
