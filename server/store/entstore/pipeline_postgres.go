package entstore

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// rollbackTimeout bounds how long a transaction that failed is given to say goodbye. A connection
// that does not is not used again.
const rollbackTimeout = time.Second

// pipelined runs one transaction on a connection of pgx, so that several statements share a round trip.
// fn begins it, with what it reads first.
func pipelined(ctx context.Context, d *database.Database, fn func(*pgx.Conn) error) error {
	return onConnection(ctx, d, func(c *pgx.Conn) error {
		return ending(ctx, c, func() error {
			if err := fn(c); err != nil {
				return err
			}
			_, err := c.Exec(ctx, "COMMIT")
			return err
		})
	})
}

// ending runs a transaction, and rolls it back when it fails. A connection on which that fails too is not
// used again.
func ending(ctx context.Context, c *pgx.Conn, transaction func() error) error {
	err := transaction()
	if err == nil {
		return nil
	}
	over, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	if _, failed := c.Exec(over, "ROLLBACK"); failed != nil {
		_ = c.Close(over)
	}
	return err
}

// onConnection lends a connection of pgx.
func onConnection(ctx context.Context, d *database.Database, fn func(*pgx.Conn) error) error {
	conn, err := d.Write.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return database.Pgx(conn, fn)
}

// pipe writes what goes to some tables in one round trip. It fails with errLostRace when another writer
// was first.
func pipe(ctx context.Context, conn *pgx.Conn, tables []inserts) error {
	trip, lost := &pgx.Batch{}, false
	for _, t := range tables {
		queueUpsert(trip, t, &lost)
	}
	if trip.Len() == 0 {
		return nil
	}
	if err := conn.SendBatch(ctx, trip).Close(); err != nil {
		return err
	}
	if lost {
		return errLostRace
	}
	return nil
}

// selectByID reads rows by their keys, in the order of these: so that Postgres walks the index, also
// while the table is small.
func selectByID(table string, columns []string) string {
	return `SELECT "` + strings.Join(columns, `", "`) + `" FROM "` + table + `" WHERE "id" = ANY($1::uuid[]) ORDER BY "id"`
}

// queueRead queues a read whose rows go to the targets, one after the other; take is called for each.
func queueRead(trip *pgx.Batch, query string, keys []uuid.UUID, targets []any, take func()) {
	ids := make([][16]byte, len(keys))
	for i, key := range keys {
		ids[i] = key
	}
	trip.Queue(query, ids).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, targets, func() error {
			take()
			return nil
		})
		return err
	})
}

// queueUpsert queues the insert of one table's rows. lost tells in the end whether another writer was first.
func queueUpsert(trip *pgx.Batch, rows inserts, lost *bool) {
	if rows.count() == 0 {
		return
	}
	query, args := rows.statement(true)
	trip.Queue(query, args...).Exec(func(tag pgconn.CommandTag) error {
		*lost = *lost || tag.RowsAffected() != int64(rows.count())
		return nil
	})
}
