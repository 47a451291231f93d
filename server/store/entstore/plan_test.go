//go:build !race

// Plans are the same under the race detector, and filling SQLite takes it minutes.

package entstore_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

// statement is a statement that the store ran.
type statement struct {
	query string
	args  []any
}

// explain gives the plans that the database may choose for a statement, each as text.
type explain func(t *testing.T, d *database.Database, s statement) []string

func TestPlans(t *testing.T) {
	t.Run("on SQLite no statement reads or sorts more than it answers", func(t *testing.T) {
		requireGoodPlans(t, storetest.SQLite(1)(t)[0], "testdata/load_sqlite.sql", explainSQLite)
	})
	t.Run("on Postgres no statement reads or sorts more than it answers", func(t *testing.T) {
		requireGoodPlans(t, storetest.Postgres(1)(t)[0], "testdata/load_postgres.sql", explainPostgres)
	})
}

// requireGoodPlans fills the tables, lets a store do all it can, and reads the plan of every
// statement it ran.
func requireGoodPlans(t *testing.T, url, load string, explain explain) {
	t.Helper()
	d := openDatabase(t, url)
	fill(t, d, load)
	var ran []statement
	s := entstore.NewRecorded(d, entstore.Options{Now: time.Now}, func(query string, args []any) {
		known := func(other statement) bool { return other.query == query }
		if !slices.ContainsFunc(ran, known) {
			ran = append(ran, statement{query, args})
		}
	})
	defer func() { require.NoError(t, s.Close(context.WithoutCancel(t.Context()))) }()
	doEverything(t, s)
	if d.Dialect() == database.Postgres {
		for _, p := range entstore.PipelinedReads(uuid.UUID(id.New(loaded, 7))) {
			ran = append(ran, statement{p.SQL, p.Args})
		}
	}
	require.Greater(t, len(ran), 80)
	for _, s := range ran {
		for _, plan := range explain(t, d, s) {
			if why := objection(s.query, plan); why != "" {
				t.Errorf("%s:\n%s\n%v\n%s", why, s.query, s.args, plan)
			}
		}
	}
}

// objection says what is wrong with a plan; empty for nothing.
func objection(query, plan string) string {
	looksUp := !strings.HasPrefix(query, "INSERT")
	for line := range strings.Lines(plan) {
		scans := strings.Contains(line, "SCAN ") && !strings.Contains(line, " USING ")
		switch {
		case strings.Contains(line, "Seq Scan"), scans:
			return "reads the whole table"
		case strings.Contains(line, "Sort"), strings.Contains(line, "TEMP B-TREE"):
			return "sorts"
		case filtered(query) && (strings.Contains(line, "_pkey") || strings.Contains(line, "sqlite_autoindex")):
			return "walks the primary key to find what has another index"
		}
	}
	if looksUp && !strings.Contains(plan, "Index") && !strings.Contains(plan, "INDEX") {
		return "uses no index"
	}
	return ""
}

// filtered tells whether a statement lists what is found by something else than its id.
func filtered(query string) bool {
	_, where, _ := strings.Cut(query, " WHERE ")
	where, _, ordered := strings.Cut(where, " ORDER BY ")
	return ordered && (strings.Contains(where, "customer_id") || strings.Contains(where, "number") ||
		strings.Contains(where, "lifecycle") || strings.Contains(where, "_status"))
}

func explainSQLite(t *testing.T, d *database.Database, s statement) []string {
	t.Helper()
	rows, err := d.Write.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+s.query, s.args...)
	require.NoError(t, err, s.query)
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var id, parent, unused int
		var detail string
		require.NoError(t, rows.Scan(&id, &parent, &unused, &detail))
		plan.WriteString(detail + "\n")
	}
	require.NoError(t, rows.Err())
	return []string{plan.String()}
}

// explainPostgres gives the plan for these arguments, and the one for any arguments, which
// Postgres may keep for a statement that it meets often.
func explainPostgres(t *testing.T, d *database.Database, s statement) []string {
	t.Helper()
	conn, err := d.Write.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	read := func(query string, args ...any) string {
		rows, err := conn.QueryContext(t.Context(), query, args...)
		require.NoError(t, err, s.query)
		defer rows.Close()
		var plan strings.Builder
		for rows.Next() {
			var line string
			require.NoError(t, rows.Scan(&line))
			plan.WriteString(line + "\n")
		}
		require.NoError(t, rows.Err())
		return plan.String()
	}
	plans := []string{read("EXPLAIN "+s.query, s.args...)}
	if len(s.args) == 0 || strings.HasPrefix(s.query, "INSERT") {
		return plans
	}
	exec := func(query string) {
		_, err := conn.ExecContext(t.Context(), query)
		require.NoError(t, err, s.query)
	}
	exec("SET plan_cache_mode = force_generic_plan")
	exec("PREPARE asked AS " + s.query)
	anything := strings.TrimSuffix(strings.Repeat("NULL, ", len(s.args)), ", ")
	plans = append(plans, read("EXPLAIN EXECUTE asked("+anything+")"))
	exec("DEALLOCATE asked")
	exec("RESET plan_cache_mode")
	return plans
}

// fill runs a file of statements, one after the other.
func fill(t *testing.T, d *database.Database, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	for one := range strings.SplitSeq(string(content), ";\n") {
		if strings.TrimSpace(one) == "" {
			continue
		}
		_, err := d.Write.ExecContext(t.Context(), one)
		require.NoError(t, err, one)
	}
}
