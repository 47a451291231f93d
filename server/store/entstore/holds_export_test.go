package entstore

import (
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/orderprocessing/orderprocessing/server/domain/stock"
)

// PostgresStatement is a statement that batches of stock operations run on Postgres.
type PostgresStatement struct {
	SQL  string
	Args []any
}

// PostgresStatements gives them all, with arguments as a batch of one would have.
func PostgresStatements(now time.Time, h stock.Hold) []PostgresStatement {
	batch := &pgx.Batch{}
	c := commitment{id: stock.HoldID(h.OrderID, h.SKU), line: newLine(h.OrderID, h.SKU, 1)}
	queueWrites(batch, changes{
		now: now, levels: []levelChange{{sku: h.SKU, held: 1}},
		newHolds: []stock.Hold{h}, holds: []stock.Hold{h}, commits: []commitment{c},
	}, new(bool))
	key := [16]byte(stock.HoldID(h.OrderID, h.SKU))
	all := []PostgresStatement{
		{lockLevels, []any{[]string{h.SKU}}},
		{selectHolds, []any{[][16]byte{key}}},
		{selectCommits, []any{[][16]byte{key}}},
		{selectWaiting, []any{h.SKU, key, 500}},
	}
	for _, q := range batch.QueuedQueries {
		all = append(all, PostgresStatement{q.SQL, q.Arguments})
	}
	return all
}
