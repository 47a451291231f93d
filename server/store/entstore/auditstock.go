package entstore

import (
	"context"
	"slices"
	"strings"

	"github.com/orderprocessing/orderprocessing/ent/db"
	enthold "github.com/orderprocessing/orderprocessing/ent/db/hold"
	"github.com/orderprocessing/orderprocessing/ent/db/stockadjustment"
	"github.com/orderprocessing/orderprocessing/ent/db/stockcommit"
	"github.com/orderprocessing/orderprocessing/ent/db/stocklevel"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// AuditStock reads levels and, in the same snapshot, the sums of the rows beside them.
func (s *Store) AuditStock(ctx context.Context, after string, limit int) ([]store.AuditedStock, error) {
	tx, err := s.snapshot(ctx)
	if err != nil {
		return nil, fromDriver(err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	audited, err := auditStock(ctx, tx, after, limit)
	return audited, fromDriver(err)
}

func auditStock(ctx context.Context, tx *db.Tx, after string, limit int) ([]store.AuditedStock, error) {
	levels, err := tx.StockLevel.Query().Where(stocklevel.IDGT(after)).Order(stocklevel.ByID()).Limit(limit).All(ctx)
	if err != nil {
		return nil, err
	}
	// Adjustments whose level is gone show too.
	adjusted, err := tx.StockAdjustment.Query().Where(stockadjustment.SkuGT(after)).Unique(true).
		Order(stockadjustment.BySku()).Limit(limit).Select(stockadjustment.FieldSku).Strings(ctx)
	if err != nil {
		return nil, err
	}
	found := make(map[string]*store.AuditedStock, limit)
	for _, sku := range adjusted {
		found[sku] = &store.AuditedStock{Level: stock.Level{SKU: sku}}
	}
	for _, row := range levels {
		found[row.ID] = &store.AuditedStock{Level: levelFromRow(row)}
		sums{Slot: row.Slot, Rows: 1}.stray(found[row.ID])
	}
	page := make([]*store.AuditedStock, 0, len(found))
	for _, a := range found {
		page = append(page, a)
	}
	slices.SortFunc(page, func(a, b *store.AuditedStock) int { return strings.Compare(a.Level.SKU, b.Level.SKU) })
	page = page[:min(limit, len(page))]
	audited := make([]store.AuditedStock, len(page))
	skus := make([]string, len(page))
	for i, a := range page {
		skus[i] = a.Level.SKU
	}
	if err := addSums(ctx, tx, skus, found); err != nil {
		return nil, err
	}
	for i, a := range page {
		audited[i] = *a
	}
	return audited, nil
}

// addSums adds up the rows beside the levels, in the database.
func addSums(ctx context.Context, tx *db.Tx, skus []string, found map[string]*store.AuditedStock) error {
	var rows []sums
	err := tx.StockAdjustment.Query().Where(stockadjustment.SkuIn(skus...)).
		GroupBy(stockadjustment.FieldSku, stockadjustment.FieldSlot).
		Aggregate(db.As(db.Sum(stockadjustment.FieldDelta), "quantity"), db.As(db.Count(), "rows")).Scan(ctx, &rows)
	if err != nil {
		return err
	}
	for _, r := range rows {
		a := found[r.SKU]
		a.Adjusted += r.Quantity
		r.stray(a)
	}
	rows = nil
	err = tx.StockCommit.Query().Where(stockcommit.SkuIn(skus...)).
		GroupBy(stockcommit.FieldSku, stockcommit.FieldSlot).
		Aggregate(db.As(db.Sum(stockcommit.FieldQuantity), "quantity"), db.As(db.Count(), "rows")).Scan(ctx, &rows)
	if err != nil {
		return err
	}
	for _, r := range rows {
		a := found[r.SKU]
		a.Left += r.Quantity
		r.stray(a)
	}
	rows = nil
	err = tx.Hold.Query().Where(enthold.SkuIn(skus...)).
		GroupBy(enthold.FieldSku, enthold.FieldSlot, enthold.FieldState).
		Aggregate(db.As(db.Sum(enthold.FieldQuantity), "quantity"), db.As(db.Sum(enthold.FieldCommitted), "committed"),
			db.As(db.Count(), "rows")).Scan(ctx, &rows)
	if err != nil {
		return err
	}
	for _, r := range rows {
		a := found[r.SKU]
		a.Committed += r.Committed
		one := stock.Hold{Quantity: r.Quantity, Committed: r.Committed, State: stock.HoldState(r.State)}
		a.Open += one.Open()
		if one.State == stock.Backordered {
			a.Waiting += one.Open()
		}
		r.stray(a)
	}
	return nil
}

// sums is what some rows of one SKU add up to.
type sums struct {
	SKU       string `sql:"sku"`
	Slot      int16  `sql:"slot"`
	State     uint8  `sql:"state"`
	Quantity  int64  `sql:"quantity"`
	Committed int64  `sql:"committed"`
	Rows      int64  `sql:"rows"`
}

// stray counts the rows when they stand in another slot than the SKU's.
func (r sums) stray(a *store.AuditedStock) {
	if r.Slot != int16(a.Slot()) { //nolint:gosec // below 4096
		a.StrayedRows += r.Rows
	}
}
