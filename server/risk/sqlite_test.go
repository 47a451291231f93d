package risk_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	rules "github.com/orderprocessing/orderprocessing/server/domain/risk"
	"github.com/orderprocessing/orderprocessing/server/risk"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

func TestSQLite(t *testing.T) {
	d, err := database.Open(t.Context(), storetest.SQLite(1)(t)[0], database.Options{})
	require.NoError(t, err)
	s := entstore.New(d, entstore.Options{Now: time.Now})
	t.Cleanup(func() { require.NoError(t, s.Close(context.WithoutCancel(t.Context()))) })
	_, m := newService()
	place := func(t *testing.T, after time.Duration) order.Order {
		t.Helper()
		made := m.place("cus_1", after, 500)
		o, err := s.CreateOrder(t.Context(), store.NewOrder{
			ID: made.ID, Created: made.Created, Change: order.Placed{Details: made.Details},
		})
		require.NoError(t, err)
		return o
	}
	judging := func(holdAt int) *risk.Service {
		return risk.New(risk.Options{
			Store: s, NoteAt: 30, Now: time.Now, Rules: rules.Rules{
				HoldAt: holdAt, DenyAt: 1000, OrdersPerHour: 2, OrdersPerDay: 2, LargeTotal: 1, GuestTotal: 1, TimesAverage: 9,
				Points: rules.Points{Velocity: 40},
			},
		})
	}
	first, second, third := place(t, 0), place(t, time.Second), place(t, 2*time.Second)

	t.Run("the first orders of an hour pass, the next is held, whenever they are looked at", func(t *testing.T) {
		for _, o := range []order.Order{first, second} {
			a, err := judging(40).Assess(t.Context(), o)
			require.NoError(t, err)
			require.Equal(t, rules.Pass, a.Outcome)
		}
		a, err := judging(40).Assess(t.Context(), third)
		require.NoError(t, err)
		require.Equal(t, rules.Hold, a.Outcome)
	})
	t.Run("a judgement stays, also after a restart with other rules", func(t *testing.T) {
		want, err := judging(40).Assess(t.Context(), third)
		require.NoError(t, err)
		got, err := judging(1000).Assess(t.Context(), third)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, rules.Hold, got.Outcome)
	})
}
