package saga_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/saga"
)

func done(context.Context, saga.Call) (saga.Result, error) { return saga.Done(), nil }

func undo(context.Context, saga.Call) error { return nil }

func TestNewBook(t *testing.T) {
	step := saga.Step{Name: "hold", Do: done}
	for name, sagas := range map[string][]*saga.Saga{
		"place-order": {{Name: "place-order", Steps: []saga.Step{step}}},
		"no steps":    {{Name: "place"}},
		"taken":       {{Name: "place", Steps: []saga.Step{step, step}}},
		"nothing":     {{Name: "place", Steps: []saga.Step{{Name: "hold"}}}},
		"two sagas":   {{Name: "place", Steps: []saga.Step{step}}, {Name: "place", Steps: []saga.Step{step}}},
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			_, err := saga.NewBook(sagas...)
			require.ErrorContains(t, err, name)
		})
	}
	t.Run("the name of a hook is no name of a step", func(t *testing.T) {
		_, err := saga.NewBook(&saga.Saga{Name: "place", Steps: []saga.Step{{Name: "done", Do: done}}})
		require.Error(t, err)
	})
	t.Run("the longest attempt is the longest of all steps", func(t *testing.T) {
		book, err := saga.NewBook(&saga.Saga{Name: "place", Steps: []saga.Step{{Name: "hold", Do: done, Deadline: time.Minute}, {Name: "assess", Do: done}}})
		require.NoError(t, err)
		require.Equal(t, time.Minute, book.LongestAttempt())
	})
}

func TestSaga_Next(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	record := func(step int) saga.Record {
		r := saga.NewRecord(saga.Start{Subject: "ord_1", Saga: "place", Deadline: now.Add(time.Hour)}, now, time.Minute)
		r.Step = step
		return r
	}
	t.Run("at the deadline all is undone that may have begun since the last write", func(t *testing.T) {
		plan := &saga.Saga{Name: "place", Steps: []saga.Step{
			{Name: "a", Do: done, Undo: undo}, {Name: "b", Do: done, Undo: undo, Cheap: true},
			{Name: "c", Do: done, Undo: undo, Cheap: true}, {Name: "d", Do: done, Undo: undo}, {Name: "e", Do: done, Undo: undo},
		}}
		for from, want := range []int{0, 3, 3, 3, 4} {
			r, turn := plan.Next(record(from), now.Add(time.Hour))
			require.Equal(t, saga.StateCompensating, r.State)
			require.Equal(t, saga.DeedUndo, turn.Deed)
			require.Equal(t, want, turn.Step, "from %d", from)
		}
	})
	t.Run("a step that may have been done before a crash is undone with what may have begun behind it", func(t *testing.T) {
		plan := &saga.Saga{Name: "place", Steps: []saga.Step{
			{Name: "a", Do: done, Undo: undo, Cheap: true}, {Name: "b", Do: done, Undo: undo, Cheap: true, Retry: saga.Retry{Attempts: 1}},
			{Name: "c", Do: done, Undo: undo}, {Name: "d", Do: done, Undo: undo},
		}}
		for want, result := range map[int]saga.Result{0: saga.Refused("NO"), 2: saga.RefusedPartly("NO")} {
			r, turn := plan.Next(record(1), now)
			r, _ = plan.After(r, turn, result, now)
			require.True(t, r.Undoing)
			require.Equal(t, want, r.Step, "%+v", result)
		}
		r, turn := plan.Next(record(1), now)
		r, _ = plan.After(r, turn, saga.Unknown("NO_ANSWER"), now)
		require.Equal(t, 2, r.Step, "nobody knows")
	})
	t.Run("what rests has nothing to do", func(t *testing.T) {
		plan := &saga.Saga{Name: "place", Steps: []saga.Step{{Name: "a", Do: done}}}
		r := record(0)
		r.Rests = true
		_, turn := plan.Next(r, now)
		require.Equal(t, saga.DeedNone, turn.Deed)
	})
	t.Run("what is late behind the point of no return is stuck, and goes on", func(t *testing.T) {
		plan := &saga.Saga{Name: "ship", Steps: []saga.Step{{Name: "a", Do: done, NoReturn: true}, {Name: "b", Do: done}}}
		r, turn := plan.Next(record(1), now.Add(2*time.Hour))
		require.Equal(t, saga.StateStuck, r.State)
		require.Equal(t, saga.DeedDo, turn.Deed)
	})
}

func TestSaga_Perform(t *testing.T) {
	perform := func(do func(context.Context, saga.Call) (saga.Result, error)) (saga.Result, error) {
		plan := &saga.Saga{Name: "place", Steps: []saga.Step{{Name: "a", Do: do}}}
		return plan.Perform(t.Context(), saga.Turn{Deed: saga.DeedDo, Deadline: time.Second})
	}
	t.Run("the text of an error is for the log and not for the record", func(t *testing.T) {
		result, err := perform(func(context.Context, saga.Call) (saga.Result, error) { return saga.Done(), errors.New("password") })
		require.ErrorContains(t, err, "password")
		require.Equal(t, saga.Unknown("INTERNAL"), result)
	})
	t.Run("a fault gives its reason and its delay", func(t *testing.T) {
		result, _ := perform(func(context.Context, saga.Call) (saga.Result, error) {
			f := fault.New(fault.KindExhausted, fault.ReasonOverloaded, "too many")
			f.RetryAfter = time.Second
			return saga.Result{}, fmt.Errorf("hold: %w", f)
		})
		require.Equal(t, saga.OutcomeUnknown, result.Outcome)
		require.Equal(t, "OVERLOADED", result.Reason)
		require.Equal(t, time.Second, result.Delay)
	})
	t.Run("an attempt ends with its deadline", func(t *testing.T) {
		plan := &saga.Saga{Name: "place", Steps: []saga.Step{{Name: "a", Do: func(ctx context.Context, _ saga.Call) (saga.Result, error) {
			<-ctx.Done()
			return saga.Result{}, ctx.Err()
		}}}}
		result, _ := plan.Perform(t.Context(), saga.Turn{Deed: saga.DeedDo, Deadline: time.Millisecond})
		require.Equal(t, "DEADLINE_EXCEEDED", result.Reason)
	})
	t.Run("a result that says nothing is unknown", func(t *testing.T) {
		result, err := perform(func(context.Context, saga.Call) (saga.Result, error) { return saga.Result{}, nil })
		require.Error(t, err)
		require.Equal(t, saga.OutcomeUnknown, result.Outcome)
	})
}

func TestRetry_Pause(t *testing.T) {
	policy := saga.Retry{Base: 100 * time.Millisecond, Max: 10 * time.Second}
	t.Run("the ceiling doubles up to the most, for any number of attempts", func(t *testing.T) {
		for attempts, ceiling := range map[int]time.Duration{
			1: 100 * time.Millisecond, 2: 200 * time.Millisecond, 5: 1600 * time.Millisecond, 8: 10 * time.Second, 34: 10 * time.Second, 1 << 40: 10 * time.Second,
		} {
			longest := time.Duration(0)
			for n := range 1000 {
				pause := policy.Pause(fmt.Sprint("ord_", n), attempts)
				require.GreaterOrEqual(t, pause, time.Duration(0))
				require.LessOrEqual(t, pause, ceiling)
				longest = max(longest, pause)
			}
			require.Greater(t, longest, ceiling*9/10, "the whole range is used")
		}
	})
	t.Run("pauses of many are spread evenly", func(t *testing.T) {
		buckets := make([]int, 10)
		for n := range 10000 {
			buckets[policy.Pause(fmt.Sprintf("ord_%05d/place", n), 1)*10/(100*time.Millisecond+1)]++
		}
		for i, n := range buckets {
			require.InDelta(t, 1000, n, 200, "bucket %d", i)
		}
	})
}
