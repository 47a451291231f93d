package operations

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	operationsv1 "github.com/orderprocessing/orderprocessing/gen/operations/v1"
	"github.com/orderprocessing/orderprocessing/server/integrity"
	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/shard"
)

func shardsToProto(shards []Shard) []*operationsv1.Shard {
	all := make([]*operationsv1.Shard, len(shards))
	for i, s := range shards {
		all[i] = &operationsv1.Shard{
			Index: int32(i), Database: s.Database, Slots: int32(s.Slots), Reachable: s.Reachable, //nolint:gosec // small
		}
	}
	return all
}

func replicasToProto(replicas []store.ReplicaStatus) []*operationsv1.Replica {
	all := make([]*operationsv1.Replica, len(replicas))
	for i, r := range replicas {
		all[i] = &operationsv1.Replica{Index: int32(i), Serving: r.Serving, LagBytes: r.LagBytes, Lag: durationpb.New(r.Lag)} //nolint:gosec // small
		if r.Shard >= 0 {
			all[i].Shard = proto.Int32(int32(r.Shard)) //nolint:gosec // small
		}
	}
	return all
}

func mapToProto(m shard.Map) *operationsv1.GetShardMapResponse {
	ranges := make([]*operationsv1.ShardRange, len(m.Ranges))
	for i, r := range m.Ranges {
		ranges[i] = &operationsv1.ShardRange{FirstSlot: int32(r.First), LastSlot: int32(r.Last), Shard: int32(r.Shard)} //nolint:gosec // small
	}
	return &operationsv1.GetShardMapResponse{Epoch: m.Epoch, Ranges: ranges}
}

func progressToProto(orders int64) *operationsv1.VerifyIntegrityResponse {
	return &operationsv1.VerifyIntegrityResponse{Message: &operationsv1.VerifyIntegrityResponse_Progress{
		Progress: &operationsv1.IntegrityProgress{Orders: orders},
	}}
}

func findingToProto(v integrity.Violation) *operationsv1.VerifyIntegrityResponse {
	return &operationsv1.VerifyIntegrityResponse{Message: &operationsv1.VerifyIntegrityResponse_Finding{
		Finding: &operationsv1.IntegrityFinding{
			Invariant: v.Invariant, Shard: int32(v.Shard), OrderId: v.OrderID, Sku: v.SKU, Detail: v.Detail, //nolint:gosec // small
		},
	}}
}

func summaryToProto(r integrity.Report) *operationsv1.VerifyIntegrityResponse {
	return &operationsv1.VerifyIntegrityResponse{Message: &operationsv1.VerifyIntegrityResponse_Summary{
		Summary: &operationsv1.IntegritySummary{
			Ok: r.OK, Orders: r.Orders, Events: r.Events, Skus: r.SKUs, Payments: r.Payments, Violations: r.Violations,
		},
	}}
}

// stateFromProto gives the state that is asked for: the stuck ones unless another is named.
func stateFromProto(f *operationsv1.SagaFilter) saga.State {
	if f.GetState() == operationsv1.SagaState_SAGA_STATE_UNSPECIFIED {
		return saga.StateStuck
	}
	return saga.State(f.GetState()) //nolint:gosec // a defined value
}

func sagasToProto(sagas []Saga) []*operationsv1.Saga {
	all := make([]*operationsv1.Saga, len(sagas))
	for i, s := range sagas {
		all[i] = sagaToProto(s)
	}
	return all
}

func sagaToProto(s Saga) *operationsv1.Saga {
	return &operationsv1.Saga{
		Subject:    s.Subject,
		Saga:       s.Saga,
		State:      operationsv1.SagaState(s.State),
		Undoing:    s.Undoing,
		Step:       s.StepName,
		Attempts:   int32(s.Attempts), //nolint:gosec // stored as one
		Reason:     s.Reason,
		Cause:      s.Cause,
		Deadline:   timestamppb.New(s.Deadline),
		WakeTime:   timestamppb.New(s.Wake),
		CreateTime: timestamppb.New(s.Created),
		UpdateTime: timestamppb.New(s.Updated),
	}
}
