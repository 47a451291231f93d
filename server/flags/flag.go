// Package flags gives what operators switch while the system runs: which flags there are, how each is
// set in the home database, and what that means for a customer. It evaluates through OpenFeature, so
// another provider can take the database's place. What a flag leads to is up to the rooms that ask.
package flags

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
)

// Flag is a feature flag as the code knows it.
type Flag struct {
	Key         string
	Description string
	Variants    []string // what it may be; On and Off for a switch
	Default     string   // while nobody has set it, or it is not known whether somebody has
	Killed      string   // while it is not enabled: what is safe
}

// IsSwitch tells whether the flag is on or off, and nothing else.
func (f Flag) IsSwitch() bool { return slices.Equal(f.Variants, []string{On, Off}) }

// Setting is how a flag is set.
type Setting struct {
	Enabled bool
	Default string            // for whom neither Targets nor Rollout say otherwise
	Rollout map[string]int    // percent of customers by variant; at most 100 together
	Targets map[string]string // variants by customer
	Version int64             // counts changes, from 1; 0 when nobody has set it
	Actor   string            // who set it last
	Updated time.Time         // UTC, microseconds
}

// Etag names this version of the setting.
func (s Setting) Etag() string { return strconv.FormatInt(s.Version, 10) }

// same tells whether two settings mean the same.
func (s Setting) same(o Setting) bool {
	return s.Enabled == o.Enabled && s.Default == o.Default && maps.Equal(s.Rollout, o.Rollout) && maps.Equal(s.Targets, o.Targets)
}

// unset is the setting of a flag that nobody has set.
func (f Flag) unset() Setting { return Setting{Enabled: true, Default: f.Default} }

// decide gives the variant for a customer, and why. A customer keeps their variant as long as the
// rollout of the variants up to theirs, in the order of the flag, does not shrink.
func (f Flag) decide(s Setting, customer string) (string, openfeature.Reason) {
	if !s.Enabled {
		return f.Killed, openfeature.DisabledReason
	}
	if variant, ok := s.Targets[customer]; ok {
		return variant, openfeature.TargetingMatchReason
	}
	if len(s.Rollout) == 0 || customer == "" {
		return s.Default, openfeature.StaticReason
	}
	at, upTo := percentile(f.Key, customer), 0
	for _, variant := range f.Variants {
		if upTo += s.Rollout[variant]; at < upTo {
			return variant, openfeature.SplitReason
		}
	}
	return s.Default, openfeature.SplitReason
}

// percentile is where a customer stands among all, 0 to 99: the same in every process and for ever, and
// for another flag elsewhere.
func percentile(key, customer string) int {
	var room [128]byte
	text := append(append(append(room[:0], key...), 0), customer...)
	sum := sha256.Sum256(text)
	return int(binary.BigEndian.Uint64(sum[:8]) % 100) //nolint:gosec // below 100
}
