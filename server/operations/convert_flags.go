package operations

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	operationsv1 "github.com/orderprocessing/orderprocessing/gen/operations/v1"
	"github.com/orderprocessing/orderprocessing/server/flags"
)

func flagChangeFromProto(req *operationsv1.SetFlagRequest) flags.Change {
	c := flags.Change{Key: req.GetKey(), Etag: req.GetEtag(), Enabled: req.Enabled, Default: req.DefaultVariant}
	if req.GetRollout() != nil {
		c.Rollout = map[string]int{}
		for variant, percent := range req.GetRollout().GetPercent() {
			c.Rollout[variant] = int(percent)
		}
	}
	if req.GetTargets() != nil {
		c.Targets = map[string]string{}
		for customer, variant := range req.GetTargets().GetVariants() {
			c.Targets[customer] = variant
		}
	}
	return c
}

func flagToProto(s flags.State) *operationsv1.Flag {
	f := &operationsv1.Flag{
		Key: s.Key, Description: s.Description, Kind: operationsv1.FlagKind_FLAG_KIND_CHOICE, Variants: s.Variants,
		KilledVariant: s.Killed, Enabled: s.Enabled, DefaultVariant: s.Setting.Default, Etag: s.Etag(), UpdateActor: s.Actor,
	}
	if s.IsSwitch() {
		f.Kind = operationsv1.FlagKind_FLAG_KIND_SWITCH
	}
	if len(s.Rollout) > 0 {
		f.Rollout = &operationsv1.FlagRollout{Percent: map[string]int32{}}
		for variant, percent := range s.Rollout {
			f.Rollout.Percent[variant] = int32(percent) //nolint:gosec // at most 100
		}
	}
	if len(s.Targets) > 0 {
		f.Targets = &operationsv1.FlagTargets{Variants: s.Targets}
	}
	if !s.Updated.IsZero() {
		f.UpdateTime = timestamppb.New(s.Updated)
	}
	return f
}
