package operations

import (
	"context"

	"connectrpc.com/connect"

	operationsv1 "github.com/orderprocessing/orderprocessing/gen/operations/v1"
	"github.com/orderprocessing/orderprocessing/gen/operations/v1/operationsv1connect"
	"github.com/orderprocessing/orderprocessing/server/contract"
)

// Handler offers the use cases as operations.v1.OperationsService.
type Handler struct{ operations *Service }

var _ operationsv1connect.OperationsServiceHandler = (*Handler)(nil)

// NewHandler makes the handler of a service.
func NewHandler(s *Service) *Handler { return &Handler{operations: s} }

// ListShards tells of every shard what it is and whether it answers, and how the replicas do.
func (h *Handler) ListShards(ctx context.Context, _ *operationsv1.ListShardsRequest) (*operationsv1.ListShardsResponse, error) {
	shards, err := h.operations.ListShards(ctx)
	if err != nil {
		return nil, err
	}
	return &operationsv1.ListShardsResponse{Shards: shardsToProto(shards), Replicas: replicasToProto(h.operations.ListReplicas())}, nil
}

// GetShardMap reads which shard owns which slots.
func (h *Handler) GetShardMap(ctx context.Context, _ *operationsv1.GetShardMapRequest) (*operationsv1.GetShardMapResponse, error) {
	m, err := h.operations.ShardMap(ctx)
	if err != nil {
		return nil, err
	}
	return mapToProto(m), nil
}

// VerifyIntegrity streams how far the check is, then what it found, then what was checked.
func (h *Handler) VerifyIntegrity(
	ctx context.Context, _ *operationsv1.VerifyIntegrityRequest, stream *connect.ServerStream[operationsv1.VerifyIntegrityResponse],
) error {
	report, err := h.operations.Verify(ctx, func(orders int64) error { return stream.Send(progressToProto(orders)) })
	if err != nil {
		return err
	}
	for _, v := range report.Listed {
		if err := stream.Send(findingToProto(v)); err != nil {
			return err
		}
	}
	return stream.Send(summaryToProto(report))
}

// ListStuckSagas reads a page of unfinished sagas.
func (h *Handler) ListStuckSagas(ctx context.Context, req *operationsv1.ListStuckSagasRequest) (*operationsv1.ListStuckSagasResponse, error) {
	page, err := contract.PageOf(req)
	if err != nil {
		return nil, err
	}
	found, next, err := h.operations.ListSagas(ctx, page, stateFromProto(req.GetFilter()))
	if err != nil {
		return nil, err
	}
	return &operationsv1.ListStuckSagasResponse{Sagas: sagasToProto(found), NextPageToken: next}, nil
}

// GetSaga reads one saga.
func (h *Handler) GetSaga(ctx context.Context, req *operationsv1.GetSagaRequest) (*operationsv1.GetSagaResponse, error) {
	found, err := h.operations.GetSaga(ctx, req.GetSubject(), req.GetSaga())
	if err != nil {
		return nil, err
	}
	return &operationsv1.GetSagaResponse{Saga: sagaToProto(found)}, nil
}

// RetrySaga makes an unfinished saga go on at once.
func (h *Handler) RetrySaga(ctx context.Context, req *operationsv1.RetrySagaRequest) (*operationsv1.RetrySagaResponse, error) {
	found, err := h.operations.RetrySaga(ctx, req.GetSubject(), req.GetSaga())
	if err != nil {
		return nil, err
	}
	return &operationsv1.RetrySagaResponse{Saga: sagaToProto(found)}, nil
}
