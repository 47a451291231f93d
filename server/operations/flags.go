package operations

import (
	"context"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/flags"
)

// ListFlags reads all feature flags, by key.
func (s *Service) ListFlags(ctx context.Context) ([]flags.State, error) {
	if s.Flags == nil {
		return nil, flagsElsewhere()
	}
	return s.Flags.List(ctx)
}

// SetFlag changes how a feature flag is set.
func (s *Service) SetFlag(ctx context.Context, c flags.Change) (flags.State, error) {
	if s.Flags == nil {
		return flags.State{}, flagsElsewhere()
	}
	return s.Flags.Set(ctx, c)
}

func flagsElsewhere() error {
	return fault.New(fault.KindPrecondition, fault.ReasonFlagsElsewhere, "the flags are kept by another provider (flags.provider)")
}
