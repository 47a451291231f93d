package operations

import (
	"context"

	operationsv1 "github.com/orderprocessing/orderprocessing/gen/operations/v1"
)

// ListFlags reads all feature flags.
func (h *Handler) ListFlags(ctx context.Context, _ *operationsv1.ListFlagsRequest) (*operationsv1.ListFlagsResponse, error) {
	found, err := h.operations.ListFlags(ctx)
	if err != nil {
		return nil, err
	}
	res := &operationsv1.ListFlagsResponse{}
	for _, s := range found {
		res.Flags = append(res.Flags, flagToProto(s))
	}
	return res, nil
}

// SetFlag changes how a feature flag is set.
func (h *Handler) SetFlag(ctx context.Context, req *operationsv1.SetFlagRequest) (*operationsv1.SetFlagResponse, error) {
	set, err := h.operations.SetFlag(ctx, flagChangeFromProto(req))
	if err != nil {
		return nil, err
	}
	return &operationsv1.SetFlagResponse{Flag: flagToProto(set)}, nil
}
