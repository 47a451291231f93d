package flags

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// maxTargets bounds the customers that one flag names: for more there is the rollout.
const maxTargets = 1000

// State is a flag with how it is set.
type State struct {
	Flag
	Setting
}

// Change says how a flag is to be set. What is nil stays.
type Change struct {
	Key     string
	Etag    string // the version that the caller knows; empty for any
	Enabled *bool
	Default *string
	Rollout map[string]int    // instead of the one before
	Targets map[string]string // instead of those before
}

// List reads all flags as they are set, by key.
func (k *Keeper) List(ctx context.Context) ([]State, error) {
	all, err := k.Store.All(ctx)
	if err != nil {
		return nil, err
	}
	states := make([]State, len(k.Declared))
	for i, f := range k.Declared {
		states[i] = f.state(all[f.Key])
	}
	return states, nil
}

// Set changes how a flag is set. This process goes by it when Set returns, the others within 2 s. The
// same again is no change.
func (k *Keeper) Set(ctx context.Context, c Change) (State, error) {
	at := slices.IndexFunc(k.Declared, func(f Flag) bool { return f.Key == c.Key })
	if at < 0 {
		return State{}, fault.New(fault.KindNotFound, fault.ReasonFlagNotFound, "there is no such flag; ListFlags names them all")
	}
	f := k.Declared[at]
	if err := f.check(c); err != nil {
		return State{}, err
	}
	set, err := k.Store.Change(ctx, c.Key, func(current Setting) (Setting, error) {
		known := f.state(current).Setting
		next := known.with(c)
		if next.same(known) && known.Version > 0 {
			return known, nil
		}
		if c.Etag != "" && c.Etag != known.Etag() {
			return Setting{}, fault.New(fault.KindConflict, fault.ReasonStaleEtag, "the flag was set anew; read it again")
		}
		next.Actor, next.Updated = auth.CallerFrom(ctx).ID, k.Now().UTC().Truncate(time.Microsecond)
		return next, nil
	})
	if err != nil {
		return State{}, err
	}
	k.refresh(context.WithoutCancel(ctx))
	return f.state(set), nil
}

// Forget takes a customer out of the targets of all flags.
func (k *Keeper) Forget(ctx context.Context, customer string) error {
	states, err := k.List(ctx)
	if err != nil {
		return err
	}
	for _, s := range states {
		if _, named := s.Targets[customer]; !named {
			continue
		}
		rest := maps.Clone(s.Targets)
		delete(rest, customer)
		if _, err := k.Set(ctx, Change{Key: s.Key, Etag: s.Etag(), Targets: rest}); err != nil {
			return err
		}
	}
	return nil
}

func (f Flag) state(s Setting) State {
	if s.Version == 0 {
		s = f.unset()
	}
	return State{Flag: f, Setting: s}
}

func (s Setting) with(c Change) Setting {
	if c.Enabled != nil {
		s.Enabled = *c.Enabled
	}
	if c.Default != nil {
		s.Default = *c.Default
	}
	if c.Rollout != nil {
		s.Rollout = maps.Clone(c.Rollout)
	}
	if c.Targets != nil {
		s.Targets = maps.Clone(c.Targets)
	}
	return s
}

// check refuses what the flag cannot be.
func (f Flag) check(c Change) error {
	if c.Default != nil {
		if err := f.checkVariant("default_variant", *c.Default); err != nil {
			return err
		}
	}
	sum := 0
	for variant, percent := range c.Rollout {
		if err := f.checkVariant("rollout.percent", variant); err != nil {
			return err
		}
		if percent < 0 || percent > 100 {
			return fault.Invalid(fault.ReasonRolloutInvalid, "rollout.percent", "a share must be from 0 to 100 percent")
		}
		sum += percent
	}
	if sum > 100 {
		return fault.Invalid(fault.ReasonRolloutInvalid, "rollout.percent", "all shares together must not be above 100 percent")
	}
	if len(c.Targets) > maxTargets {
		return fault.Invalid(fault.ReasonInvalidRequest, "targets.variants", "a flag names at most %d customers", maxTargets)
	}
	for customer, variant := range c.Targets {
		if customer == "" {
			return fault.Invalid(fault.ReasonInvalidRequest, "targets.variants", "a customer must not be empty")
		}
		if err := f.checkVariant("targets.variants", variant); err != nil {
			return err
		}
	}
	return nil
}

func (f Flag) checkVariant(field, variant string) error {
	if slices.Contains(f.Variants, variant) {
		return nil
	}
	return fault.Invalid(fault.ReasonVariantUnknown, field, "%s may be %s", f.Key, strings.Join(f.Variants, ", "))
}
