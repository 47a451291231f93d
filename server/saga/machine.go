package saga

import "time"

const (
	nameDone        = "done"
	nameUndone      = "undone"
	defaultDeadline = 10 * time.Second
	defaultAlert    = 5

	// ReasonDeadline is the cause when a saga is undone for its deadline.
	ReasonDeadline = "SAGA_DEADLINE_EXCEEDED"
)

// Deed is what a saga has to do next.
type Deed uint8

// The deeds.
const (
	DeedNone  Deed = iota // nothing: it rests or is finished
	DeedDo                // Do of a step
	DeedUndo              // Undo of a step
	DeedClose             // OnDone or OnUndone
)

// Turn is one deed with what it needs.
type Turn struct {
	Deed     Deed
	Step     int
	Call     Call
	Deadline time.Duration // of this attempt
}

// Next tells what comes next, and the record as it is before that. When the record differs from
// the one given it must be durable before the turn begins.
func (s *Saga) Next(r Record, now time.Time) (Record, Turn) {
	switch {
	case r.State.Finished() || r.Rests:
		return r, Turn{}
	case r.Undoing || now.Before(r.Deadline):
	case !s.onlyForward(r):
		r = undo(r, s.reach(r.Step), ReasonDeadline)
	default:
		r.State = StateStuck // late, and not to be undone
	}
	for r.Undoing && r.Step >= 0 && s.Steps[r.Step].Undo == nil {
		r.Step--
	}
	turn := Turn{Step: r.Step, Deadline: defaultDeadline}
	name := nameDone
	switch {
	case r.Undoing && r.Step < 0:
		if s.OnUndone == nil {
			return finish(r), Turn{}
		}
		turn.Deed, name = DeedClose, nameUndone
	case !r.Undoing && r.Step >= len(s.Steps):
		if s.OnDone == nil {
			return finish(r), Turn{}
		}
		turn.Deed = DeedClose
	default:
		step := s.Steps[r.Step]
		turn.Deed, name = DeedDo, step.Name
		if r.Undoing {
			turn.Deed = DeedUndo
		}
		if step.Deadline > 0 {
			turn.Deadline = step.Deadline
		}
	}
	turn.Call = Call{
		Subject: r.Subject, Saga: s.Name, Step: name, Key: r.Key() + "/" + name,
		Attempt: r.Attempts + 1, Cause: r.Cause, Trace: r.Trace,
	}
	return r, turn
}

// After gives the record after a turn, and whether it must be durable before the next turn.
func (s *Saga) After(r Record, turn Turn, result Result, now time.Time) (after Record, durable bool) {
	if result.Outcome == OutcomeDone {
		return s.succeeded(r, turn)
	}
	r.Reason = clip(result.Reason)
	if turn.Deed != DeedDo {
		return s.tryAgain(r, result, now), true
	}
	switch result.Outcome {
	case OutcomeRefused:
		if s.onlyForward(r) {
			r = s.tryAgain(r, result, now)
			r.State = StateStuck
			return r, true
		}
		from := r.Step - 1
		if result.TookEffect { // and what is behind it may have begun before a crash
			from = s.reach(r.Step)
		}
		return undo(r, from, r.Reason), true
	case OutcomeWaiting:
		r.State, r.Attempts, r.Rests = StateWaiting, 0, true
		r.Wake = r.Deadline
		if !result.Until.IsZero() && (result.Until.Before(r.Deadline) || s.onlyForward(r)) {
			r.Wake = result.Until.UTC().Truncate(time.Microsecond)
		}
		if !r.Wake.After(now) { // forward, and late
			r.Wake = now.Add(s.pauseAt(r).Max)
		}
		return r, true
	default:
		most := s.Steps[r.Step].Retry.Attempts
		if most > 0 && r.Attempts+1 >= most && !s.onlyForward(r) {
			return undo(r, s.reach(r.Step), r.Reason), true
		}
		return s.tryAgain(r, result, now), true
	}
}

func (s *Saga) succeeded(r Record, turn Turn) (Record, bool) {
	r.Attempts, r.Reason = 0, ""
	switch turn.Deed {
	case DeedDo:
		r.State = StateRunning
		r.Step++
		return r, !s.Steps[turn.Step].Cheap
	case DeedUndo:
		r.State = StateCompensating
		r.Step--
		return r, true
	default:
		return finish(r), true
	}
}

// tryAgain lets a record rest until its next attempt. What must succeed makes it stuck after a
// while, and still is tried again.
func (s *Saga) tryAgain(r Record, result Result, now time.Time) Record {
	alert := s.AlertAfter
	if alert == 0 {
		alert = defaultAlert
	}
	must := r.Undoing || s.onlyForward(r)
	if r.State == StateWaiting {
		r.State = StateRunning
	}
	r.Attempts++
	if must && r.Attempts >= alert {
		r.State = StateStuck
	}
	r.Wake = now.Add(result.Delay + s.pauseAt(r).Pause(r.Key(), r.Attempts)).UTC().Truncate(time.Microsecond)
	if !must && r.Wake.After(r.Deadline) {
		r.Wake = r.Deadline
	}
	r.Rests = true
	return r
}

// undo turns a record around: from is the first step to undo.
func undo(r Record, from int, cause string) Record {
	r.Undoing, r.State, r.Step, r.Attempts, r.Cause = true, StateCompensating, from, 0, cause
	return r
}

func finish(r Record) Record {
	r.State, r.Attempts = StateDone, 0
	if r.Undoing {
		r.State = StateUndone
	}
	return r
}

// Resume gives a record another try at once, as when its time has come or an operator asks.
func Resume(r Record) Record {
	r.Rests = false
	return r
}

// reach is the last step that may have begun when step was the next one at the last write.
func (s *Saga) reach(step int) int {
	for step < len(s.Steps)-1 && s.Steps[step].Cheap {
		step++
	}
	return min(step, len(s.Steps)-1)
}

// onlyForward tells whether a step behind the record allows no return.
func (s *Saga) onlyForward(r Record) bool {
	if r.Undoing {
		return false
	}
	for _, step := range s.Steps[:min(r.Step, len(s.Steps))] {
		if step.NoReturn {
			return true
		}
	}
	return r.Step >= len(s.Steps)
}

// pauseAt gives the pauses of the step that the record is at.
func (s *Saga) pauseAt(r Record) Retry {
	if r.Step < 0 || r.Step >= len(s.Steps) {
		return Retry{}.withDefaults()
	}
	return s.Steps[r.Step].Retry.withDefaults()
}

// clip keeps a reason to a size that an operator can read.
func clip(reason string) string {
	const most = 200
	if len(reason) > most {
		return reason[:most]
	}
	return reason
}
