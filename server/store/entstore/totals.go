package entstore

import (
	"context"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/orderprocessing/orderprocessing/server/store"
)

// StockTotals reads every level, in one statement.
func (s *Store) StockTotals(ctx context.Context) (store.StockTotals, error) {
	var rows []store.StockTotals
	err := s.read.StockLevel.Query().Modify(func(q *entsql.Selector) {
		q.Select(
			entsql.As("CAST(coalesce(sum(held), 0) AS bigint)", "held"),
			entsql.As("CAST(coalesce(sum(CASE WHEN held > on_hand + backorder_limit THEN held - on_hand - backorder_limit ELSE 0 END), 0) AS bigint)", "oversold"),
		)
	}).Scan(ctx, &rows)
	if err != nil || len(rows) == 0 {
		return store.StockTotals{}, fromDriver(err)
	}
	return rows[0], nil
}
