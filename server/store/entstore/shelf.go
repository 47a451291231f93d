package entstore

import (
	"context"
	"slices"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/orderprocessing/orderprocessing/ent/db"
	enthold "github.com/orderprocessing/orderprocessing/ent/db/hold"
	"github.com/orderprocessing/orderprocessing/ent/db/stockcommit"
	"github.com/orderprocessing/orderprocessing/ent/db/stocklevel"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
)

// entShelf is a shelf through ent. Batches use it on SQLite, whose transactions have the whole
// database for themselves, so there is nothing to lock.
type entShelf struct{ tx *db.Tx }

// atOnce bounds the parameters of one statement.
const atOnce = 500

func (e entShelf) read(ctx context.Context, ops []stockOp) (*book, error) {
	b := newBook()
	skus, _, commits := concerns(ops)
	for chunk := range slices.Chunk(skus, atOnce) {
		rows, err := e.tx.StockLevel.Query().Where(stocklevel.IDIn(chunk...)).All(ctx)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			b.addLevel(levelFromRow(row))
		}
	}
	var lines []stockLine
	for _, op := range ops {
		lines = append(lines, op.lines...)
	}
	stored, err := readHolds(ctx, e.tx.Hold, lines)
	if err != nil {
		return nil, err
	}
	for _, h := range stored {
		b.addHold(h)
	}
	for chunk := range slices.Chunk(commits, atOnce) {
		rows, err := e.tx.StockCommit.Query().Where(stockcommit.IDIn(uuids(chunk)...)).All(ctx)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			b.commits[id.UUID(row.ID)] = commitment{committed: row.Committed, fingerprint: [32]byte(row.Fingerprint)}
		}
	}
	return b, nil
}

func readHolds(ctx context.Context, holds *db.HoldClient, lines []stockLine) (storedHolds, error) {
	stored := make(storedHolds, len(lines))
	for chunk := range slices.Chunk(lines, atOnce) {
		ids := make([]uuid.UUID, len(chunk))
		for i, l := range chunk {
			ids[i] = uuid.UUID(l.id)
		}
		rows, err := holds.Query().Where(enthold.IDIn(ids...)).All(ctx)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			stored[id.UUID(row.ID)] = holdFromRow(row)
		}
	}
	return stored, nil
}

func (e entShelf) waiting(ctx context.Context, sku string, after order.ID, limit int) ([]stock.Hold, error) {
	rows, err := e.tx.Hold.Query().
		Where(enthold.Sku(sku), isBackordered, enthold.OrderIDGT(uuid.UUID(after.UUID))).
		Order(enthold.ByOrderID()).Limit(limit).All(ctx)
	holds := make([]stock.Hold, len(rows))
	for i, row := range rows {
		holds[i] = holdFromRow(row)
	}
	return holds, err
}

// isBackordered is in the words of the index, as no parameter is.
func isBackordered(s *entsql.Selector) { s.Where(entsql.ExprP(s.C(enthold.FieldState) + " = 2")) }

func (e entShelf) write(ctx context.Context, c changes) error {
	for _, d := range c.levels {
		n, err := e.tx.StockLevel.Update().Where(stocklevel.ID(d.sku), covers(d)).
			AddOnHand(d.onHand).AddHeld(d.held).AddBackordered(d.backordered).SetUpdateTime(c.now).Save(ctx)
		if err == nil && n == 0 {
			err = errLostRace
		}
		if err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(c.newHolds, atOnce) {
		rows := make([]*db.HoldCreate, len(chunk))
		for i, h := range chunk {
			rows[i] = newHoldRow(e.tx.Hold, h).SetCreateTime(c.now).SetUpdateTime(c.now)
		}
		if err := e.tx.Hold.CreateBulk(rows...).Exec(ctx); err != nil {
			return err
		}
	}
	for _, h := range c.holds {
		update := e.tx.Hold.Update().Where(enthold.ID(uuid.UUID(stock.HoldID(h.OrderID, h.SKU)))).
			SetQuantity(h.Quantity).SetCommitted(h.Committed).SetState(uint8(h.State)).SetUpdateTime(c.now)
		if h.Expires.IsZero() {
			update.ClearExpireTime()
		} else {
			update.SetExpireTime(h.Expires)
		}
		if err := update.Exec(ctx); err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(c.commits, atOnce) {
		rows := make([]*db.StockCommitCreate, len(chunk))
		for i, left := range chunk {
			rows[i] = e.tx.StockCommit.Create().SetID(uuid.UUID(left.id)).SetSlot(int16(left.id.Slot())). //nolint:gosec // below 4096
															SetOrderID(uuid.UUID(left.line.orderID.UUID)).SetSku(left.line.sku).SetQuantity(left.line.quantity).
															SetCommitted(left.committed).SetFingerprint(left.fingerprint[:]).SetTime(c.now)
		}
		if err := e.tx.StockCommit.CreateBulk(rows...).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// covers is true of a level that stays sound with the change: nothing is promised that is neither
// on hand nor within the limit, and nothing set aside that is not on hand.
func covers(d levelChange) func(*entsql.Selector) {
	return func(s *entsql.Selector) {
		s.Where(entsql.And(
			entsql.ExprP("on_hand + backorder_limit - held >= ?", d.held-d.onHand),
			entsql.ExprP("on_hand - held + backordered >= ?", d.held-d.onHand-d.backordered),
		))
	}
}

func newHoldRow(holds *db.HoldClient, h stock.Hold) *db.HoldCreate {
	key := stock.HoldID(h.OrderID, h.SKU)
	row := holds.Create().SetID(uuid.UUID(key)).SetSlot(int16(key.Slot())). //nolint:gosec // below 4096
										SetOrderID(uuid.UUID(h.OrderID.UUID)).SetSku(h.SKU).
										SetQuantity(h.Quantity).SetCommitted(h.Committed).SetState(uint8(h.State))
	if !h.Expires.IsZero() {
		row.SetExpireTime(h.Expires)
	}
	return row
}

func holdFromRow(row *db.Hold) stock.Hold {
	h := stock.Hold{
		OrderID:   order.ID{UUID: id.UUID(row.OrderID)},
		SKU:       row.Sku,
		Quantity:  row.Quantity,
		Committed: row.Committed,
		State:     stock.HoldState(row.State),
	}
	if row.ExpireTime != nil {
		h.Expires = row.ExpireTime.UTC()
	}
	return h
}

func levelFromRow(row *db.StockLevel) stock.Level {
	return stock.Level{
		SKU:            row.ID,
		OnHand:         row.OnHand,
		Held:           row.Held,
		Backordered:    row.Backordered,
		BackorderLimit: row.BackorderLimit,
		Updated:        row.UpdateTime.UTC(),
	}
}
