package entstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// The statements of stock on Postgres stand here as SQL: ent cannot write many rows with different
// values in one statement, nor send several statements in one round trip. A batch of any size is
// three round trips: read, write, commit. What they do is what entShelf does.
const (
	// Everything here is found by its key. A plan that was made while a table was small would read
	// all of it ever after, as long as the connection keeps the plan.
	useIndexes = `SET LOCAL enable_seqscan = off`

	// One lock a SKU, taken in key order. The order comes before the locks in the plan.
	lockLevels = `
SELECT sku, on_hand, held, backordered, backorder_limit, update_time
FROM stock_levels WHERE sku = ANY($1::text[]) ORDER BY sku FOR UPDATE`

	selectHolds = `
SELECT order_id, sku, quantity, committed, state, expire_time
FROM holds WHERE id = ANY($1::uuid[])`

	selectCommits = `
SELECT id, committed, fingerprint FROM stock_commits WHERE id = ANY($1::uuid[])`

	selectWaiting = `
SELECT order_id, sku, quantity, committed, state, expire_time
FROM holds WHERE sku = $1 AND state = 2 AND order_id > $2 ORDER BY order_id LIMIT $3`

	// The condition is the promise that stock is never oversold; the number of rows tells whether
	// it held for all.
	changeLevels = `
UPDATE stock_levels AS l
SET on_hand = l.on_hand + d.on_hand, held = l.held + d.held, backordered = l.backordered + d.backordered, update_time = $1
FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[]) AS d (sku, on_hand, held, backordered)
WHERE l.sku = d.sku
  AND l.on_hand + d.on_hand + l.backorder_limit >= l.held + d.held
  AND l.on_hand + d.on_hand >= l.held + d.held - l.backordered - d.backordered`

	insertHolds = `
INSERT INTO holds (id, slot, create_time, update_time, order_id, sku, quantity, committed, state, expire_time)
SELECT n.id, n.slot, $1, $1, n.order_id, n.sku, n.quantity, n.committed, n.state, n.expire_time
FROM unnest($2::uuid[], $3::smallint[], $4::uuid[], $5::text[], $6::bigint[], $7::bigint[], $8::smallint[], $9::timestamptz[])
  AS n (id, slot, order_id, sku, quantity, committed, state, expire_time)`

	changeHolds = `
UPDATE holds AS h
SET update_time = $1, quantity = n.quantity, committed = n.committed, state = n.state, expire_time = n.expire_time
FROM unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::smallint[], $6::timestamptz[])
  AS n (id, quantity, committed, state, expire_time)
WHERE h.id = n.id`

	insertCommits = `
INSERT INTO stock_commits (id, slot, order_id, sku, quantity, committed, fingerprint, time)
SELECT n.id, n.slot, n.order_id, n.sku, n.quantity, n.committed, n.fingerprint, $1
FROM unnest($2::uuid[], $3::smallint[], $4::uuid[], $5::text[], $6::bigint[], $7::bigint[], $8::bytea[])
  AS n (id, slot, order_id, sku, quantity, committed, fingerprint)`
)

// onPostgres runs one transaction: fn reads, decides and gives what writes.
func onPostgres(ctx context.Context, d *database.Database, fn func(shelf) (write func() error, err error)) error {
	return pipelined(ctx, d, func(conn *pgx.Conn) error {
		write, err := fn(pgShelf{conn})
		if err != nil {
			return err
		}
		return write()
	})
}

// pgShelf is a shelf on a Postgres connection. Reading begins its transaction.
type pgShelf struct{ conn *pgx.Conn }

func (p pgShelf) read(ctx context.Context, ops []stockOp) (*book, error) {
	b := newBook()
	skus, holds, commits := concerns(ops)
	batch := &pgx.Batch{}
	batch.Queue("BEGIN")
	batch.Queue(useIndexes)
	batch.Queue(lockLevels, skus).Query(func(rows pgx.Rows) error {
		var l stock.Level
		_, err := pgx.ForEachRow(rows, []any{&l.SKU, &l.OnHand, &l.Held, &l.Backordered, &l.BackorderLimit, &l.Updated}, func() error {
			b.addLevel(l)
			return nil
		})
		return err
	})
	// After the lock: a statement sees what was committed before it began.
	batch.Queue(selectHolds, raw(holds)).Query(func(rows pgx.Rows) error { return eachHold(rows, b.addHold) })
	if len(commits) > 0 {
		batch.Queue(selectCommits, raw(commits)).Query(func(rows pgx.Rows) error {
			var key [16]byte
			var committed int64
			var fingerprint []byte
			_, err := pgx.ForEachRow(rows, []any{&key, &committed, &fingerprint}, func() error {
				b.commits[key] = commitment{committed: committed, fingerprint: [32]byte(fingerprint)}
				return nil
			})
			return err
		})
	}
	return b, p.conn.SendBatch(ctx, batch).Close()
}

func (p pgShelf) waiting(ctx context.Context, sku string, after order.ID, limit int) (holds []stock.Hold, err error) {
	rows, err := p.conn.Query(ctx, selectWaiting, sku, [16]byte(after.UUID), limit)
	if err != nil {
		return nil, err
	}
	return holds, eachHold(rows, func(h stock.Hold) { holds = append(holds, h) })
}

func eachHold(rows pgx.Rows, take func(stock.Hold)) error {
	var orderID [16]byte
	var state int16
	var expires *time.Time
	var h stock.Hold
	_, err := pgx.ForEachRow(rows, []any{&orderID, &h.SKU, &h.Quantity, &h.Committed, &state, &expires}, func() error {
		h.OrderID, h.State, h.Expires = order.ID{UUID: orderID}, stock.HoldState(state), time.Time{} //nolint:gosec // as it was written
		if expires != nil {
			h.Expires = expires.UTC()
		}
		take(h)
		return nil
	})
	return err
}

func (p pgShelf) write(ctx context.Context, c changes) error {
	batch := &pgx.Batch{}
	covered := true
	queueWrites(batch, c, &covered)
	if batch.Len() == 0 {
		return nil
	}
	if err := p.conn.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	if !covered {
		return errLostRace
	}
	return nil
}

// queueWrites queues one statement a table. covered tells in the end whether all levels could change.
func queueWrites(batch *pgx.Batch, c changes, covered *bool) {
	if n := len(c.levels); n > 0 {
		skus, deltas := make([]string, n), [3][]int64{make([]int64, n), make([]int64, n), make([]int64, n)}
		for i, d := range c.levels {
			skus[i], deltas[0][i], deltas[1][i], deltas[2][i] = d.sku, d.onHand, d.held, d.backordered
		}
		batch.Queue(changeLevels, c.now, skus, deltas[0], deltas[1], deltas[2]).Exec(func(changed pgconn.CommandTag) error {
			*covered = changed.RowsAffected() == int64(n)
			return nil
		})
	}
	if len(c.newHolds) > 0 {
		h := columnsOf(c.newHolds)
		batch.Queue(insertHolds, c.now, h.ids, h.slots, h.orders, h.skus, h.quantities, h.committed, h.states, h.expires)
	}
	if len(c.holds) > 0 {
		h := columnsOf(c.holds)
		batch.Queue(changeHolds, c.now, h.ids, h.quantities, h.committed, h.states, h.expires)
	}
	if len(c.commits) > 0 {
		queueCommits(batch, c)
	}
}

func queueCommits(batch *pgx.Batch, c changes) {
	n := len(c.commits)
	ids, orders, slots, skus := make([][16]byte, n), make([][16]byte, n), make([]int16, n), make([]string, n)
	quantities, committed, fingerprints := make([]int64, n), make([]int64, n), make([][]byte, n)
	for i, left := range c.commits {
		ids[i], orders[i], slots[i], skus[i] = left.id, left.line.orderID.UUID, int16(left.id.Slot()), left.line.sku //nolint:gosec // below 4096
		quantities[i], committed[i], fingerprints[i] = left.line.quantity, left.committed, left.fingerprint[:]
	}
	batch.Queue(insertCommits, c.now, ids, slots, orders, skus, quantities, committed, fingerprints)
}

// holdColumns is holds as arrays, one a column.
type holdColumns struct {
	ids, orders           [][16]byte
	slots, states         []int16
	skus                  []string
	quantities, committed []int64
	expires               []*time.Time
}

func columnsOf(holds []stock.Hold) holdColumns {
	n := len(holds)
	c := holdColumns{
		ids: make([][16]byte, n), orders: make([][16]byte, n), slots: make([]int16, n), states: make([]int16, n),
		skus: make([]string, n), quantities: make([]int64, n), committed: make([]int64, n), expires: make([]*time.Time, n),
	}
	for i, h := range holds {
		key := stock.HoldID(h.OrderID, h.SKU)
		c.ids[i], c.orders[i], c.slots[i], c.skus[i] = key, h.OrderID.UUID, int16(key.Slot()), h.SKU //nolint:gosec // below 4096
		c.quantities[i], c.committed[i], c.states[i] = h.Quantity, h.Committed, int16(h.State)
		if !h.Expires.IsZero() {
			c.expires[i] = &h.Expires
		}
	}
	return c
}

// raw gives ids as pgx knows them.
func raw(ids []id.UUID) [][16]byte {
	all := make([][16]byte, len(ids))
	for i, u := range ids {
		all[i] = u
	}
	return all
}
