package cached

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orderprocessing/orderprocessing/server/cache"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

const (
	// tellTimeout is how long telling the shared cache may take; nobody waits for it.
	tellTimeout = time.Second
	// tellAgain is the pause before what could not be told is told again.
	tellAgain = 200 * time.Millisecond
)

// hearing is whether this process hears of every change that others make.
type hearing struct {
	everything atomic.Bool
	told       atomic.Bool // that it does not
}

// Start tells the shared cache of changes and hears of those of others, until Stop.
func (c *Copies) Start(ctx context.Context) error {
	ctx, c.stop = context.WithCancel(ctx)
	c.stopped = make(chan struct{})
	var running sync.WaitGroup
	if c.options.Shared != nil {
		running.Go(func() { c.tell(ctx) })
		running.Go(func() { c.options.Shared.Listen(ctx, c.on, c.off, c.heard) })
	}
	go func() {
		running.Wait()
		close(c.stopped)
	}()
	return nil
}

// Stop tells what is owed, if that can be done at once. It may come without a Start.
func (c *Copies) Stop(context.Context) error {
	if c.stop == nil {
		return nil
	}
	c.stop()
	<-c.stopped
	return nil
}

// on begins anew: what changed before now may not have been heard of.
func (c *Copies) on() {
	if c.options.Memory != nil {
		c.options.Memory.Clear()
	}
	c.hearing.everything.Store(true)
	if c.hearing.told.CompareAndSwap(true, false) {
		c.options.Log.Info("the shared cache is heard again: copies in this process are used")
	}
}

// off ends the use of what may be old.
func (c *Copies) off(err error) {
	c.hearing.everything.Store(false)
	if c.hearing.told.CompareAndSwap(false, true) {
		c.options.Log.Warn("the shared cache is not heard: copies in this process are not used", slog.Any(telemetry.LogError, err))
	}
}

func (c *Copies) heard(key string, version int64) {
	c.changed(cache.Update{Key: key, Version: version})
}

// tell pays what is owed as soon as it can.
func (c *Copies) tell(ctx context.Context) {
	for {
		select {
		case <-c.owed.wake:
		case <-ctx.Done():
			c.pay(context.WithoutCancel(ctx), func() bool { return false })
			return
		}
		c.pay(ctx, func() bool {
			select {
			case <-time.After(tellAgain):
				return true
			case <-ctx.Done():
				return false
			}
		})
	}
}

// pay goes on until nothing is owed, or again says no after a failure.
func (c *Copies) pay(ctx context.Context, again func() bool) {
	for {
		batch := c.owed.batch()
		if len(batch) == 0 {
			return
		}
		updates := make([]cache.Update, len(batch))
		for i, d := range batch {
			updates[i] = d.Update
		}
		one, cancel := context.WithTimeout(ctx, tellTimeout)
		err := c.options.Shared.Update(one, updates...)
		cancel()
		c.shared.writes.count(true, err)
		switch {
		case err == nil:
			c.owed.paid(batch)
		case !again():
			return
		}
	}
}
