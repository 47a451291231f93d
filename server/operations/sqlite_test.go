package operations_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/contract"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/integrity"
	"github.com/orderprocessing/orderprocessing/server/operations"
	"github.com/orderprocessing/orderprocessing/server/pagetoken"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/saga/progress"
	"github.com/orderprocessing/orderprocessing/server/saga/river"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/home"
	"github.com/orderprocessing/orderprocessing/server/store/shard"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

// TestSQLite runs the use cases over two shards and a home of SQLite, and an engine that is not started.
func TestSQLite(t *testing.T) {
	var opened []*database.Database
	for _, url := range storetest.SQLite(3)(t) {
		d, err := database.Open(t.Context(), url, database.Options{})
		require.NoError(t, err)
		require.NoError(t, river.Migrate(t.Context(), d))
		opened = append(opened, d)
	}
	databases := opened[1:]
	shards := make([]store.Store, len(databases))
	for i, d := range databases {
		shards[i] = entstore.New(d, entstore.Options{Now: time.Now})
	}
	homeStore := home.New(opened[0])
	m, err := homeStore.ShardMap(t.Context(), len(shards))
	require.NoError(t, err)
	all, err := shard.New(m, shards)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, all.Close(context.WithoutCancel(t.Context())))
		require.NoError(t, homeStore.Close())
	})
	book, err := saga.NewBook(&saga.Saga{Name: "place", Steps: []saga.Step{{
		Name: "hold_stock", Do: func(context.Context, saga.Call) (saga.Result, error) { return saga.Done(), nil },
	}}})
	require.NoError(t, err)
	engine, err := river.New(river.Options{
		Shards: databases, ShardOf: func(slot int) int { return all.Owner(id.Slot(slot)) }, Sagas: book,
	})
	require.NoError(t, err)
	service := operations.New(operations.Options{
		Audit: integrity.Sources{Layout: all}, Kinds: []string{"sqlite", "sqlite"}, Home: homeStore, Sagas: engine, Book: book, Tokens: pagetoken.New([]byte("a key")),
	})

	put := func(t *testing.T, customer string, state saga.State) saga.Record {
		t.Helper()
		orderID := order.NewID(noon, customer, "")
		r := saga.NewRecord(saga.Start{Slot: int(orderID.Slot()), Subject: orderID.String(), Saga: "place", Deadline: noon}, noon, time.Minute)
		r.State, r.Attempts, r.Reason = state, 6, "GATEWAY_UNAVAILABLE"
		d := databases[all.Owner(orderID.Slot())]
		tx, err := d.Write.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		require.NoError(t, progress.InsertTx(t.Context(), tx, d.Dialect(), []saga.Record{r}, 1))
		require.NoError(t, tx.Commit())
		return r
	}
	t.Run("both shards answer and own half of the slots", func(t *testing.T) {
		found, err := service.ListShards(t.Context())
		require.NoError(t, err)
		require.Equal(t, []operations.Shard{{"sqlite", id.Slots / 2, true}, {"sqlite", id.Slots / 2, true}}, found)
		read, err := service.ShardMap(t.Context())
		require.NoError(t, err)
		require.Equal(t, shard.Even(2), read)
	})
	t.Run("a shard with an order is as promised", func(t *testing.T) {
		details := order.Details{CustomerID: "cus_1", Currency: "GBP", Lines: []order.Line{{SKU: "A", Quantity: 1, UnitPrice: 100}}}
		at := time.Now().UTC().Truncate(time.Millisecond)
		_, err := all.CreateOrder(t.Context(), store.NewOrder{
			ID: order.NewID(at, "cus_1", ""), Created: at, Change: order.Drafted{Details: details},
		})
		require.NoError(t, err)
		var read int64
		report, err := service.Verify(t.Context(), func(orders int64) error { read = orders; return nil })
		require.NoError(t, err)
		require.True(t, report.OK)
		require.EqualValues(t, 1, report.Orders)
		require.EqualValues(t, 1, read)
	})
	t.Run("a stuck saga is found in its shard, and goes on with its attempts from 0", func(t *testing.T) {
		stuck := []saga.Record{put(t, "cus_1", saga.StateStuck), put(t, "cus_2", saga.StateStuck), put(t, "cus_8", saga.StateStuck)}
		put(t, "cus_4", saga.StateWaiting)
		page := contract.Page{Size: 2, List: []byte("stuck")}
		found, token, err := service.ListSagas(t.Context(), page, saga.StateStuck)
		require.NoError(t, err)
		require.Len(t, found, 2)
		page.Token = token
		rest, token, err := service.ListSagas(t.Context(), page, saga.StateStuck)
		require.NoError(t, err)
		require.Len(t, rest, 1)
		require.Empty(t, token)
		owners := map[int]bool{}
		for _, s := range append(found, rest...) {
			require.Equal(t, "hold_stock", s.StepName)
			owners[all.Owner(id.Slot(s.Slot))] = true //nolint:gosec // below 4096
		}
		require.Len(t, owners, 2, "the customers were chosen to live in both shards")

		for _, r := range stuck {
			after, err := service.RetrySaga(t.Context(), r.Subject, "place")
			require.NoError(t, err)
			require.Zero(t, after.Attempts)
			read, err := service.GetSaga(t.Context(), r.Subject, "place")
			require.NoError(t, err)
			require.Equal(t, after, read)
		}
	})
	t.Run("a finished saga is refused, and one that is not there is not found", func(t *testing.T) {
		done := put(t, "cus_6", saga.StateDone)
		_, err := service.RetrySaga(t.Context(), done.Subject, "place")
		require.Equal(t, fault.ReasonSagaFinished, fault.ReasonOf(err))
		_, err = service.RetrySaga(t.Context(), order.NewID(noon, "cus_1", "").String(), "place")
		require.Equal(t, fault.ReasonSagaNotFound, fault.ReasonOf(err))
	})
}
