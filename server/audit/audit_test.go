package audit_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orderprocessing/orderprocessing/server/audit"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSQLite(t *testing.T)   { testLog(t, storetest.SQLite(1)) }
func TestPostgres(t *testing.T) { testLog(t, storetest.Postgres(1)) }

var began = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

func open(t *testing.T, url string) (*audit.Store, *database.Database) {
	t.Helper()
	d, err := database.Open(t.Context(), url, database.Options{MaxConnections: 2})
	require.NoError(t, err)
	log := audit.New(d, func() time.Time { return began })
	t.Cleanup(func() {
		require.NoError(t, log.Close(context.Background()))
		require.NoError(t, d.Close())
	})
	return log, d
}

// fill appends ten records.
func fill(t *testing.T, log *audit.Store) {
	t.Helper()
	for i := range 10 {
		require.NoError(t, log.Append(t.Context(), audit.Record{
			Actor: "usr_1", Action: "identity.AssignRole", Object: fmt.Sprint("usr_", i), Outcome: audit.Done, Detail: "staff → søgning",
		}))
	}
}

func testLog(t *testing.T, databases func(testing.TB) []string) {
	t.Run("an empty log is fine", func(t *testing.T) {
		log, _ := open(t, databases(t)[0])
		report, err := log.Verify(t.Context(), nil, nil)
		require.NoError(t, err)
		require.True(t, report.OK)
		require.Zero(t, report.Records)
	})
	t.Run("records come back newest first, numbered and chained", func(t *testing.T) {
		log, _ := open(t, databases(t)[0])
		fill(t, log)
		page, err := log.List(t.Context(), 0, 4)
		require.NoError(t, err)
		require.Len(t, page, 4)
		require.EqualValues(t, 10, page[0].Number)
		require.Equal(t, began, page[0].Time)
		require.Equal(t, "usr_9", page[0].Object)
		require.Equal(t, page[1].Hash, page[0].Previous)
		rest, err := log.List(t.Context(), page[3].Number, 100)
		require.NoError(t, err)
		require.Len(t, rest, 6)
		require.Equal(t, make(audit.Hash, 32), rest[5].Previous)

		var read int64
		report, err := log.Verify(t.Context(), &audit.Anchor{Number: 4, Hash: rest[2].Hash}, func(n int64) { read = n })
		require.NoError(t, err)
		require.Equal(t, audit.Report{OK: true, Records: 10, Head: audit.Anchor{Number: 10, Hash: page[0].Hash}, Problems: []audit.Problem{}}, report)
		require.EqualValues(t, 10, read)
	})
	t.Run("who acts is taken from the context, unless it is said", func(t *testing.T) {
		log, _ := open(t, databases(t)[0])
		ctx := auth.WithCaller(t.Context(), auth.Caller{ID: "key_1"})
		require.NoError(t, log.Append(ctx, audit.Record{Action: "a", Outcome: audit.Denied}))
		require.NoError(t, log.Append(ctx, audit.Record{Actor: "usr_2", Action: "a", Outcome: audit.Done}))
		page, err := log.List(t.Context(), 0, 2)
		require.NoError(t, err)
		require.Equal(t, []string{"usr_2", "key_1"}, []string{page[0].Actor, page[1].Actor})
	})
	t.Run("replicas that append at the same time make one chain", func(t *testing.T) {
		url := databases(t)[0]
		const replicas, each = 4, 25
		var all sync.WaitGroup
		errs := make(chan error, replicas*each)
		logs := make([]*audit.Store, replicas)
		for i := range logs {
			logs[i], _ = open(t, url)
		}
		for _, log := range logs {
			for range each {
				all.Go(func() { errs <- log.Append(t.Context(), audit.Record{Action: "a", Outcome: audit.Done}) })
			}
		}
		all.Wait()
		for range replicas * each {
			require.NoError(t, <-errs)
		}
		report, err := logs[0].Verify(t.Context(), nil, nil)
		require.NoError(t, err)
		require.True(t, report.OK, "%v", report.Problems)
		require.EqualValues(t, replicas*each, report.Records)
	})
	t.Run("a log that is closed takes nothing", func(t *testing.T) {
		log, _ := open(t, databases(t)[0])
		require.NoError(t, log.Close(t.Context()))
		err := log.Append(t.Context(), audit.Record{Action: "a"})
		require.Equal(t, fault.KindUnavailable, fault.KindOf(err))
	})

	insert := `INSERT INTO audit_records (number, time, actor, action, object, outcome, detail, previous, hash)
		SELECT %d, time, actor, action, object, outcome, detail, %s, hash FROM audit_records WHERE number = %d`
	for name, tt := range map[string]struct {
		statements []string
		want       []audit.Problem
	}{
		"a record that is changed": {
			[]string{`UPDATE audit_records SET actor = 'usr_2' WHERE number = 5`},
			[]audit.Problem{{5, "was changed: its hash is not that of what it says"}},
		},
		"a time that is changed": {
			[]string{`UPDATE audit_records SET time = '2026-03-01 12:00:01+00:00' WHERE number = 5`},
			[]audit.Problem{{5, "was changed: its hash is not that of what it says"}},
		},
		"text moved from one field to the next": {
			[]string{`UPDATE audit_records SET action = 'identity.AssignRoleusr_', object = '4' WHERE number = 5`},
			[]audit.Problem{{5, "was changed: its hash is not that of what it says"}},
		},
		"a record that is removed": {
			[]string{`DELETE FROM audit_records WHERE number = 5`},
			[]audit.Problem{{5, "record 5 is missing"}},
		},
		"records removed at the beginning": {
			[]string{`DELETE FROM audit_records WHERE number < 3`},
			[]audit.Problem{{1, "records 1 to 2 are missing"}},
		},
		"records removed at the end": {
			[]string{`DELETE FROM audit_records WHERE number > 8`},
			[]audit.Problem{{9, "records 9 to 10 are missing at the end"}},
		},
		"the end removed and the head set back": {
			[]string{`DELETE FROM audit_records WHERE number > 8`, `UPDATE audit_heads SET number = 8`},
			[]audit.Problem{{8, "is not the last record that was written"}, {10, "was noted down and is not there"}},
		},
		"everything removed": {
			[]string{`DELETE FROM audit_records`},
			[]audit.Problem{{1, "records 1 to 10 are missing at the end"}, {10, "was noted down and is not there"}},
		},
		"a record put in behind the end": {
			[]string{fmt.Sprintf(insert, 11, "hash", 10)},
			[]audit.Problem{{11, "was changed: its hash is not that of what it says"}, {11, "record 11 is put in behind the end"}},
		},
		"a record put in place of another": {
			[]string{`DELETE FROM audit_records WHERE number = 5`, fmt.Sprintf(insert, 5, "previous", 6)},
			[]audit.Problem{
				{5, "does not follow the record before: this one or that one was replaced"},
				{5, "was changed: its hash is not that of what it says"},
				{6, "does not follow the record before: this one or that one was replaced"},
			},
		},
	} {
		t.Run(name+" is found and named", func(t *testing.T) {
			log, d := open(t, databases(t)[0])
			fill(t, log)
			newest, err := log.List(t.Context(), 0, 1)
			require.NoError(t, err)
			for _, statement := range tt.statements {
				_, err := d.Write.ExecContext(t.Context(), statement)
				require.NoError(t, err)
			}
			var anchor *audit.Anchor
			if len(tt.want) > 1 && tt.want[1].Number == 10 {
				anchor = &audit.Anchor{Number: 10, Hash: newest[0].Hash}
			}
			report, err := log.Verify(t.Context(), anchor, nil)
			require.NoError(t, err)
			require.False(t, report.OK)
			require.Equal(t, tt.want, report.Problems)
		})
	}
	t.Run("a chain that was written anew is found by a record that was noted down", func(t *testing.T) {
		log, d := open(t, databases(t)[0])
		fill(t, log)
		noted, err := log.List(t.Context(), 0, 1)
		require.NoError(t, err)
		for _, table := range []string{"audit_records", "audit_heads"} {
			_, err := d.Write.ExecContext(t.Context(), "DELETE FROM "+table) //nolint:gosec // a constant
			require.NoError(t, err)
		}
		for range 10 {
			require.NoError(t, log.Append(t.Context(), audit.Record{Action: "innocent", Outcome: audit.Done}))
		}
		report, err := log.Verify(t.Context(), &audit.Anchor{Number: 10, Hash: noted[0].Hash}, nil)
		require.NoError(t, err)
		require.Equal(t, []audit.Problem{{10, "is not the record that was noted down: the chain was written anew"}}, report.Problems)
	})
	t.Run("the database itself refuses a record before the first", func(t *testing.T) {
		log, d := open(t, databases(t)[0])
		fill(t, log)
		_, err := d.Write.ExecContext(t.Context(), fmt.Sprintf(insert, 0, "hash", 10))
		require.Equal(t, database.Check, database.Classify(err))
	})
}
