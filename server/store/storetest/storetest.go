// Package storetest is what store.Store promises, as tests. Every backend passes the same suite.
package storetest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/ent/db/migrate"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// Backend is a kind of store to put to the test. None may opt out of anything.
type Backend struct {
	// Databases makes empty, migrated databases that go with the test and gives their URLs. See
	// SQLite and Postgres.
	Databases func(tb testing.TB) []string
	// Open makes a store over them. The suite opens several over the same databases, as several
	// servers would, and closes each, which closes the databases.
	Open func(tb testing.TB, databases []*database.Database) store.Store
	// Owner tells which of the databases owns a slot; nil where there is only one.
	Owner func(slot id.Slot) int
}

// Run puts the backend to the test.
func Run(t *testing.T, b Backend) {
	urls := b.Databases(t)
	for _, part := range []struct {
		name string
		test func(*testing.T, bench)
	}{
		{"Create", testCreate},
		{"CreateAtOnce", testCreateAtOnce},
		{"Change", testChange},
		{"ChangeAtOnce", testChangeAtOnce},
		{"Events", testEvents},
		{"List", testList},
		{"Filter", testFilter},
		{"Scan", testScan},
		{"Import", testImport},
		{"Returns", testReturns},
		{"ListReturns", testListReturns},
		{"ChangeReturn", testChangeReturn},
		{"ReturnsAtOnce", testReturnsAtOnce},
		{"Risk", testRisk},
		{"Forget", testForget},
		{"Erase", testErase},
		{"Products", testProducts},
		{"Stock", testStock},
		{"Holds", testHolds},
		{"HoldsAtOnce", testHoldsAtOnce},
		{"HoldHistory", testHoldHistory},
		{"Backorders", testBackorders},
		{"Commits", testCommits},
		{"StockAudit", testStockAudit},
		{"Payments", testPayments},
		{"PaymentEvents", testPaymentEvents},
		{"PaymentsAtOnce", testPaymentsAtOnce},
		{"ListPayments", testListPayments},
		{"Audit", testAudit},
		{"Find", testFind},
		{"Placement", testPlacement},
		{"Gone", testGone},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, bench{b, urls}) })
	}
}

// bench is a backend with its databases, which one test after the other gets, empty each time:
// making new ones takes longer than most tests.
type bench struct {
	Backend
	urls []string
}

// subject is a store under test with what lies beneath it.
type subject struct {
	store.Store
	bench
}

// new gives an empty store.
func (b bench) new(t *testing.T) subject {
	t.Helper()
	for _, url := range b.urls {
		wipe(t, url)
	}
	return subject{b.open(t), b}
}

// replica gives another server's store over the same databases.
func (s subject) replica(t *testing.T) store.Store {
	t.Helper()
	return s.open(t)
}

func (b bench) open(t *testing.T) store.Store {
	t.Helper()
	databases := make([]*database.Database, len(b.urls))
	for i, url := range b.urls {
		databases[i] = open(t, url)
	}
	s := b.Open(t, databases)
	t.Cleanup(func() { require.NoError(t, s.Close(context.WithoutCancel(t.Context()))) })
	return s
}

// damage runs SQL that no store would, on every database beneath.
func (s subject) damage(t *testing.T, statement string, args ...any) {
	t.Helper()
	for _, url := range s.urls {
		d := open(t, url)
		_, err := d.Write.ExecContext(t.Context(), statement, args...)
		require.NoError(t, err)
		require.NoError(t, d.Close())
	}
}

// count adds up what a query counts in every database beneath.
func (s subject) count(t *testing.T, query string) (total int) {
	t.Helper()
	for _, url := range s.urls {
		d := open(t, url)
		var n int
		require.NoError(t, d.Read.QueryRowContext(t.Context(), query).Scan(&n))
		require.NoError(t, d.Close())
		total += n
	}
	return total
}

// wipe empties every table.
func wipe(t *testing.T, url string) {
	t.Helper()
	d := open(t, url)
	tx, err := d.Write.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	for _, table := range migrate.Tables {
		_, err := tx.ExecContext(t.Context(), "DELETE FROM "+table.Name) //nolint:gosec // a name of ours
		require.NoError(t, err)
	}
	require.NoError(t, tx.Commit())
	require.NoError(t, d.Close())
}
