package main

import (
	"context"
	"iter"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// pacer lets calls go one by one. Without a rate or a window they go when they like.
type pacer struct {
	tokens   chan time.Time // when a call is due; closed when the time is over; nil for calls that need none
	loop     *loop          // which says when, for calls at random times; nil for others
	answered atomic.Int64
	err      error // of watching the shards, once tokens is closed
}

// Ticks of a pacer: a rate and arrivals come in small portions, a window costs queries.
const (
	rateTick    = 5 * time.Millisecond
	windowTick  = 50 * time.Millisecond
	arrivalTick = time.Millisecond
)

// pace starts to let calls go, until ctx ends; those at random times, until then, as the loop says.
func (j loadJob) pace(ctx context.Context, l *loop, until time.Time) (*pacer, error) {
	p := &pacer{}
	switch {
	case j.Open:
		p.loop = l
		l.arriving = &arrivals{rate: j.Rate, next: time.Now(), until: until}
	case j.Rate > 0:
		p.tokens = make(chan time.Time, 1<<20) // more than a run offers
		started := time.Now()
		go p.feed(ctx, rateTick, func(issued int64) (int64, error) {
			return int64(j.Rate*time.Since(started).Seconds()) - issued, nil
		})
	case j.Window > 0:
		urls, err := os.ReadFile(j.Shards)
		if err != nil {
			return nil, err
		}
		s, err := openShards(ctx, strings.Fields(string(urls)))
		if err != nil {
			return nil, err
		}
		p.tokens = make(chan time.Time, j.Window)
		go func() {
			defer s.close(context.WithoutCancel(ctx))
			p.feed(ctx, windowTick, func(issued int64) (int64, error) {
				unanswered := issued - p.answered.Load()
				unfinished, err := s.unfinished(ctx)
				return int64(j.Window) - unfinished - unanswered, err
			})
		}()
	}
	return p, nil
}

// feed issues at every tick as many tokens as more says.
func (p *pacer) feed(ctx context.Context, every time.Duration, more func(issued int64) (int64, error)) {
	defer close(p.tokens)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for issued := int64(0); ; {
		n, err := more(issued)
		if err != nil {
			if ctx.Err() == nil {
				p.err = err
			}
			return
		}
		for ; n > 0; n-- {
			select {
			case p.tokens <- time.Now():
				issued++
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// arrivals are times at random, those of a Poisson process.
type arrivals struct {
	rate        float64 // a second
	next, until time.Time
}

// by gives the times that have come.
func (a *arrivals) by(now time.Time) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		for a.next.Before(now) && a.next.Before(a.until) {
			due := a.next
			a.next = due.Add(time.Duration(rand.ExpFloat64() / a.rate * float64(time.Second))) //nolint:gosec // any will do
			if !yield(due) {
				return
			}
		}
	}
}

// over tells whether no more come.
func (a *arrivals) over(now time.Time) bool { return !now.Before(a.until) }

// turns gives the time from which each call counts, when it may be made.
func (p *pacer) turns() iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		for {
			due := time.Now()
			switch {
			case p.loop != nil:
				due = p.loop.turn()
			case p.tokens != nil:
				due = <-p.tokens
			}
			if due.IsZero() || !yield(due) {
				return
			}
		}
	}
}
