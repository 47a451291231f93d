package saga

import (
	"context"
	"fmt"
	"runtime/debug"
)

// Perform does a turn's deed within its deadline. An error, a panic and a result that says nothing
// are unknown outcomes; the error is for the log.
func (s *Saga) Perform(ctx context.Context, turn Turn) (result Result, err error) {
	ctx, cancel := context.WithTimeout(ctx, turn.Deadline)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
		if err != nil {
			result = fromError(err)
		}
	}()
	switch {
	case turn.Deed == DeedDo:
		if result, err = s.Steps[turn.Step].Do(ctx, turn.Call); err == nil && result.Outcome == 0 {
			err = fmt.Errorf("step %s gave no result", turn.Call.Key)
		}
		return result, err
	case turn.Deed == DeedUndo:
		err = s.Steps[turn.Step].Undo(ctx, turn.Call)
	case turn.Step < 0:
		err = s.OnUndone(ctx, turn.Call)
	default:
		err = s.OnDone(ctx, turn.Call)
	}
	return Done(), err
}
