package load

import (
	"context"
	"iter"
	"math/rand/v2"
	"sync"
	"time"

	client "github.com/orderprocessing/orderprocessing/clients/go"
)

// call is one call that is due.
type call struct {
	procedure procedure
	stage     int
	due       time.Time
	make      func(context.Context, *client.Client) error
}

// offer makes every call when it is due, as long as not too many are under way, and waits for the
// last. When the context ends no more are made; those that are under way are waited for.
func (r *run) offer(ctx context.Context, crowd *crowd, clients []*client.Client) {
	var underway sync.WaitGroup
	defer underway.Wait()
	places := make(chan struct{}, r.InFlight)
	timer := time.NewTimer(0)
	defer timer.Stop()
	answered := context.WithoutCancel(ctx)
	began, n := time.Now(), 0
	r.tally.begin(began)
	for after, stage := range arrivals(crowd.random, r.Stages) {
		c := crowd.next()
		c.stage, c.due = stage, began.Add(after)
		if wait := time.Until(c.due); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			return
		}
		select {
		case places <- struct{}{}:
		default:
			r.tally.unsent(c)
			continue
		}
		with := clients[n%len(clients)]
		n++
		underway.Go(func() {
			err := c.make(answered, with)
			r.tally.answered(c, time.Since(c.due), err)
			<-places
		})
	}
}

// arrivals gives when the calls of each stage are due, from the start: a Poisson process.
func arrivals(random *rand.Rand, stages []Stage) iter.Seq2[time.Duration, int] {
	return func(yield func(time.Duration, int) bool) {
		begin := time.Duration(0)
		for i, stage := range stages {
			at, end := begin, begin+stage.Duration
			for {
				at += time.Duration(random.ExpFloat64() / stage.Rate * float64(time.Second))
				if at >= end {
					break
				}
				if !yield(at, i) {
					return
				}
			}
			begin = end
		}
	}
}
