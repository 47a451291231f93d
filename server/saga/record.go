package saga

import (
	"strings"
	"time"
)

// State sums up where a saga is.
type State uint8

// The states. Below StateDone a saga is unfinished.
const (
	StateRunning      State = iota + 1
	StateWaiting            // for a time or a signal
	StateCompensating       // being undone
	StateStuck              // what must succeed keeps failing; it goes on trying, and somebody should look
	StateDone
	StateUndone
)

var stateNames = [...]string{"", "running", "waiting", "compensating", "stuck", "done", "undone"}

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "unknown"
}

// Finished tells whether nothing is left to do.
func (s State) Finished() bool { return s >= StateDone }

// Unfinished are the states of sagas that have something left to do.
func Unfinished() []State {
	return []State{StateRunning, StateWaiting, StateCompensating, StateStuck}
}

// Record is how far a saga of one subject has come. Times are UTC, in microseconds.
type Record struct {
	Slot     int
	Subject  string
	Saga     string
	State    State
	Undoing  bool
	Step     int    // to do or undo next; one past the last for OnDone, -1 for OnUndone
	Attempts int    // in vain, in a row, at this step
	Reason   string // why it did not go on the last time
	Cause    string // why it is being undone
	Deadline time.Time
	// Wake is when to look at it again. While it rests it goes on then; while it runs, whoever
	// runs it has been silent for too long.
	Wake    time.Time
	Rests   bool // nobody works on it until Wake or a signal
	Created time.Time
	Updated time.Time
	Trace   string // of its Start; it never changes
}

// Key gives the name of a record: its subject and saga.
func (r Record) Key() string { return Key(r.Subject, r.Saga) }

// Key gives the name of a subject's saga. Subjects have no slash.
func Key(subject, saga string) string { return subject + "/" + saga }

// SplitKey takes a key apart.
func SplitKey(key string) (subject, saga string) {
	subject, saga, _ = strings.Cut(key, "/")
	return subject, saga
}

// NewRecord is what is stored when a saga starts. It rests when it starts later.
func NewRecord(s Start, now time.Time, lease time.Duration) Record {
	now = now.UTC().Truncate(time.Microsecond)
	r := Record{
		Slot: s.Slot, Subject: s.Subject, Saga: s.Saga, State: StateRunning,
		Deadline: s.Deadline.UTC().Truncate(time.Microsecond), Wake: now.Add(lease), Created: now, Updated: now,
		Trace: s.Trace,
	}
	if s.At.After(now) {
		r.Wake, r.Rests = s.At.UTC().Truncate(time.Microsecond), true
	}
	return r
}
