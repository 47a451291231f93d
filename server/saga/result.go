package saga

import (
	"context"
	"errors"
	"time"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

// Outcome is what became of one attempt at a step.
type Outcome uint8

// The outcomes.
const (
	OutcomeDone    Outcome = iota + 1 // go on
	OutcomeRefused                    // for good: undo what was done
	OutcomeWaiting                    // until a time or a signal, then ask again
	OutcomeUnknown                    // no answer: it may have taken effect; ask again with the same key
	OutcomeLater                      // not now; ask again
)

func (o Outcome) String() string {
	return [...]string{"none", "done", "refused", "waiting", "unknown", "later"}[o]
}

// Result is what an attempt at a step says. Make one with the functions below. A reason is a
// stable name such as CARD_DECLINED, never a secret: it is stored and shown to operators.
type Result struct {
	Outcome    Outcome       `json:"outcome"`
	Reason     string        `json:"reason,omitempty"`
	TookEffect bool          `json:"took_effect,omitempty"` // refused, and yet to be undone
	Until      time.Time     `json:"until,omitzero"`        // waiting
	Delay      time.Duration `json:"delay,omitempty"`       // before the next attempt, at least
}

// Done says that the step took effect.
func Done() Result { return Result{Outcome: OutcomeDone} }

// Refused says that the step will never take effect, and hasn't: all before it is undone.
func Refused(reason string) Result { return Result{Outcome: OutcomeRefused, Reason: reason} }

// RefusedPartly is Refused by a step that may have taken effect, in part or earlier: it is undone too,
// with the steps that may have begun behind it.
func RefusedPartly(reason string) Result {
	return Result{Outcome: OutcomeRefused, Reason: reason, TookEffect: true}
}

// Wait suspends the saga until a signal, or until a time unless that is zero. Then the step runs
// again, with the same key.
func Wait(until time.Time, reason string) Result {
	return Result{Outcome: OutcomeWaiting, Until: until, Reason: reason}
}

// Unknown says that there was no answer. The step runs again, with the same key, until there is
// one; if the saga is undone before that, so is the step.
func Unknown(reason string) Result { return Result{Outcome: OutcomeUnknown, Reason: reason} }

// Later says that the step cannot be done now. It runs again after the delay, with jitter added;
// 0 leaves the delay to the step's Retry.
func Later(delay time.Duration, reason string) Result {
	return Result{Outcome: OutcomeLater, Delay: delay, Reason: reason}
}

// ReasonOf gives the name of an error for the record. An error's text may hold what must not be
// stored, so only a fault's reason passes.
func ReasonOf(err error) string {
	if reason := fault.ReasonOf(err); reason != "" {
		return string(reason)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return string(fault.ReasonDeadlineExceeded)
	case errors.Is(err, context.Canceled):
		return string(fault.ReasonCanceled)
	}
	return string(fault.ReasonInternal)
}

// fromError makes an unknown outcome of an error, with the delay that it asks for.
func fromError(err error) Result {
	r := Unknown(ReasonOf(err))
	if f := fault.From(err); f != nil {
		r.Delay = f.RetryAfter
	}
	return r
}
