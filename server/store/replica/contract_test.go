package replica_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

// own is a store whose reads are at least as fresh as all that was written, from the standby: it
// waits for it.
type own struct {
	house
	standby *database.Database
}

func (s own) reader(ctx context.Context) (store.Reads, error) {
	position := s.Position(ctx, 0)
	for fresh := false; !fresh; {
		query := `SELECT pg_last_wal_replay_lsn() - '0/0' >= $1::bigint`
		if err := s.standby.Read.QueryRowContext(ctx, query, int64(position.Log)).Scan(&fresh); err != nil { //nolint:gosec // of a test
			return nil, err
		}
	}
	return s.At(store.Consistency{Freshness: store.AtLeastAsFresh, Positions: []store.Position{position}}), nil
}

func (s own) Order(ctx context.Context, orderID order.ID) (order.Order, error) {
	from, err := s.reader(ctx)
	if err != nil {
		return order.Order{}, err
	}
	return from.Order(ctx, orderID)
}

func (s own) Orders(ctx context.Context, q store.OrderQuery) ([]order.Order, error) {
	from, err := s.reader(ctx)
	if err != nil {
		return nil, err
	}
	return from.Orders(ctx, q)
}

func (s own) ScanOrders(ctx context.Context, q store.OrderQuery, take func([]order.Order) error) error {
	from, err := s.reader(ctx)
	if err != nil {
		return err
	}
	return from.ScanOrders(ctx, q, take)
}

func (s own) OrderEvents(ctx context.Context, orderID order.ID, after int64, limit int) ([]order.Event, error) {
	from, err := s.reader(ctx)
	if err != nil {
		return nil, err
	}
	return from.OrderEvents(ctx, orderID, after, limit)
}

func (s own) Return(ctx context.Context, returnID order.ReturnID) (order.Return, error) {
	from, err := s.reader(ctx)
	if err != nil {
		return order.Return{}, err
	}
	return from.Return(ctx, returnID)
}

func (s own) Returns(ctx context.Context, q store.ReturnQuery) ([]order.Return, error) {
	from, err := s.reader(ctx)
	if err != nil {
		return nil, err
	}
	return from.Returns(ctx, q)
}

func (s own) ScanReturns(ctx context.Context, q store.ReturnQuery, take func([]order.Return) error) error {
	from, err := s.reader(ctx)
	if err != nil {
		return err
	}
	return from.ScanReturns(ctx, q, take)
}

// Close ends everything.
func (s own) Close(ctx context.Context) error {
	if err := s.standby.Close(); err != nil {
		return err
	}
	return s.house.Close(ctx)
}

func TestReplicatedStore(t *testing.T) {
	p := newPair(t)
	var served, failed float64
	storetest.Run(t, storetest.Backend{
		Databases: func(testing.TB) []string { return []string{p.url} },
		Open: func(tb testing.TB, databases []*database.Database) store.Store {
			tb.Helper()
			s := own{newHouse(tb, time.Hour, databases[0], p.standby.URL(name)), open(tb, p.standby.URL(name))}
			s.waitServing(tb, true)
			tb.Cleanup(func() {
				served += s.reads(tb, "replica")
				failed += s.reads(tb, "failed")
			})
			return s
		},
	})
	require.Greater(t, served, 100.0)
	require.Zero(t, failed)
}
