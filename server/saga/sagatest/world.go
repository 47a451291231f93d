package sagatest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/saga"
)

// World is what steps act on: an idempotent service that counts effects by key, and answers as it
// was told. An effect that was undone, or refused in advance, cannot happen any more.
type World struct {
	mu       sync.Mutex
	answers  map[string][]saga.Result // by step, for each subject in turn
	always   map[string]saga.Result
	silent   map[string]bool // by step: no answer, with effect or without
	breaks   map[string]int
	failing  map[string]int
	entries  map[string]*entry // by key
	logs     map[string][]string
	attempts map[string][]int
}

// entry is what the service knows of one key.
type entry struct {
	effects, undos, asked, failures int
	done, undone                    bool
	cause                           string
}

// NewWorld makes a world in which everything succeeds.
func NewWorld() *World {
	return &World{
		answers: map[string][]saga.Result{}, always: map[string]saga.Result{}, silent: map[string]bool{},
		breaks: map[string]int{}, failing: map[string]int{}, entries: map[string]*entry{}, logs: map[string][]string{}, attempts: map[string][]int{},
	}
}

// Answer makes a step's first attempts for each subject give these results, without effect.
func (w *World) Answer(step string, results ...saga.Result) { w.answers[step] = results }

// AnswerAlways makes every attempt at a step give this result, without effect.
func (w *World) AnswerAlways(step string, result saga.Result) { w.always[step] = result }

// Silent makes a step never answer, with its effect or without.
func (w *World) Silent(step string, effect bool) { w.silent[step] = effect }

// Break makes a step's first attempts for each subject fail: with errors, the last with a panic.
func (w *World) Break(step string, times int) { w.breaks[step] = times }

// FailUndo makes a step's compensation fail so often for each subject.
func (w *World) FailUndo(step string, times int) { w.failing[step] = times }

// Step is a step that acts on the world.
func (w *World) Step(name string) saga.Step { return saga.Step{Name: name, Do: w.do, Undo: w.undo} }

// Hook is an OnDone or OnUndone that fails so often for each subject before it succeeds.
func (w *World) Hook(name string, failures int) func(context.Context, saga.Call) error {
	w.breaks[name] = failures
	return func(ctx context.Context, call saga.Call) error {
		_, err := w.do(ctx, call)
		return err
	}
}

func (w *World) entry(key string) *entry {
	if w.entries[key] == nil {
		w.entries[key] = &entry{}
	}
	return w.entries[key]
}

func (w *World) do(_ context.Context, call saga.Call) (saga.Result, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.entry(call.Key)
	e.asked++
	w.attempts[call.Key] = append(w.attempts[call.Key], call.Attempt)
	if e.undone {
		return saga.Refused("UNDONE"), nil
	}
	if n := w.breaks[call.Step]; e.asked <= n {
		if e.asked == n {
			panic("broken")
		}
		return saga.Result{}, errors.New("broken")
	}
	if answers := w.answers[call.Step]; e.asked <= len(answers) {
		return answers[e.asked-1], nil
	}
	if answer, ok := w.always[call.Step]; ok {
		return answer, nil
	}
	effect, silent := w.silent[call.Step]
	if (effect || !silent) && !e.done {
		e.done = true
		e.effects++
		w.logs[call.Subject] = append(w.logs[call.Subject], "do "+call.Step)
	}
	if silent {
		return saga.Unknown("TIMEOUT"), nil
	}
	return saga.Done(), nil
}

func (w *World) undo(_ context.Context, call saga.Call) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.entry(call.Key)
	e.undos++
	e.cause = call.Cause
	if e.failures < w.failing[call.Step] {
		e.failures++
		return fault.New(fault.KindUnavailable, fault.ReasonDatabaseDown, "not now")
	}
	if !e.undone {
		e.undone, e.done = true, false
		w.logs[call.Subject] = append(w.logs[call.Subject], "undo "+call.Step)
	}
	return nil
}

// Log is what happened to a subject, each thing once.
func (w *World) Log(subject string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.logs[subject]
}

// Attempts are the numbers of the attempts at a key.
func (w *World) Attempts(key string) []int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.attempts[key]
}

// Effects is how often the effect of a key happened.
func (w *World) Effects(key string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.entry(key).effects
}

// Undos is how often a key was to be undone.
func (w *World) Undos(key string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.entry(key).undos
}

// Cause is why a key was undone.
func (w *World) Cause(key string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.entry(key).cause
}

// Standing is how many effects of a subject are not undone.
func (w *World) Standing(subject string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for key, e := range w.entries {
		if strings.HasPrefix(key, subject+"/") && e.done {
			n++
		}
	}
	return n
}

// RequireOnce requires that every effect of a subject happened at most once, and that all of them
// stand, or none.
func (w *World) RequireOnce(t *testing.T, subject string, end saga.State) {
	t.Helper()
	w.mu.Lock()
	for key, e := range w.entries {
		if strings.HasPrefix(key, subject+"/") && e.effects > 1 {
			t.Errorf("%s took effect %d times", key, e.effects)
		}
	}
	w.mu.Unlock()
	want := 0
	if end == saga.StateDone {
		want = 4
	}
	require.Equal(t, want, w.Standing(subject))
}
