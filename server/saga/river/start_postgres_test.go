package river_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/saga/river"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
)

// TestStarter_StartBatch holds what is sent along with other statements against what River's own client
// inserts.
func TestStarter_StartBatch(t *testing.T) {
	by := map[string]func(t *testing.T, db *database.Database, starter *river.Starter, starts []saga.Start){
		"client": func(t *testing.T, db *database.Database, starter *river.Starter, starts []saga.Start) {
			t.Helper()
			require.NoError(t, inTx(t.Context(), db, func(tx *sql.Tx) error { return starter.StartTx(t.Context(), tx, starts) }))
		},
		"batch": func(t *testing.T, db *database.Database, starter *river.Starter, starts []saga.Start) {
			t.Helper()
			conn, err := db.Write.Conn(t.Context())
			require.NoError(t, err)
			defer conn.Close()
			require.NoError(t, database.Pgx(conn, func(conn *pgx.Conn) error {
				trip := &pgx.Batch{}
				if err := starter.StartBatch(trip, starts); err != nil {
					return err
				}
				return conn.SendBatch(t.Context(), trip).Close()
			}))
		},
	}
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	var starts []saga.Start
	for i := range 130 {
		starts = append(starts, saga.Start{Slot: i, Subject: fmt.Sprintf("ord_%03d", i), Saga: "place", Deadline: now.Add(time.Hour)})
	}
	starts = append(starts, saga.Start{Subject: "ord_900", Saga: "ship", Deadline: now.Add(time.Hour)},
		saga.Start{Subject: "ord_901", Saga: "expire", At: now.Add(time.Minute), Deadline: now.Add(time.Hour)})
	for name, c := range map[string]struct {
		starts     []saga.Start
		jobs, told int
	}{"one": {starts[:1], 1, 1}, "many": {starts, 3, 2}} {
		t.Run(name, func(t *testing.T) {
			stored, told := map[string][]string{}, map[string][]string{}
			for way, start := range by {
				db := prepared(t, pgtest.URL(t))
				starter, err := river.NewStarter(db, func() time.Time { return now })
				require.NoError(t, err)
				listener, err := db.Pool(t.Context(), 1)
				require.NoError(t, err)
				defer listener.Close()
				conn, err := listener.Acquire(t.Context())
				require.NoError(t, err)
				_, err = conn.Exec(t.Context(), `LISTEN "public.river_insert"`)
				require.NoError(t, err)
				start(t, db, starter, c.starts)
				stored[way] = append(rowsOf(t, db, "river_job", "id", "created_at", "scheduled_at"), rowsOf(t, db, "sagas", "ticket")...)
				for range c.told {
					n, err := conn.Conn().WaitForNotification(t.Context())
					require.NoError(t, err)
					told[way] = append(told[way], n.Payload)
				}
				conn.Release()
			}
			require.Len(t, stored["client"], c.jobs+len(c.starts))
			require.ElementsMatch(t, stored["client"], stored["batch"])
			require.ElementsMatch(t, told["client"], told["batch"])
		})
	}
}

// rowsOf gives the rows of a table as JSON, without these columns, and without tickets in documents.
func rowsOf(t *testing.T, db *database.Database, table string, without ...string) (all []string) {
	t.Helper()
	rows, err := db.Read.QueryContext(t.Context(), "SELECT to_jsonb(t) FROM "+table+" AS t")
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var text []byte
		var row map[string]any
		require.NoError(t, rows.Scan(&text))
		require.NoError(t, json.Unmarshal(text, &row))
		for _, column := range without {
			require.Contains(t, row, column)
			delete(row, column)
		}
		if args, ok := row["args"].(map[string]any); ok {
			require.NotEmpty(t, args["ticket"])
			delete(args, "ticket")
		}
		text, err := json.Marshal(row)
		require.NoError(t, err)
		all = append(all, string(text))
	}
	require.NoError(t, rows.Err())
	return all
}
