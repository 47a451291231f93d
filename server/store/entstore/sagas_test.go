package entstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

// placing starts a saga for an order that is placed, and signals one that is named like where the
// order stands in the end when it is canceled.
type placing struct{}

func (placing) AfterOrder(o order.Order, e order.Event) saga.Wakes {
	switch e.Change.(type) {
	case order.Placed:
		return saga.Wakes{Starts: []saga.Start{{
			Slot: int(o.ID.Slot()), Subject: o.ID.String(), Saga: "place", Deadline: time.Unix(1800000000, 0),
		}}}
	case order.CancelRequested:
		return saga.Wakes{Signals: []saga.Signal{{Subject: o.ID.String(), Saga: o.Lifecycle.String()}}}
	}
	return saga.Wakes{}
}

func (placing) AfterPayment(payment.Payment) saga.Wakes { return saga.Wakes{} }

func (placing) AfterReturn(order.Return) saga.Wakes { return saga.Wakes{} }

// starter stores a row for each start and, with another name, each signal: what is started twice
// fails, and what is rolled back is gone.
type starter struct {
	dialect string
	mu      sync.Mutex
	calls   int
	refuses error
}

func (s *starter) StartTx(ctx context.Context, tx *sql.Tx, starts []saga.Start) error {
	s.mu.Lock()
	s.calls++
	refuses := s.refuses
	s.mu.Unlock()
	for _, start := range starts {
		if err := s.insert(ctx, tx, start.Slot, start.Subject, start.Saga); err != nil {
			return err
		}
	}
	return refuses
}

// StartBatch is StartTx along with other statements.
func (s *starter) StartBatch(batch *pgx.Batch, starts []saga.Start) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	for _, start := range starts {
		batch.Queue(s.insertion(), start.Subject+"/"+start.Saga, start.Slot, start.Subject, start.Saga)
	}
	return s.refuses
}

func (s *starter) SignalTx(ctx context.Context, tx *sql.Tx, subject, name string) error {
	return s.insert(ctx, tx, 0, subject, "signal "+name)
}

func (s *starter) insert(ctx context.Context, tx *sql.Tx, slot int, subject, name string) error {
	_, err := tx.ExecContext(ctx, s.insertion(), subject+"/"+name, slot, subject, name)
	return err
}

func (s *starter) insertion() string {
	query := `INSERT INTO sagas (saga_key, slot, subject, saga, state, undoing, step, attempts, reason, cause, ticket, wake_time, deadline, create_time, update_time)
		VALUES (?, ?, ?, ?, 1, false, 0, 0, '', '', 0, '2026-01-01', '2026-01-01', '2026-01-01', '2026-01-01')`
	if s.dialect == database.Postgres {
		for n := 1; n <= 4; n++ {
			query = strings.Replace(query, "?", fmt.Sprint("$", n), 1)
		}
	}
	return query
}

// woken gives what was started and signaled.
func woken(t *testing.T, d *database.Database) (keys []string) {
	t.Helper()
	rows, err := d.Read.QueryContext(t.Context(), "SELECT saga_key FROM sagas ORDER BY saga_key")
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var key string
		require.NoError(t, rows.Scan(&key))
		keys = append(keys, key)
	}
	require.NoError(t, rows.Err())
	return keys
}

func TestSagas(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { testSagas(t, storetest.SQLite(1)) })
	t.Run("Postgres", func(t *testing.T) { testSagas(t, storetest.Postgres(1)) })
}

func testSagas(t *testing.T, databases func(testing.TB) []string) {
	prepared := func(t *testing.T) (*entstore.Store, *starter, *database.Database) {
		t.Helper()
		d := openDatabase(t, databases(t)[0])
		st := &starter{dialect: d.Dialect()}
		s := entstore.New(d, entstore.Options{Now: time.Now, Follow: placing{}, Starter: st})
		t.Cleanup(func() { require.NoError(t, s.Close(context.WithoutCancel(t.Context()))) })
		return s, st, d
	}
	requireOrders := func(t *testing.T, s store.Store, want int) {
		t.Helper()
		stored, err := s.Orders(t.Context(), store.OrderQuery{Limit: 100})
		require.NoError(t, err)
		require.Len(t, stored, want)
	}

	t.Run("each new order of a batch starts its saga once, all by one call, and a repeated request none", func(t *testing.T) {
		s, st, d := prepared(t)
		first, err := s.CreateOrder(t.Context(), newOrder("cus_1", "first"))
		require.NoError(t, err)
		draft, broken := newOrder("cus_2", "draft"), newOrder("cus_3", "broken")
		draft.Change = order.Drafted{Details: draft.Change.(order.Placed).Details}
		broken.Change = order.Undone{}
		fresh, bare := newOrder("cus_4", "fresh"), newOrder("cus_5", "bare")
		orders, errs := s.CreateTogether(t.Context(), []store.NewOrder{
			newOrder("cus_1", "first"), draft, broken, fresh, newOrder("cus_4", "fresh"),
		})
		require.Equal(t, []error{nil, nil, errs[2], nil, nil}, errs)
		require.Error(t, errs[2])
		require.Equal(t, fresh.ID, orders[4].ID)
		bare.Request = store.Request{}
		_, err = s.CreateOrder(t.Context(), bare)
		require.NoError(t, err)
		vain := 0
		if d.Dialect() == database.Postgres {
			vain = 1 // a batch is first written as if it repeated nothing
		}
		require.Equal(t, 3+vain, st.calls)
		require.ElementsMatch(t, []string{first.ID.String() + "/place", fresh.ID.String() + "/place", bare.ID.String() + "/place"}, woken(t, d))
		_, err = s.CreateOrder(t.Context(), newOrder("cus_1", "first"))
		require.NoError(t, err)
		require.Equal(t, 3+2*vain, st.calls)
		require.Len(t, woken(t, d), 3)
	})
	t.Run("a change starts and signals what follows, told of the order as it is in the end", func(t *testing.T) {
		s, _, d := prepared(t)
		n := newOrder("cus_1", "draft")
		n.Change = order.Drafted{Details: n.Change.(order.Placed).Details}
		draft, err := s.CreateOrder(t.Context(), n)
		require.NoError(t, err)
		require.Empty(t, woken(t, d))
		place := func(o order.Order) ([]order.Change, error) { return o.Place("", nil) }
		undo := func(order.Order) ([]order.Change, error) {
			return []order.Change{order.CancelRequested{}, order.Undone{}}, nil
		}
		for range 2 { // the second time is a replay
			_, err = s.ChangeOrder(t.Context(), draft.ID, store.NewRequest("", "place", nil), place)
			require.NoError(t, err)
		}
		key := draft.ID.String()
		require.Equal(t, []string{key + "/place"}, woken(t, d))
		_, errs := s.ChangeTogether(t.Context(), []order.ID{draft.ID, draft.ID}, make([]store.Request, 2), []store.Decide{
			undo, func(order.Order) ([]order.Change, error) { return nil, errors.New("too late") },
		})
		require.NoError(t, errs[0])
		require.Error(t, errs[1])
		require.Equal(t, []string{key + "/place", key + "/signal CANCELED"}, woken(t, d))
	})
	t.Run("when a saga cannot start, nothing of its change is stored and the request is not remembered", func(t *testing.T) {
		s, st, d := prepared(t)
		n := newOrder("cus_2", "draft")
		n.Change = order.Drafted{Details: n.Change.(order.Placed).Details}
		draft, err := s.CreateOrder(t.Context(), n)
		require.NoError(t, err)
		st.refuses = errors.New("no room")
		bare := newOrder("cus_3", "bare")
		bare.Request = store.Request{}
		for _, n := range []store.NewOrder{newOrder("cus_1", "new"), bare} {
			_, err = s.CreateOrder(t.Context(), n)
			require.ErrorIs(t, err, st.refuses)
		}
		place := func(o order.Order) ([]order.Change, error) { return o.Place("", nil) }
		_, err = s.ChangeOrder(t.Context(), draft.ID, store.NewRequest("", "place", nil), place)
		require.ErrorIs(t, err, st.refuses)
		requireOrders(t, s, 1)
		require.Empty(t, woken(t, d))
		events, err := s.OrderEvents(t.Context(), draft.ID, 0, 10)
		require.NoError(t, err)
		require.Len(t, events, 1)

		st.refuses = nil
		_, err = s.CreateOrder(t.Context(), newOrder("cus_1", "new"))
		require.NoError(t, err)
		_, err = s.ChangeOrder(t.Context(), draft.ID, store.NewRequest("", "place", nil), place)
		require.NoError(t, err)
		requireOrders(t, s, 2)
		require.Len(t, woken(t, d), 2)
	})
	t.Run("many callers of two servers start each saga once", func(t *testing.T) {
		url := databases(t)[0]
		servers := make([]*entstore.Store, 2)
		for i := range servers {
			d := openDatabase(t, url)
			servers[i] = entstore.New(d, entstore.Options{Now: time.Now, Follow: placing{}, Starter: &starter{dialect: d.Dialect()}})
			defer func() { require.NoError(t, servers[i].Close(context.WithoutCancel(t.Context()))) }()
		}
		const callers = 48
		errs := make([]error, callers)
		var all sync.WaitGroup
		for i := range callers {
			all.Go(func() {
				name := fmt.Sprint(i / 4) // four callers a request
				_, errs[i] = servers[i%2].CreateOrder(t.Context(), newOrder("cus_"+name, name))
			})
		}
		all.Wait()
		require.NoError(t, errors.Join(errs...))
		d := openDatabase(t, url)
		defer d.Close()
		requireOrders(t, servers[0], callers/4)
		require.Len(t, woken(t, d), callers/4)
	})
}
