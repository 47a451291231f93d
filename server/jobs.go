package server

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

const (
	// jobTimeout is how long one batch of a job may take.
	jobTimeout = time.Minute
	// jobGrace is how long a batch that runs when the process stops has to finish.
	jobGrace = 5 * time.Second
)

// job is work that comes up again and again. What goes wrong is logged and tried again the next time.
type job struct {
	name  string
	every time.Duration
	// run does one batch, and tells whether more is left to do.
	run func(ctx context.Context) (more bool, err error)
}

// jobs does jobs while the process runs, side by side, each one batch after the other.
type jobs struct {
	list    []job
	logger  *slog.Logger
	count   func(job string, err error) // told of every run, all its batches together
	stopped chan struct{}
	cut     context.CancelFunc
	running sync.WaitGroup
}

// part is the jobs as a part of the process.
func (j *jobs) part() Part { return Part{Name: "jobs", Start: j.start, Stop: j.stop} }

func (j *jobs) start(ctx context.Context) error {
	ctx, j.cut = context.WithCancel(ctx)
	j.stopped = make(chan struct{})
	for _, one := range j.list {
		j.running.Go(func() { j.repeat(ctx, one) })
	}
	return nil
}

// stop lets the batches that run finish, for a while.
func (j *jobs) stop(context.Context) error {
	close(j.stopped)
	grace := time.AfterFunc(jobGrace, j.cut)
	j.running.Wait()
	grace.Stop()
	j.cut()
	return nil
}

func (j *jobs) repeat(ctx context.Context, one job) {
	pause := rand.N(one.every) //nolint:gosec // not a secret: replicas that start together spread out
	for {
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-j.stopped:
			timer.Stop()
			return
		}
		err := j.do(ctx, one)
		j.count(one.name, err)
		if err != nil {
			j.logger.Warn("a job failed and is tried again", slog.String(telemetry.LogJob, one.name), slog.Any(telemetry.LogError, err))
		}
		pause = one.every
	}
}

// do runs batches until none is left, one fails, or the process stops.
func (j *jobs) do(ctx context.Context, one job) error {
	for {
		batch, cancel := context.WithTimeout(ctx, jobTimeout)
		more, err := one.run(batch)
		cancel()
		if err != nil || !more {
			return err
		}
		select {
		case <-j.stopped:
			return nil
		default:
		}
	}
}
