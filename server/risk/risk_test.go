package risk_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	rules "github.com/orderprocessing/orderprocessing/server/domain/risk"
	"github.com/orderprocessing/orderprocessing/server/risk"
	"github.com/orderprocessing/orderprocessing/server/store"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

// memory is a store of orders and assessments.
type memory struct {
	orders []order.Order
	kept   map[order.ID]rules.Assessment
	reads  int
	rows   int // of orders that were read
	broken error
}

func (m *memory) SaveAssessment(_ context.Context, a rules.Assessment) (rules.Assessment, error) {
	if kept, ok := m.kept[a.OrderID]; ok {
		return kept, m.broken
	}
	m.kept[a.OrderID] = a
	return a, m.broken
}

func (m *memory) Assessment(_ context.Context, orderID order.ID) (rules.Assessment, error) {
	m.reads++
	return m.kept[orderID], m.broken
}

func (m *memory) Orders(_ context.Context, q store.OrderQuery) ([]order.Order, error) {
	m.reads++
	found := slices.Clone(m.orders)
	slices.SortFunc(found, func(a, b order.Order) int { return b.ID.Compare(a.ID.UUID) })
	found = slices.DeleteFunc(found, func(o order.Order) bool {
		return o.CustomerID != q.CustomerID || o.ID.Compare(q.After) >= 0
	})
	found = found[:min(q.Limit, len(found))]
	m.rows += len(found)
	return found, m.broken
}

// place stores an order of a customer, so long after noon, at one price.
func (m *memory) place(customer string, after time.Duration, price int64) order.Order {
	at := noon.Add(after).Truncate(time.Millisecond)
	o := order.Order{ID: order.NewID(at, customer, "k"), Lifecycle: order.Pending, Created: at}
	o.CustomerID, o.Currency = customer, "GBP"
	o.Lines = []order.Line{{SKU: "A", Quantity: price, UnitPrice: 1}}
	m.orders = append(m.orders, o)
	return o
}

func newService(change ...func(*risk.Options)) (*risk.Service, *memory) {
	m := &memory{kept: map[order.ID]rules.Assessment{}}
	o := risk.Options{
		Store: m, NoteAt: 30, Now: func() time.Time { return noon },
		Rules: rules.Rules{
			HoldAt: 60, DenyAt: 100, OrdersPerHour: 3, OrdersPerDay: 100, LargeTotal: 1000, GuestTotal: 1000, TimesAverage: 5,
			Points: rules.Points{Velocity: 40, LargeTotal: 30, GuestTotal: 40, FirstOrder: 10},
		},
	}
	for _, c := range change {
		c(&o)
	}
	return risk.New(o), m
}

func always(mode risk.Mode) func(*risk.Options) {
	return func(o *risk.Options) { o.Mode = func(context.Context, string) risk.Mode { return mode } }
}

func TestService_Assess(t *testing.T) {
	t.Run("a first order passes and is not kept", func(t *testing.T) {
		s, m := newService()
		o := m.place("cus_1", 0, 500)
		a, err := s.Assess(t.Context(), o)
		require.NoError(t, err)
		require.Equal(t, o.ID, a.OrderID)
		require.Equal(t, 10, a.Score)
		require.Equal(t, rules.Pass, a.Outcome)
		require.Empty(t, m.kept)
	})
	t.Run("what is odd is kept, with its time in microseconds", func(t *testing.T) {
		s, m := newService()
		a, err := s.Assess(t.Context(), m.place("", 0, 100_000))
		require.NoError(t, err)
		require.Equal(t, rules.Hold, a.Outcome)
		require.Equal(t, noon.Truncate(time.Microsecond), a.Created)
		require.Equal(t, map[order.ID]rules.Assessment{a.OrderID: a}, m.kept)
	})
	t.Run("only what the same customer ordered before counts, however much came after", func(t *testing.T) {
		s, m := newService()
		o := m.place("cus_1", 0, 500)
		for i := range 5 {
			m.place("cus_1", time.Second*time.Duration(i+1), 500)
			m.place("cus_2", -time.Second*time.Duration(i+1), 500)
		}
		a, err := s.Assess(t.Context(), o)
		require.NoError(t, err)
		require.Equal(t, 10, a.Score)
		last, err := s.Assess(t.Context(), m.place("cus_1", time.Minute, 500))
		require.NoError(t, err)
		require.Equal(t, "VELOCITY", last.Reasons[0].Rule)
	})
	t.Run("an assessment that is kept stays, whatever the rules say now", func(t *testing.T) {
		s, m := newService()
		o := m.place("cus_1", 0, 500)
		kept := rules.Assessment{OrderID: o.ID, Score: 70, Outcome: rules.Hold, Created: noon}
		m.kept[o.ID] = kept
		a, err := s.Assess(t.Context(), o)
		require.NoError(t, err)
		require.Equal(t, kept, a)
	})
	t.Run("shadow mode keeps what would have happened", func(t *testing.T) {
		s, m := newService(always(risk.Shadow))
		a, err := s.Assess(t.Context(), m.place("", 0, 100_000))
		require.NoError(t, err)
		require.True(t, a.Shadow)
		require.Equal(t, rules.Hold, m.kept[a.OrderID].Outcome)
	})
	t.Run("the mode is asked for by customer, and by order for a guest", func(t *testing.T) {
		var asked []string
		s, m := newService(func(o *risk.Options) {
			o.Mode = func(_ context.Context, customer string) risk.Mode { asked = append(asked, customer); return risk.Off }
		})
		guest := m.place("", 0, 500)
		for _, o := range []order.Order{m.place("cus_1", 0, 500), guest} {
			_, err := s.Assess(t.Context(), o)
			require.NoError(t, err)
		}
		require.Equal(t, []string{"cus_1", guest.ID.String()}, asked)
	})
	t.Run("switched off, every order passes and nothing is read", func(t *testing.T) {
		s, m := newService(always(risk.Off))
		a, err := s.Assess(t.Context(), m.place("", 0, 100_000))
		require.NoError(t, err)
		require.Equal(t, rules.Pass, a.Outcome)
		require.Zero(t, m.reads)
	})
	t.Run("of a long history only as much is read as the rules need", func(t *testing.T) {
		s, m := newService()
		var earlier []order.Order
		for i := range 150 {
			earlier = append(earlier, m.place("cus_1", time.Duration(i)*time.Second, 500))
		}
		_, err := s.Assess(t.Context(), earlier[149])
		require.NoError(t, err)
		require.Equal(t, 100, m.rows)
	})
	t.Run("a store that fails is no pass", func(t *testing.T) {
		s, m := newService()
		o := m.place("cus_1", 0, 500)
		m.broken = errors.New("gone")
		_, err := s.Assess(t.Context(), o)
		require.ErrorIs(t, err, m.broken)
	})
}
