package progress

import (
	"context"
	"time"
)

// Loop does something again and again, each time after the pause that the last time gave, or
// sooner when it is nudged.
type Loop struct {
	nudges chan struct{}
	cancel context.CancelFunc
	ended  chan struct{}
}

// StartLoop begins at once. The loop outlives ctx.
func StartLoop(ctx context.Context, do func(context.Context) time.Duration) *Loop {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l := &Loop{nudges: make(chan struct{}, 1), cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(l.ended)
		for {
			timer := time.NewTimer(do(ctx))
			select {
			case <-timer.C:
			case <-l.nudges:
				timer.Stop()
			case <-ctx.Done():
				timer.Stop()
				return
			}
		}
	}()
	return l
}

// Nudge makes it do it now.
func (l *Loop) Nudge() {
	select {
	case l.nudges <- struct{}{}:
	default:
	}
}

// Stop ends it and waits until it has ended.
func (l *Loop) Stop() {
	l.cancel()
	<-l.ended
}
