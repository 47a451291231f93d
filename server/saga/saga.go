// Package saga says what a durable process is: steps with their compensations, and the rules by
// which one follows the other. A saga is written once, as data; an engine (river, temporal) carries
// each of its subjects from start to done or undone, through crashes, and never drops one. What
// the steps do is left to the rooms that write them; sagatest holds the engines to their promises.
package saga

import (
	"context"
	"fmt"
	"regexp"
	"time"
)

// Saga is the plan of a process. Every subject that it is started for goes through its steps.
type Saga struct {
	// Name is stable for ever: progress is stored under it. Lower case letters, digits and
	// underscores.
	Name string
	// Steps are done in order and undone in reverse. A release may add steps at the end only:
	// progress is stored as a number of steps.
	Steps []Step
	// Load reads what steps work with, of many subjects at once; a step finds that of its own in
	// Call.Loaded. An engine that works on one subject at a time need not call it. Nil is nothing to
	// read.
	Load func(ctx context.Context, subjects []string) (map[string]any, error)
	// OnDone is the last thing to do when all steps are done, and OnUndone when all are undone.
	// They are tried until they succeed; nil is nothing to do. The same rules as for Undo.
	OnDone, OnUndone func(context.Context, Call) error
	// AlertAfter is how many failures in a row of what must succeed make a saga stuck, which is an
	// alert and not the end: it goes on trying. 0 means 5.
	AlertAfter int
}

// Step is one action with its compensation. Either may run more than once, with the same key, and
// must have the effect of running once.
type Step struct {
	Name string
	// Do does it. An error is an unknown outcome: it may have taken effect.
	Do func(context.Context, Call) (Result, error)
	// Undo takes back what Do did with the same key. It is called even where nobody knows what Do
	// did, so it has to find out; where Do took no effect it succeeds and makes sure that a Do that
	// arrives later is refused. Nil is nothing to undo.
	Undo func(context.Context, Call) error
	// Retry is how Do is tried again. Undo has the same pauses, and no end.
	Retry Retry
	// Deadline is how long one attempt may take; its context ends then. 0 means 10 s.
	Deadline time.Duration
	// Cheap says that repeating the step after a crash costs nothing worth a write: that it was
	// done is stored with the next step that isn't cheap.
	Cheap bool
	// NoReturn says that once this step is done the saga is only finished forward: what fails
	// later, the saga's deadline included, makes it stuck rather than undone.
	NoReturn bool
}

// Retry is a pause with full jitter, between 0 and Base·2ⁿ, at most Max.
type Retry struct {
	Attempts  int           // of Do, before the saga is undone; 0 means until its deadline
	Base, Max time.Duration // 0 means 100 ms and 1 min
}

// Call is what a step gets to know.
type Call struct {
	Subject string // such as ord_…; what the saga is about
	Saga    string
	Step    string
	Key     string // subject/saga/step: the idempotency key for whatever the step calls
	Attempt int    // from 1; in a row, at the same step in the same direction
	Cause   string // when undoing: the reason why
	Trace   string // traceparent that the attempt belongs to; may be empty
	// Loaded is what Load read of the subject before the first step of this run; nil when nothing was
	// read, and always when undoing. A step that works with it is like one that was slow after it had
	// read: what it decides must be checked again where it is written.
	Loaded any `json:"-"`
}

// Start asks for a saga of one subject. A subject has each saga once: starting it again, whatever
// has become of it, changes nothing.
type Start struct {
	Slot     int // of the subject
	Subject  string
	Saga     string
	At       time.Time // when to begin; zero means at once
	Deadline time.Time // of the whole: what isn't done then is undone
	Trace    string    // traceparent of the call that it follows from; empty when that is not traced
}

// Signal names a saga that has reason to go on.
type Signal struct{ Subject, Saga string }

// Wakes are the sagas that follow from a change: they are started and signaled in its transaction.
type Wakes struct {
	Starts  []Start
	Signals []Signal
}

var goodName = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// Check tells what is wrong with a plan: a programmer's error.
func (s *Saga) Check() error {
	if !goodName.MatchString(s.Name) {
		return fmt.Errorf("saga name %q is not like place_order", s.Name)
	}
	if len(s.Steps) == 0 {
		return fmt.Errorf("saga %s has no steps", s.Name)
	}
	names := map[string]bool{nameDone: true, nameUndone: true}
	for _, step := range s.Steps {
		if !goodName.MatchString(step.Name) || names[step.Name] {
			return fmt.Errorf("saga %s: step name %q is taken, or not like hold_stock", s.Name, step.Name)
		}
		if step.Do == nil {
			return fmt.Errorf("saga %s: step %s does nothing", s.Name, step.Name)
		}
		names[step.Name] = true
	}
	return nil
}

// Book is the sagas of a process by name.
type Book map[string]*Saga

// NewBook checks plans and gathers them.
func NewBook(sagas ...*Saga) (Book, error) {
	book := make(Book, len(sagas))
	for _, s := range sagas {
		if err := s.Check(); err != nil {
			return nil, err
		}
		if book[s.Name] != nil {
			return nil, fmt.Errorf("there are two sagas named %s", s.Name)
		}
		book[s.Name] = s
	}
	return book, nil
}

// LongestAttempt is how long a single attempt of any step may take.
func (b Book) LongestAttempt() time.Duration {
	longest := defaultDeadline
	for _, s := range b {
		for _, step := range s.Steps {
			longest = max(longest, step.Deadline)
		}
	}
	return longest
}
