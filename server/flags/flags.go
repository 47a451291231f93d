package flags

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// Flags tells how flags stand, by an OpenFeature provider. Make it with New. It is safe for concurrent
// use, asks nobody outside of the process, and never fails: what cannot be learned is the default of the
// flag.
type Flags struct {
	api      *openfeature.EvaluationAPI
	client   *openfeature.Client
	declared []Flag // by key
	count    func(flag, variant string) prometheus.Counter
}

// patience is how long a provider has to begin, and to end. One that is not there yet goes on trying.
const patience = 2 * time.Second

// New makes the flags over a provider, and registers their metrics. Who has them closes them.
func New(ctx context.Context, declared []Flag, p openfeature.FeatureProvider, registry prometheus.Registerer) (*Flags, error) {
	f := &Flags{api: isolated.NewAPI(), declared: sorted(declared), count: telemetry.FlagEvaluations(registry)}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := f.api.SetProviderAndWait(ctx, p); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("flags: %w", err)
	}
	f.client = f.api.NewClient()
	return f, nil
}

// Close ends what the provider has going.
func (f *Flags) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- f.api.Shutdown(ctx) }() // it may wait for a provider that still tries to begin
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return nil
	}
}

// Switch gives what tells whether a flag is on for a customer, or whatever its share sticks to; empty
// for nobody in particular. It panics unless the flag is declared as a switch.
func (f *Flags) Switch(key string) func(ctx context.Context, customer string) bool {
	declared := f.flag(key, true)
	on, off := f.count(key, On), f.count(key, Off)
	return func(ctx context.Context, customer string) bool {
		is := f.client.Boolean(ctx, key, declared.Default == On, openfeature.NewEvaluationContext(customer, nil))
		if is {
			on.Inc()
		} else {
			off.Inc()
		}
		return is
	}
}

// Choice gives what tells which variant a flag has for a customer, as Switch does. A provider that says
// something else than the flag may be is not believed.
func (f *Flags) Choice(key string) func(ctx context.Context, customer string) string {
	declared := f.flag(key, false)
	counts := map[string]prometheus.Counter{}
	for _, variant := range declared.Variants {
		counts[variant] = f.count(key, variant)
	}
	return func(ctx context.Context, customer string) string {
		variant := f.client.String(ctx, key, declared.Default, openfeature.NewEvaluationContext(customer, nil))
		if counts[variant] == nil {
			variant = declared.Default
		}
		counts[variant].Inc()
		return variant
	}
}

func (f *Flags) flag(key string, isSwitch bool) Flag {
	for _, one := range f.declared {
		if one.Key == key && one.IsSwitch() == isSwitch {
			return one
		}
	}
	panic("flags: " + key + " is not declared like this")
}

func sorted(declared []Flag) []Flag {
	return slices.SortedFunc(slices.Values(declared), func(a, b Flag) int { return cmp.Compare(a.Key, b.Key) })
}
