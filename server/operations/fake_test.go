package operations_test

import (
	"cmp"
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/orderprocessing/orderprocessing/gen/operations/v1/operationsv1connect"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/integrity"
	"github.com/orderprocessing/orderprocessing/server/operations"
	"github.com/orderprocessing/orderprocessing/server/pagetoken"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/shard"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var errAway = errors.New("away")

// fakeShard is a shard of orders without stock or payments.
type fakeShard struct {
	store.Store
	away   bool
	orders []store.Audited
	audits int
}

func (f *fakeShard) Ping(context.Context) error {
	if f.away {
		return errAway
	}
	return nil
}

func (f *fakeShard) Audit(_ context.Context, after id.UUID, limit int) ([]store.Audited, error) {
	if f.away {
		return nil, errAway
	}
	f.audits++
	rest := slices.DeleteFunc(slices.Clone(f.orders), func(a store.Audited) bool { return a.Key().Compare(after) <= 0 })
	return rest[:min(limit, len(rest))], nil
}

func (f *fakeShard) AuditStock(context.Context, string, int) ([]store.AuditedStock, error) {
	return nil, nil
}

func (f *fakeShard) AuditPayments(context.Context, id.UUID, int) ([]store.AuditedPayment, error) {
	return nil, nil
}

func (f *fakeShard) AuditHolds(context.Context, id.UUID, int) ([]store.AuditedHold, error) {
	return nil, nil
}

// fakeShards are two shards; slot 0 to 2047 belong to the first.
type fakeShards [2]*fakeShard

func (f fakeShards) Shards() []store.Store { return []store.Store{f[0], f[1]} }

func (f fakeShards) Owner(slot id.Slot) int { return int(slot) / (id.Slots / 2) }

func (f fakeShards) FindOrders(_ context.Context, orderIDs []order.ID) (found []order.Order, _ error) {
	for _, one := range f {
		for _, a := range one.orders {
			if slices.Contains(orderIDs, a.Order.ID) {
				found = append(found, a.Order)
			}
		}
	}
	return found, nil
}

func (f fakeShards) FindHolds(context.Context, []store.HoldKey) ([]stock.Hold, error) {
	return nil, nil
}

func (f fakeShards) Payments(context.Context, store.PaymentQuery) ([]payment.Payment, error) {
	return nil, nil
}

type fakeHome struct{ m shard.Map }

func (f fakeHome) ShardMap(_ context.Context, n int) (shard.Map, error) { return f.m, f.m.Check(n) }

// fakeSagas is sagas in memory, by slot and key.
type fakeSagas struct {
	records []saga.Record
	retried []string
}

func (f *fakeSagas) Find(_ context.Context, slot int, subject, name string) (saga.Record, error) {
	for _, r := range f.records {
		if r.Slot == slot && r.Subject == subject && r.Saga == name {
			return r, nil
		}
	}
	return saga.Record{}, saga.ErrNotFound(saga.Key(subject, name))
}

func (f *fakeSagas) List(_ context.Context, page saga.Page) ([]saga.Record, error) {
	found := slices.DeleteFunc(slices.Clone(f.records), func(r saga.Record) bool {
		return r.State != page.State || r.Key() <= page.After
	})
	slices.SortFunc(found, func(a, b saga.Record) int { return cmp.Compare(a.Key(), b.Key()) })
	return found[:min(page.Limit, len(found))], nil
}

func (f *fakeSagas) Signal(context.Context, int, string, string) error { return nil }

func (f *fakeSagas) Retry(ctx context.Context, slot int, subject, name string) error {
	r, err := f.Find(ctx, slot, subject, name)
	if err != nil {
		return err
	}
	if r.State.Finished() {
		return saga.ErrFinished(r.Key(), r.State)
	}
	f.retried = append(f.retried, r.Key())
	return nil
}

// add puts a place saga of a new order into a state.
func (f *fakeSagas) add(state saga.State, step int) saga.Record {
	orderID := order.NewID(noon, "cus_1", "")
	r := saga.NewRecord(saga.Start{
		Slot: int(orderID.Slot()), Subject: orderID.String(), Saga: "place", Deadline: noon.Add(time.Hour),
	}, noon, time.Minute)
	r.State, r.Step, r.Attempts, r.Reason = state, step, 7, "GATEWAY_UNAVAILABLE"
	f.records = append(f.records, r)
	return r
}

type world struct {
	shards  fakeShards
	sagas   *fakeSagas
	service *operations.Service
	client  operationsv1connect.OperationsServiceClient
}

func newWorld(t *testing.T) *world {
	t.Helper()
	nothing := func(context.Context, saga.Call) (saga.Result, error) { return saga.Done(), nil }
	book, err := saga.NewBook(&saga.Saga{Name: "place", Steps: []saga.Step{{Name: "hold_stock", Do: nothing}, {Name: "authorize", Do: nothing}}})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{shards: fakeShards{{}, {}}, sagas: &fakeSagas{}}
	w.service = operations.New(operations.Options{
		Audit: integrity.Sources{Layout: w.shards}, Kinds: []string{"sqlite", "postgres"}, Home: fakeHome{shard.Even(2)},
		Sagas: w.sagas, Book: book, Tokens: pagetoken.New([]byte("a key of the test, thirty-two bytes")),
	})
	_, handler := operationsv1connect.NewOperationsServiceHandler(operations.NewHandler(w.service))
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	w.client = operationsv1connect.NewOperationsServiceClient(server.Client(), server.URL)
	return w
}
