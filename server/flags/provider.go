package flags

import (
	"context"
	"sync/atomic"

	"github.com/open-feature/go-sdk/openfeature"
)

// provider answers OpenFeature from the settings that were read last. It never waits, and before the
// first reading it says what the code does.
type provider struct {
	flags    map[string]Flag
	settings atomic.Pointer[map[string]Setting] // nil before the first reading
}

var _ openfeature.FeatureProvider = (*provider)(nil)

func newProvider(declared []Flag) *provider {
	p := &provider{flags: make(map[string]Flag, len(declared))}
	for _, f := range declared {
		p.flags[f.Key] = f
	}
	return p
}

// Metadata implements openfeature.FeatureProvider.
func (p *provider) Metadata() openfeature.Metadata { return openfeature.Metadata{Name: "database"} }

// Hooks implements openfeature.FeatureProvider.
func (p *provider) Hooks() []openfeature.Hook { return nil }

// decide gives the variant of a flag, or why there is none.
func (p *provider) decide(key string, context openfeature.FlattenedContext, isSwitch bool) (d openfeature.ProviderResolutionDetail) {
	f, ok := p.flags[key]
	switch {
	case !ok:
		d.ResolutionError = openfeature.NewFlagNotFoundResolutionError("there is no such flag")
	case f.IsSwitch() != isSwitch:
		d.ResolutionError = openfeature.NewTypeMismatchResolutionError("the flag is of another type")
	default:
		setting := Setting{}
		if known := p.settings.Load(); known != nil {
			setting = (*known)[key]
		}
		if setting.Version == 0 {
			d.Variant, d.Reason = f.Default, openfeature.DefaultReason
			return d
		}
		customer, _ := context[openfeature.TargetingKey].(string)
		d.Variant, d.Reason = f.decide(setting, customer)
		return d
	}
	d.Reason = openfeature.ErrorReason
	return d
}

// BooleanEvaluation implements openfeature.FeatureProvider, for switches.
func (p *provider) BooleanEvaluation(
	_ context.Context, key string, otherwise bool, flat openfeature.FlattenedContext,
) openfeature.BoolResolutionDetail {
	d := p.decide(key, flat, true)
	if d.Variant == "" {
		return openfeature.BoolResolutionDetail{Value: otherwise, ProviderResolutionDetail: d}
	}
	return openfeature.BoolResolutionDetail{Value: d.Variant == On, ProviderResolutionDetail: d}
}

// StringEvaluation implements openfeature.FeatureProvider, for flags of more than two variants: their
// names are their values.
func (p *provider) StringEvaluation(
	_ context.Context, key, otherwise string, flat openfeature.FlattenedContext,
) openfeature.StringResolutionDetail {
	d := p.decide(key, flat, false)
	if d.Variant == "" {
		return openfeature.StringResolutionDetail{Value: otherwise, ProviderResolutionDetail: d}
	}
	return openfeature.StringResolutionDetail{Value: d.Variant, ProviderResolutionDetail: d}
}

// otherType is what every flag says to who asks for a number or an object.
func otherType() openfeature.ProviderResolutionDetail {
	return openfeature.ProviderResolutionDetail{
		Reason: openfeature.ErrorReason, ResolutionError: openfeature.NewTypeMismatchResolutionError("the flag is of another type"),
	}
}

// FloatEvaluation implements openfeature.FeatureProvider; there are no such flags.
func (p *provider) FloatEvaluation(
	_ context.Context, _ string, otherwise float64, _ openfeature.FlattenedContext,
) openfeature.FloatResolutionDetail {
	return openfeature.FloatResolutionDetail{Value: otherwise, ProviderResolutionDetail: otherType()}
}

// IntEvaluation implements openfeature.FeatureProvider; there are no such flags.
func (p *provider) IntEvaluation(
	_ context.Context, _ string, otherwise int64, _ openfeature.FlattenedContext,
) openfeature.IntResolutionDetail {
	return openfeature.IntResolutionDetail{Value: otherwise, ProviderResolutionDetail: otherType()}
}

// ObjectEvaluation implements openfeature.FeatureProvider; there are no such flags.
func (p *provider) ObjectEvaluation(
	_ context.Context, _ string, otherwise any, _ openfeature.FlattenedContext,
) openfeature.InterfaceResolutionDetail {
	return openfeature.InterfaceResolutionDetail{Value: otherwise, ProviderResolutionDetail: otherType()}
}
