//go:build !race

package entstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/risk"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

func TestForgetPlans(t *testing.T) {
	t.Run("on SQLite what is old is found and deleted along an index", func(t *testing.T) {
		requireForgetPlans(t, storetest.SQLite(1)(t)[0], "testdata/old_sqlite.sql", explainSQLite)
	})
	t.Run("on Postgres what is old is found and deleted along an index", func(t *testing.T) {
		requireForgetPlans(t, storetest.Postgres(1)(t)[0], "testdata/old_postgres.sql", explainPostgres)
	})
}

// requireForgetPlans reads the plan of every statement about returns, assessments and what is old.
func requireForgetPlans(t *testing.T, location, load string, explain explain) {
	t.Helper()
	d := openDatabase(t, location)
	fill(t, d, load)
	var ran []statement
	s := entstore.NewRecorded(d, entstore.Options{Now: time.Now}, func(query string, args []any) {
		ran = append(ran, statement{query, args})
	})
	defer func() { require.NoError(t, s.Close(context.WithoutCancel(t.Context()))) }()
	n, err := s.Forget(t.Context(), store.Forgettable{Requests: loaded, PaymentEvents: loaded, Sagas: loaded}, 600)
	require.NoError(t, err)
	require.Equal(t, 3*600, n)
	doWithReturns(t, s)
	require.Greater(t, len(ran), 20)
	for _, s := range ran {
		for _, plan := range explain(t, d, s) {
			if why := objection(s.query, plan); why != "" {
				t.Errorf("%s:\n%s\n%s", why, s.query, plan)
			}
		}
	}
}

// doWithReturns does all that can be done with live returns and assessments.
func doWithReturns(t *testing.T, s store.Store) {
	t.Helper()
	ctx := t.Context()
	o, r := returned(t, s)
	for range 2 { // the second time is a replay
		_, err := s.ChangeReturn(ctx, receiving(r))
		require.NoError(t, err)
		_, err = s.SaveAssessment(ctx, risk.Assessment{OrderID: o.ID, Outcome: risk.Hold, Created: loaded})
		require.NoError(t, err)
	}
	_, err := s.Return(ctx, r.ID)
	require.NoError(t, err)
	_, err = s.Assessment(ctx, o.ID)
	require.NoError(t, err)
}
