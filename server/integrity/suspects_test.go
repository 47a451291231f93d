package integrity_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/integrity"
	"github.com/orderprocessing/orderprocessing/server/saga"
)

// fakeSagas are unfinished sagas of a shard, and the orders that one is at work on.
type fakeSagas struct {
	records []saga.Record
	atWork  map[order.ID]bool
}

func (f fakeSagas) Unfinished(_ context.Context, shard int, after string, _ int) (page []saga.Record, _ error) {
	for _, r := range f.records {
		if r.Key() > after && r.Slot/2048 == shard {
			page = append(page, r)
		}
	}
	return page, nil
}

func (f fakeSagas) AtWork(context.Context, []order.Order) (map[order.ID]bool, error) {
	if f.atWork == nil {
		return map[order.ID]bool{}, nil
	}
	return f.atWork, nil
}

// restless are orders that change whenever they are read.
type restless struct {
	integrity.Layout
	reads *int64
}

func (r restless) FindOrders(ctx context.Context, orderIDs []order.ID) ([]order.Order, error) {
	found, err := r.Layout.FindOrders(ctx, orderIDs)
	for i := range found {
		*r.reads++
		found[i].Version += *r.reads
	}
	return found, err
}

func TestSuspects(t *testing.T) {
	t.Run("what fits at the last look is no violation", func(t *testing.T) {
		s := newShop(t)
		s.void()
		sources, waited := from(s.Store), 0
		sources.Wait = func(context.Context, time.Duration) error {
			if waited++; waited == 3 {
				s.change(order.PaymentChanged{Payment: order.PaymentVoided})
			}
			return nil
		}
		report, err := integrity.Check(t.Context(), sources, nil)
		require.NoError(t, err)
		require.True(t, report.OK, "%v", report.Listed)
		require.Equal(t, 3, waited)
	})
	t.Run("nothing has to fit while a saga is at work", func(t *testing.T) {
		s := newShop(t)
		s.void()
		s.release("A")
		sources := from(s.Store)
		sources.Sagas = fakeSagas{atWork: map[order.ID]bool{s.order: true}}
		report, err := integrity.Check(t.Context(), sources, nil)
		require.NoError(t, err)
		require.True(t, report.OK, "%v", report.Listed)
	})
	t.Run("an order that waits without a saga is a violation", func(t *testing.T) {
		s := newShop(t)
		s.change(order.CancelRequested{})
		sources := from(s.Store)
		sources.Sagas = fakeSagas{}
		report, err := integrity.Check(t.Context(), sources, nil)
		require.NoError(t, err)
		require.Equal(t, []string{integrity.AtWork}, names(report.Listed))
	})
	t.Run("what keeps changing is not settled", func(t *testing.T) {
		s := newShop(t)
		s.void()
		sources := from(s.Store)
		sources.Layout = restless{s.Store, new(int64)}
		report, err := integrity.Check(t.Context(), sources, nil)
		require.NoError(t, err)
		require.True(t, report.OK, "%v", report.Listed)
		require.Equal(t, []string{integrity.Status}, names(report.UnsettledListed))
	})
	t.Run("the end of the context ends the check", func(t *testing.T) {
		s := newShop(t)
		s.void()
		sources := from(s.Store)
		sources.Wait = nil
		ctx, cancel := context.WithCancel(t.Context())
		_, err := integrity.Check(ctx, sources, func(int64) { cancel() })
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestSagas(t *testing.T) {
	hour := time.Hour
	for name, test := range map[string]struct {
		change     func(*saga.Record)
		violations []string
		unsettled  []string
	}{
		"a saga with time left is clean":      {func(*saga.Record) {}, nil, nil},
		"one that is looked at soon is clean": {func(r *saga.Record) { r.Deadline = r.Deadline.Add(-2 * hour) }, nil, nil},
		"one that nobody looks at any more": {func(r *saga.Record) {
			r.Deadline, r.Wake = r.Deadline.Add(-2*hour), r.Wake.Add(-2*hour)
		}, []string{integrity.Deadlines}, nil},
		"one that is stuck is an alert already": {func(r *saga.Record) {
			r.Deadline, r.Wake, r.State = r.Deadline.Add(-2*hour), r.Wake.Add(-2*hour), saga.StateStuck
		}, nil, []string{integrity.Deadlines}},
		"one that stands in another slot": {func(r *saga.Record) { r.Slot = (r.Slot + 1) % 2048 }, []string{integrity.Placement}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			r := saga.NewRecord(saga.Start{
				Slot: int(s.order.Slot()), Subject: s.order.String(), Saga: "place", Deadline: time.Now().Add(hour),
			}, time.Now(), hour)
			test.change(&r)
			sources := from(s.Store)
			sources.Sagas = fakeSagas{records: []saga.Record{r}}
			report, err := integrity.Check(t.Context(), sources, nil)
			require.NoError(t, err)
			require.Equal(t, int64(1), report.Sagas)
			require.ElementsMatch(t, test.violations, names(report.Listed), "%v", report.Listed)
			require.ElementsMatch(t, test.unsettled, names(report.UnsettledListed))
			for _, v := range append(report.Listed, report.UnsettledListed...) {
				require.Equal(t, s.order.String(), v.OrderID)
				require.Contains(t, v.Detail, r.Key())
			}
		})
	}
}

func TestSagas_subject(t *testing.T) {
	s := newShop(t)
	for subject, about := range map[string]string{
		s.order.String(): s.order.String(),
		order.ShipmentID{UUID: s.order.WithPart(7)}.String(): s.order.String(),
		order.ReturnID{UUID: s.order.UUID}.String():          "", // returns and payments have ids of their own
		payment.MoveID{UUID: s.payment.WithPart(3)}.String(): "",
	} {
		r := saga.NewRecord(saga.Start{Slot: int(s.order.Slot()), Subject: subject, Saga: "any", Deadline: time.Now()}, time.Now(), time.Hour)
		r.State = saga.StateStuck
		sources := from(s.Store)
		sources.Sagas = fakeSagas{records: []saga.Record{r}}
		report, err := integrity.Check(t.Context(), sources, nil)
		require.NoError(t, err)
		require.Len(t, report.UnsettledListed, 1)
		require.Equal(t, about, report.UnsettledListed[0].OrderID, subject)
		require.Contains(t, report.UnsettledListed[0].Detail, r.Key())
	}
}

func TestGateway(t *testing.T) {
	s := newShop(t)
	check := func(t *testing.T, err error, differences ...integrity.Difference) integrity.Report {
		t.Helper()
		sources := from(s.Store)
		sources.Compare = func(context.Context) (integrity.Compared, []integrity.Difference, error) {
			return integrity.Compared{Name: "bank", Payments: 1}, differences, err
		}
		report, err := integrity.Check(t.Context(), sources, nil)
		require.NoError(t, err)
		return report
	}
	different := integrity.Difference{PaymentID: s.payment, OrderID: s.order, Detail: "it took more"}
	t.Run("a gateway that agrees is clean", func(t *testing.T) {
		report := check(t, nil)
		require.True(t, report.OK)
		require.Equal(t, &integrity.Compared{Name: "bank", Payments: 1}, report.Gateway)
	})
	t.Run("a difference is a violation", func(t *testing.T) {
		report := check(t, nil, different)
		require.Equal(t, []string{integrity.Ledgers}, names(report.Listed))
		require.Equal(t, s.order.String(), report.Listed[0].OrderID)
		require.Contains(t, report.Listed[0].Detail, s.payment.String())
	})
	t.Run("one whose end is not known is not settled", func(t *testing.T) {
		unknown := different
		unknown.Unknown = true
		report := check(t, nil, unknown)
		require.True(t, report.OK)
		require.Equal(t, []string{integrity.Ledgers}, names(report.UnsettledListed))
	})
	t.Run("a gateway that cannot be read is a violation", func(t *testing.T) {
		report := check(t, errors.New("away"))
		require.Equal(t, []string{integrity.Ledgers}, names(report.Listed))
		require.Contains(t, report.Listed[0].Detail, "away")
		require.Nil(t, report.Gateway)
	})
}
