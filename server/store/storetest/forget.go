package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// longAgo is when the old things of these tests were.
var longAgo = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// allBefore is a moment for every kind.
func allBefore(t time.Time) store.Forgettable {
	return store.Forgettable{Requests: t, PaymentEvents: t, Sagas: t}
}

func forget(t *testing.T, s store.Store, before store.Forgettable, limit int) int {
	t.Helper()
	n, err := s.Forget(t.Context(), before, limit)
	require.NoError(t, err)
	return n
}

// age makes the requests about an order as old as longAgo.
func (s subject) age(t *testing.T, orderID order.ID) {
	t.Helper()
	s.damage(t, "UPDATE requests SET create_time = "+moment(longAgo)+" WHERE order_id = "+quoted(orderID.UUID))
}

// hear stores an event of a gateway, in each database.
func (s subject) hear(t *testing.T, at time.Time) {
	t.Helper()
	s.damage(t, fmt.Sprintf("INSERT INTO payment_events (id, slot, payment_id, event_id, create_time) VALUES ('%s', 1, '%s', 'evt', %s)",
		uuid.New(), uuid.New(), moment(at)))
}

// carry stores a saga of a subject, in each database.
func (s subject) carry(t *testing.T, subject string, state saga.State, updated time.Time) {
	t.Helper()
	s.damage(t, fmt.Sprintf(`INSERT INTO sagas (saga_key, slot, create_time, update_time, subject, saga, state, undoing, step, attempts,
		reason, cause, ticket, wake_time, deadline) VALUES ('%s/x', 1, %[2]s, %[3]s, '%[1]s', 'x', %[4]d, false, 0, 0, '', '', 0, %[3]s, %[3]s)`,
		subject, moment(longAgo), moment(updated), state))
}

func moment(t time.Time) string { return "'" + t.UTC().Format("2006-01-02 15:04:05+00:00") + "'" }

// rowsOf counts the rows of a table in all databases.
func (s subject) rowsOf(t *testing.T, table string) (n int) {
	t.Helper()
	for _, url := range s.urls {
		n += len(slotsOf(t, url, table))
	}
	return n
}

func testForget(t *testing.T, b bench) {
	t.Run("an old request is forgotten and decided anew, a later one is remembered", func(t *testing.T) {
		s := b.new(t)
		old, late := create(t, s, placed("old", details("cus_1"))), create(t, s, placed("late", details("cus_2")))
		change(t, s, old.ID, "note", noting("first"))
		first := change(t, s, late.ID, "note", noting("first"))
		s.age(t, old.ID)
		require.Zero(t, forget(t, s, allBefore(longAgo), 10), "nothing is from before that")
		require.Equal(t, 2, forget(t, s, allBefore(longAgo.Add(time.Second)), 10))
		require.Zero(t, forget(t, s, allBefore(longAgo.Add(time.Second)), 10))
		require.Equal(t, "second", change(t, s, old.ID, "note", noting("second")).Note)
		requireSame(t, first, change(t, s, late.ID, "note", noting("second")))
	})
	t.Run("events of a gateway are forgotten by their time", func(t *testing.T) {
		s := b.new(t)
		s.hear(t, longAgo)
		s.hear(t, longAgo.Add(time.Hour))
		require.Equal(t, len(s.urls), forget(t, s, allBefore(longAgo.Add(time.Hour)), 10))
		require.Equal(t, len(s.urls), s.rowsOf(t, "payment_events"))
	})
	t.Run("of the sagas those that were finished by then are forgotten", func(t *testing.T) {
		s := b.new(t)
		began := func(n int) id.UUID { return id.New(longAgo.Add(time.Duration(n)*time.Minute), 1) }
		until := longAgo.Add(time.Hour)
		for n, state := range append(saga.Unfinished(), saga.StateDone, saga.StateUndone) {
			s.carry(t, order.ID{UUID: began(n)}.String(), state, longAgo)
			s.carry(t, order.ReturnID{UUID: began(n)}.String(), state, longAgo)
			s.carry(t, order.ShipmentID{UUID: began(n).WithPart(1)}.String(), state, longAgo)
			s.carry(t, order.ID{UUID: began(n)}.String()+"x", state, until) // finished later, or never
		}
		before := s.rowsOf(t, "sagas")
		require.Equal(t, 6*len(s.urls), forget(t, s, allBefore(until), 10))
		require.Equal(t, before-6*len(s.urls), s.rowsOf(t, "sagas"))
		require.Zero(t, forget(t, s, allBefore(until), 10))
	})
	t.Run("a call deletes no more of a kind than it may", func(t *testing.T) {
		s := b.new(t)
		const old = 7
		for n := range old {
			s.age(t, create(t, s, placed("old", details(customer(n)))).ID)
			s.hear(t, longAgo)
			s.carry(t, order.ReturnID{UUID: id.New(longAgo, 1)}.String(), saga.StateDone, longAgo)
			s.carry(t, order.ID{UUID: id.New(longAgo, 1)}.String(), saga.StateDone, longAgo)
		}
		left := func() int { return s.rowsOf(t, "requests") + s.rowsOf(t, "payment_events") + s.rowsOf(t, "sagas") }
		total := left()
		for calls := 1; ; calls++ {
			n := forget(t, s, allBefore(longAgo.Add(time.Hour)), 2)
			require.LessOrEqual(t, n, 3*2*len(s.urls))
			require.Equal(t, total-n, left())
			total -= n
			if n == 0 {
				require.Greater(t, calls, old)
				break
			}
		}
		require.Zero(t, total)
	})
	t.Run("a kind without a time is kept", func(t *testing.T) {
		s := b.new(t)
		s.age(t, create(t, s, placed("old", details("cus_1"))).ID)
		s.hear(t, longAgo)
		s.carry(t, order.ID{UUID: id.New(longAgo, 1)}.String(), saga.StateDone, longAgo)
		require.Zero(t, forget(t, s, store.Forgettable{}, 10))
	})
	t.Run("several that forget at once forget each thing once", func(t *testing.T) {
		s := b.new(t)
		servers := []store.Store{s, s.replica(t)}
		for range 30 {
			s.hear(t, longAgo)
		}
		errs, counts := make([]error, 6), make([]int, 6)
		atOnce(len(errs), func(i int) {
			counts[i], errs[i] = servers[i%2].Forget(t.Context(), allBefore(longAgo.Add(time.Hour)), 100)
		})
		require.NoError(t, errors.Join(errs...))
		total := 0
		for _, n := range counts {
			total += n
		}
		require.Equal(t, 30*len(s.urls), total)
	})
}
