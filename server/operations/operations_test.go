package operations_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	operationsv1 "github.com/orderprocessing/orderprocessing/gen/operations/v1"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/integrity"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/store"
)

func TestListShards(t *testing.T) {
	t.Run("a shard that is away shows, and hides no other", func(t *testing.T) {
		w := newWorld(t)
		w.shards[1].away = true
		got, err := w.client.ListShards(t.Context(), &operationsv1.ListShardsRequest{})
		require.NoError(t, err)
		require.Len(t, got.GetShards(), 2)
		require.Equal(t, []any{int32(0), "sqlite", int32(2048), true}, shown(got.GetShards()[0]))
		require.Equal(t, []any{int32(1), "postgres", int32(2048), false}, shown(got.GetShards()[1]))
	})
}

func TestListShards_replicas(t *testing.T) {
	w := newWorld(t)
	w.service.Replicas = func() []store.ReplicaStatus {
		return []store.ReplicaStatus{{Shard: 1, Serving: true, LagBytes: 7, Lag: time.Second}, {Shard: -1}}
	}
	got, err := w.client.ListShards(t.Context(), &operationsv1.ListShardsRequest{})
	require.NoError(t, err)
	require.Len(t, got.GetReplicas(), 2)
	one, two := got.GetReplicas()[0], got.GetReplicas()[1]
	require.Equal(t, []any{int32(0), int32(1), true, int64(7), time.Second}, []any{one.GetIndex(), one.GetShard(), one.GetServing(), one.GetLagBytes(), one.GetLag().AsDuration()})
	require.Nil(t, two.Shard, "it was not found out yet") //nolint:protogetter // whether it is set
	require.False(t, two.GetServing())
}

func shown(s *operationsv1.Shard) []any {
	return []any{s.GetIndex(), s.GetDatabase(), s.GetSlots(), s.GetReachable()}
}

func TestGetShardMap(t *testing.T) {
	t.Run("the map covers every slot", func(t *testing.T) {
		got, err := newWorld(t).client.GetShardMap(t.Context(), &operationsv1.GetShardMapRequest{})
		require.NoError(t, err)
		require.EqualValues(t, 1, got.GetEpoch())
		require.Len(t, got.GetRanges(), 2)
		require.EqualValues(t, 2047, got.GetRanges()[0].GetLastSlot())
		require.EqualValues(t, 2048, got.GetRanges()[1].GetFirstSlot())
		require.EqualValues(t, 4095, got.GetRanges()[1].GetLastSlot())
		require.EqualValues(t, 1, got.GetRanges()[1].GetShard())
	})
}

// lost is an order without events.
func lost() store.Audited {
	orderID := order.NewID(noon, "cus_1", "")
	return store.Audited{Order: order.Order{ID: orderID, Version: 1}, OrderSlot: orderID.Slot()}
}

func TestVerifyIntegrity(t *testing.T) {
	verify := func(t *testing.T, w *world) (progress, findings []*operationsv1.VerifyIntegrityResponse, summary *operationsv1.IntegritySummary, err error) {
		t.Helper()
		stream, err := w.client.VerifyIntegrity(t.Context(), &operationsv1.VerifyIntegrityRequest{})
		require.NoError(t, err)
		defer stream.Close()
		for stream.Receive() {
			require.Nil(t, summary, "something came after the summary")
			switch m := stream.Msg(); m.GetMessage().(type) {
			case *operationsv1.VerifyIntegrityResponse_Progress:
				progress = append(progress, m)
			case *operationsv1.VerifyIntegrityResponse_Finding:
				findings = append(findings, m)
			default:
				summary = m.GetSummary()
			}
		}
		return progress, findings, summary, stream.Err()
	}
	t.Run("nothing stored is fine", func(t *testing.T) {
		_, findings, summary, err := verify(t, newWorld(t))
		require.NoError(t, err)
		require.Empty(t, findings)
		require.True(t, summary.GetOk())
	})
	t.Run("what is broken is told with where it is", func(t *testing.T) {
		w := newWorld(t)
		a := lost()
		w.shards[w.shards.Owner(a.OrderSlot)].orders = []store.Audited{a}
		progress, findings, summary, err := verify(t, w)
		require.NoError(t, err)
		require.NotEmpty(t, progress)
		require.EqualValues(t, 1, progress[len(progress)-1].GetProgress().GetOrders())
		require.NotEmpty(t, findings)
		for _, f := range findings {
			require.Equal(t, a.Order.ID.String(), f.GetFinding().GetOrderId())
			require.NotEmpty(t, f.GetFinding().GetInvariant())
			require.NotEmpty(t, f.GetFinding().GetDetail())
			require.EqualValues(t, w.shards.Owner(a.OrderSlot), f.GetFinding().GetShard())
		}
		require.False(t, summary.GetOk())
		require.EqualValues(t, 1, summary.GetOrders())
		require.EqualValues(t, len(findings), summary.GetViolations())
	})
	t.Run("a shard that is away ends the check without a summary", func(t *testing.T) {
		w := newWorld(t)
		w.shards[1].away = true
		_, _, summary, err := verify(t, w)
		require.Error(t, err)
		require.Nil(t, summary)
	})
	t.Run("a caller that went away is not checked for", func(t *testing.T) {
		w := newWorld(t)
		w.shards[0].orders = []store.Audited{lost()}
		gone := errors.New("gone")
		_, err := w.service.Verify(t.Context(), func(int64) error { return gone })
		require.ErrorIs(t, err, gone)
		ended, cancel := context.WithCancelCause(t.Context())
		cancel(gone)
		_, err = w.service.Verify(ended, func(int64) error { return nil })
		require.ErrorIs(t, err, gone)
	})
	t.Run("the report is that of the command", func(t *testing.T) {
		w := newWorld(t)
		want, err := integrity.Check(t.Context(), integrity.Sources{Layout: w.shards}, nil)
		require.NoError(t, err)
		got, err := w.service.Verify(t.Context(), func(int64) error { return nil })
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

func TestListStuckSagas(t *testing.T) {
	list := func(t *testing.T, w *world, req *operationsv1.ListStuckSagasRequest) *operationsv1.ListStuckSagasResponse {
		t.Helper()
		got, err := w.client.ListStuckSagas(t.Context(), req)
		require.NoError(t, err)
		return got
	}
	t.Run("unless told otherwise the stuck ones are listed, page by page", func(t *testing.T) {
		w := newWorld(t)
		stuck := map[string]bool{}
		for range 5 {
			stuck[w.sagas.add(saga.StateStuck, 1).Subject] = true
			w.sagas.add(saga.StateRunning, 0)
		}
		req := &operationsv1.ListStuckSagasRequest{PageSize: 2}
		for page := range 3 {
			got := list(t, w, req)
			require.Len(t, got.GetSagas(), min(2, 5-2*page))
			for _, s := range got.GetSagas() {
				require.True(t, stuck[s.GetSubject()], "twice, or not stuck")
				delete(stuck, s.GetSubject())
			}
			req.PageToken = got.GetNextPageToken()
		}
		require.Empty(t, stuck)
		require.Empty(t, req.GetPageToken())
	})
	t.Run("a page says all there is to know", func(t *testing.T) {
		w := newWorld(t)
		r := w.sagas.add(saga.StateStuck, 1)
		s := list(t, w, &operationsv1.ListStuckSagasRequest{}).GetSagas()[0]
		require.Equal(t, r.Subject, s.GetSubject())
		require.Equal(t, "place", s.GetSaga())
		require.Equal(t, operationsv1.SagaState_SAGA_STATE_STUCK, s.GetState())
		require.Equal(t, "authorize", s.GetStep())
		require.EqualValues(t, 7, s.GetAttempts())
		require.Equal(t, "GATEWAY_UNAVAILABLE", s.GetReason())
		require.Equal(t, noon.Add(time.Hour), s.GetDeadline().AsTime())
		require.Equal(t, noon.Add(time.Minute), s.GetWakeTime().AsTime())
		require.Equal(t, noon, s.GetCreateTime().AsTime())
	})
	t.Run("another state can be asked for, and its token fits no other list", func(t *testing.T) {
		w := newWorld(t)
		w.sagas.add(saga.StateWaiting, 0)
		w.sagas.add(saga.StateWaiting, 0)
		waiting := &operationsv1.SagaFilter{State: operationsv1.SagaState_SAGA_STATE_WAITING}
		got := list(t, w, &operationsv1.ListStuckSagasRequest{PageSize: 1, Filter: waiting})
		require.Len(t, got.GetSagas(), 1)
		_, err := w.client.ListStuckSagas(t.Context(), &operationsv1.ListStuckSagasRequest{PageToken: got.GetNextPageToken()})
		require.Error(t, err)
	})
}

func TestGetSaga(t *testing.T) {
	t.Run("the step has its name wherever the saga is", func(t *testing.T) {
		w := newWorld(t)
		for _, tt := range []struct {
			state saga.State
			step  int
			name  string
		}{
			{saga.StateRunning, 0, "hold_stock"},
			{saga.StateRunning, 2, "done"},
			{saga.StateCompensating, -1, "undone"},
			{saga.StateDone, 2, ""},
		} {
			r := w.sagas.add(tt.state, tt.step)
			got, err := w.client.GetSaga(t.Context(), &operationsv1.GetSagaRequest{Subject: r.Subject, Saga: "place"})
			require.NoError(t, err)
			require.Equal(t, tt.name, got.GetSaga().GetStep())
			require.EqualValues(t, tt.state, got.GetSaga().GetState())
		}
	})
	t.Run("a saga of another release has no name of its step", func(t *testing.T) {
		w := newWorld(t)
		r := w.sagas.add(saga.StateRunning, 0)
		w.sagas.records[0].Saga = "gone"
		got, err := w.service.GetSaga(t.Context(), r.Subject, "gone")
		require.NoError(t, err)
		require.Empty(t, got.StepName)
	})
	t.Run("parcels and returns are found by the slot of their ids", func(t *testing.T) {
		w := newWorld(t)
		orderID := order.NewID(noon, "cus_2", "")
		for _, subject := range []string{
			order.ShipmentID{UUID: orderID.WithPart(3)}.String(), order.NewReturnID(noon, orderID).String(),
		} {
			r := w.sagas.add(saga.StateRunning, 0)
			r.Subject, r.Slot = subject, int(orderID.Slot())
			w.sagas.records = append(w.sagas.records, r)
			_, err := w.service.GetSaga(t.Context(), subject, "place")
			require.NoError(t, err)
		}
	})
	for name, subject := range map[string]string{
		"no id": "cus_1", "no prefix": "01jqzzzzzzzzzzzzzzzzzzzzzz", "nothing": "", "a broken id": "ord_01jq",
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			_, err := newWorld(t).service.GetSaga(t.Context(), subject, "place")
			require.Equal(t, fault.ReasonInvalidID, fault.ReasonOf(err))
			_, err = newWorld(t).service.RetrySaga(t.Context(), subject, "place")
			require.Equal(t, fault.ReasonInvalidID, fault.ReasonOf(err))
		})
	}
	t.Run("one that is not there is not found", func(t *testing.T) {
		_, err := newWorld(t).service.GetSaga(t.Context(), order.NewID(noon, "cus_1", "").String(), "place")
		require.Equal(t, fault.ReasonSagaNotFound, fault.ReasonOf(err))
	})
}

func TestRetrySaga(t *testing.T) {
	t.Run("a stuck saga goes on", func(t *testing.T) {
		w := newWorld(t)
		r := w.sagas.add(saga.StateStuck, 1)
		got, err := w.client.RetrySaga(t.Context(), &operationsv1.RetrySagaRequest{Subject: r.Subject, Saga: "place"})
		require.NoError(t, err)
		require.Equal(t, r.Subject, got.GetSaga().GetSubject())
		require.Equal(t, []string{r.Key()}, w.sagas.retried)
	})
	t.Run("a finished one is refused with its reason", func(t *testing.T) {
		w := newWorld(t)
		r := w.sagas.add(saga.StateDone, 2)
		_, err := w.service.RetrySaga(t.Context(), r.Subject, "place")
		require.Equal(t, fault.ReasonSagaFinished, fault.ReasonOf(err))
		require.Empty(t, w.sagas.retried)
	})
}
