// Package sagatest is the suite that every engine of sagas passes. It plays scenarios: plans whose
// steps act on a World that counts effects by key, some subjects, and what happens to them at
// which time. How time passes and how the engine dies is the backend's business.
package sagatest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/saga"
)

// Backend is an engine to test.
type Backend struct {
	// Play starts the scenario's sagas, lets time pass until all are finished, and gives the
	// records by key. Nobody waits for real: pauses are skipped.
	Play func(tb testing.TB, s Scenario) map[string]saga.Record
	// Durable says that progress is ours to keep, so that Scenario.Crash and Engines mean something.
	Durable bool
}

// Scenario is what to play.
type Scenario struct {
	Saga     *saga.Saga
	Subjects []string
	Deadline time.Duration // of each saga; 0 means an hour
	Begins   time.Duration // after they were started
	Signals  []Signal
	// Crash is asked before the deeds of an engine begin and after they end; when it says so the
	// engine is gone at once, and a new one begins.
	Crash *Crash
	// Engines work on the same databases at the same time. 0 means one.
	Engines int
	// StartsEach is how often each saga is started. 0 means once.
	StartsEach int
}

// Signal is a signal to all subjects, so long after they were started.
type Signal struct {
	After time.Duration
	Retry bool // by an operator
}

// Origin is when every scenario begins.
func Origin() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// Run runs the suite.
func Run(t *testing.T, b Backend) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Backend){
		"forward": forward, "backward": backward, "retries": retries, "waits": waits, "deadlines": deadlines, "hooks": hooks,
	} {
		t.Run(name, func(t *testing.T) { test(t, b) })
	}
	if b.Durable {
		t.Run("crashes", func(t *testing.T) { crashes(t, b) })
		t.Run("races", func(t *testing.T) { races(t, b) })
	}
}

// play plays a scenario of one subject and gives its record.
func play(t *testing.T, b Backend, s Scenario) saga.Record {
	t.Helper()
	s.Subjects = []string{"ord_1"}
	return b.Play(t, s)[saga.Key("ord_1", s.Saga.Name)]
}

// place is a plan of four steps on a world.
func place(w *World) *saga.Saga {
	return &saga.Saga{Name: "place", Steps: []saga.Step{w.Step("hold"), w.Step("assess"), w.Step("authorize"), w.Step("confirm")}}
}

func forward(t *testing.T, b Backend) {
	t.Run("every step is done once, in order", func(t *testing.T) {
		w := NewWorld()
		r := play(t, b, Scenario{Saga: place(w)})
		require.Equal(t, saga.StateDone, r.State)
		require.Equal(t, []string{"do hold", "do assess", "do authorize", "do confirm"}, w.Log("ord_1"))
	})
	t.Run("many subjects do not mind each other", func(t *testing.T) {
		w := NewWorld()
		s := Scenario{Saga: place(w)}
		for n := range 300 {
			s.Subjects = append(s.Subjects, fmt.Sprintf("ord_%03d", n))
		}
		if !b.Durable {
			s.Subjects = s.Subjects[:5]
		}
		for key, r := range b.Play(t, s) {
			require.Equal(t, saga.StateDone, r.State, key)
			require.Equal(t, []string{"do hold", "do assess", "do authorize", "do confirm"}, w.Log(r.Subject))
		}
	})
	t.Run("a step's key is subject, saga and step", func(t *testing.T) {
		w := NewWorld()
		play(t, b, Scenario{Saga: place(w)})
		require.Equal(t, 1, w.Effects("ord_1/place/authorize"))
	})
	t.Run("cheap steps are done like others", func(t *testing.T) {
		w := NewWorld()
		plan := place(w)
		plan.Steps[0].Cheap, plan.Steps[1].Cheap = true, true
		require.Equal(t, saga.StateDone, play(t, b, Scenario{Saga: plan}).State)
		require.Equal(t, []string{"do hold", "do assess", "do authorize", "do confirm"}, w.Log("ord_1"))
	})
	t.Run("a saga that starts later starts then", func(t *testing.T) {
		w := NewWorld()
		r := play(t, b, Scenario{Saga: place(w), Begins: 20 * time.Minute})
		require.Equal(t, saga.StateDone, r.State)
		require.WithinRange(t, r.Updated, Origin().Add(20*time.Minute), Origin().Add(21*time.Minute))
	})
}

func backward(t *testing.T, b Backend) {
	t.Run("a refusal undoes what was done, newest first", func(t *testing.T) {
		w := NewWorld()
		w.Answer("authorize", saga.Refused("CARD_DECLINED"))
		r := play(t, b, Scenario{Saga: place(w)})
		require.Equal(t, saga.StateUndone, r.State)
		require.Equal(t, "CARD_DECLINED", r.Cause)
		require.Equal(t, []string{"do hold", "do assess", "undo assess", "undo hold"}, w.Log("ord_1"))
		require.Equal(t, "CARD_DECLINED", w.Cause("ord_1/place/hold"))
	})
	t.Run("a refusal that took effect in part is undone itself", func(t *testing.T) {
		w := NewWorld()
		w.Answer("authorize", saga.RefusedPartly("HALF"))
		require.Equal(t, saga.StateUndone, play(t, b, Scenario{Saga: place(w)}).State)
		require.Equal(t, []string{"do hold", "do assess", "undo authorize", "undo assess", "undo hold"}, w.Log("ord_1"))
	})
	t.Run("a step without an answer is undone, whether it took effect or not", func(t *testing.T) {
		for _, effect := range []bool{true, false} {
			w := NewWorld()
			plan := place(w)
			plan.Steps[2].Retry.Attempts = 3
			w.Silent("authorize", effect)
			r := play(t, b, Scenario{Saga: plan})
			require.Equal(t, saga.StateUndone, r.State)
			require.Contains(t, w.Log("ord_1"), "undo authorize")
			require.Zero(t, w.Standing("ord_1"), "nothing is left")
		}
	})
	t.Run("a compensation that fails ten times still completes", func(t *testing.T) {
		w := NewWorld()
		w.Answer("confirm", saga.Refused("NO"))
		w.FailUndo("assess", 10)
		require.Equal(t, saga.StateUndone, play(t, b, Scenario{Saga: place(w)}).State)
		require.Equal(t, 11, w.Undos("ord_1/place/assess"))
		require.Zero(t, w.Standing("ord_1"))
	})
	t.Run("steps without a compensation are passed over", func(t *testing.T) {
		w := NewWorld()
		plan := place(w)
		plan.Steps[1].Undo = nil
		w.Answer("authorize", saga.Refused("NO"))
		require.Equal(t, saga.StateUndone, play(t, b, Scenario{Saga: plan}).State)
		require.Equal(t, []string{"do hold", "do assess", "undo hold"}, w.Log("ord_1"))
	})
	t.Run("behind the point of no return a refusal is retried, not undone", func(t *testing.T) {
		w := NewWorld()
		plan := place(w)
		plan.Steps[1].NoReturn = true
		w.Answer("confirm", saga.Refused("NO"), saga.Refused("NO"))
		require.Equal(t, saga.StateDone, play(t, b, Scenario{Saga: plan}).State)
		require.Equal(t, []string{"do hold", "do assess", "do authorize", "do confirm"}, w.Log("ord_1"))
	})
}

func retries(t *testing.T, b Backend) {
	t.Run("no answer is asked again with the same key until there is one", func(t *testing.T) {
		w := NewWorld()
		w.Answer("authorize", saga.Unknown("TIMEOUT"), saga.Unknown("TIMEOUT"))
		require.Equal(t, saga.StateDone, play(t, b, Scenario{Saga: place(w)}).State)
		require.Equal(t, []int{1, 2, 3}, w.Attempts("ord_1/place/authorize"))
		require.Equal(t, 1, w.Effects("ord_1/place/authorize"))
	})
	t.Run("an error and a panic count as no answer", func(t *testing.T) {
		w := NewWorld()
		w.Break("hold", 3)
		require.Equal(t, saga.StateDone, play(t, b, Scenario{Saga: place(w)}).State)
		require.Equal(t, 1, w.Effects("ord_1/place/hold"))
	})
	t.Run("later means not before", func(t *testing.T) {
		w := NewWorld()
		w.Answer("assess", saga.Later(5*time.Minute, "BUSY"))
		r := play(t, b, Scenario{Saga: place(w)})
		require.Equal(t, saga.StateDone, r.State)
		require.WithinRange(t, r.Updated, Origin().Add(5*time.Minute), Origin().Add(6*time.Minute))
	})
	t.Run("attempts that are used up undo the saga", func(t *testing.T) {
		w := NewWorld()
		plan := place(w)
		plan.Steps[1].Retry = saga.Retry{Attempts: 4, Base: time.Second, Max: time.Second}
		w.Answer("assess", saga.Later(0, "BUSY"), saga.Later(0, "BUSY"), saga.Later(0, "BUSY"), saga.Later(0, "BUSY"))
		r := play(t, b, Scenario{Saga: plan})
		require.Equal(t, saga.StateUndone, r.State)
		require.Equal(t, []int{1, 2, 3, 4}, w.Attempts("ord_1/place/assess"))
	})
}

func waits(t *testing.T, b Backend) {
	t.Run("a wait ends at its time", func(t *testing.T) {
		w := NewWorld()
		w.Answer("assess", saga.Wait(Origin().Add(10*time.Minute), "REVIEW"))
		r := play(t, b, Scenario{Saga: place(w)})
		require.Equal(t, saga.StateDone, r.State)
		require.WithinRange(t, r.Updated, Origin().Add(10*time.Minute), Origin().Add(11*time.Minute))
	})
	t.Run("a wait ends with a signal", func(t *testing.T) {
		w := NewWorld()
		w.Answer("assess", saga.Wait(time.Time{}, "REVIEW"))
		r := play(t, b, Scenario{Saga: place(w), Signals: []Signal{{After: 7 * time.Minute}}})
		require.Equal(t, saga.StateDone, r.State)
		require.WithinRange(t, r.Updated, Origin().Add(7*time.Minute), Origin().Add(8*time.Minute))
	})
	t.Run("a wait without a signal ends with the deadline", func(t *testing.T) {
		w := NewWorld()
		w.Answer("assess", saga.Wait(time.Time{}, "REVIEW"))
		r := play(t, b, Scenario{Saga: place(w), Deadline: 30 * time.Minute})
		require.Equal(t, saga.StateUndone, r.State)
		require.Equal(t, saga.ReasonDeadline, r.Cause)
		require.Zero(t, w.Standing("ord_1"))
	})
}

func deadlines(t *testing.T, b Backend) {
	t.Run("a saga that is late is undone, with the step that was tried", func(t *testing.T) {
		w := NewWorld()
		w.Silent("authorize", true)
		r := play(t, b, Scenario{Saga: place(w), Deadline: 10 * time.Minute})
		require.Equal(t, saga.StateUndone, r.State)
		require.Equal(t, saga.ReasonDeadline, r.Cause)
		require.Contains(t, w.Log("ord_1"), "undo authorize")
		require.Zero(t, w.Standing("ord_1"))
	})
	t.Run("behind the point of no return it goes on, late", func(t *testing.T) {
		w := NewWorld()
		plan := place(w)
		plan.Steps[0].NoReturn = true
		w.Answer("confirm", saga.Later(20*time.Minute, "BUSY"))
		require.Equal(t, saga.StateDone, play(t, b, Scenario{Saga: plan, Deadline: 10 * time.Minute}).State)
		require.Equal(t, []string{"do hold", "do assess", "do authorize", "do confirm"}, w.Log("ord_1"))
	})
}

func hooks(t *testing.T, b Backend) {
	t.Run("the last thing is tried until it succeeds", func(t *testing.T) {
		for _, refuse := range []bool{false, true} {
			w := NewWorld()
			plan := place(w)
			plan.OnDone, plan.OnUndone = w.Hook("done", 7), w.Hook("undone", 7)
			want, last := saga.StateDone, "do done"
			if refuse {
				w.Answer("hold", saga.Refused("NO"))
				want, last = saga.StateUndone, "do undone"
			}
			require.Equal(t, want, play(t, b, Scenario{Saga: plan}).State)
			log := w.Log("ord_1")
			require.Equal(t, last, log[len(log)-1])
		}
	})
}

func crashes(t *testing.T, b Backend) {
	for _, end := range []saga.State{saga.StateDone, saga.StateUndone} {
		t.Run(fmt.Sprintf("wherever an engine dies, every effect of a saga that ends %s happens once", end), func(t *testing.T) {
			deeds := 8 // before and after each of four
			if end == saga.StateUndone {
				deeds = 14 // three more are undone
			}
			for at := 1; at <= deeds; at++ {
				w := NewWorld()
				plan := place(w)
				plan.Steps[0].Cheap = at%2 == 0
				if end == saga.StateUndone {
					w.AnswerAlways("confirm", saga.Refused("NO"))
				}
				crash := &Crash{At: at}
				r := play(t, b, Scenario{Saga: plan, Crash: crash})
				require.True(t, crash.Dead(1), "it died at %d", at)
				require.Equal(t, end, r.State, "death at %d", at)
				w.RequireOnce(t, "ord_1", end)
			}
		})
	}
	t.Run("an engine that dies at every boundary gets there", func(t *testing.T) {
		w := NewWorld()
		w.AnswerAlways("confirm", saga.Refused("NO"))
		r := play(t, b, Scenario{Saga: place(w), Crash: &Crash{Every: 3}})
		require.Equal(t, saga.StateUndone, r.State)
		w.RequireOnce(t, "ord_1", saga.StateUndone)
	})
}

func races(t *testing.T, b Backend) {
	t.Run("twenty engines on the same subjects have one effect", func(t *testing.T) {
		w := NewWorld()
		s := Scenario{Saga: place(w), Engines: 20, StartsEach: 5, Signals: []Signal{{After: time.Minute}}}
		w.Answer("assess", saga.Wait(time.Time{}, "REVIEW"))
		for n := range 40 {
			s.Subjects = append(s.Subjects, fmt.Sprintf("ord_%02d", n))
		}
		for key, r := range b.Play(t, s) {
			require.Equal(t, saga.StateDone, r.State, key)
			w.RequireOnce(t, r.Subject, saga.StateDone)
		}
	})
}
