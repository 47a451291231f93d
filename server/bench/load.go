package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"
)

// loadCommand is the hidden subcommand that runs a load in a process of its own.
const loadCommand = "load"

// loadJob is what a load process does: each connection makes the next call when it has the answer
// to the one before, and the pace allows it.
type loadJob struct {
	Host        string // host:port
	Do          string // see calls.go
	Connections int
	Seconds     float64
	Run         string  // names the run: request ids start with it
	Names       string  // file with the ids to read, one a line
	Rate        float64 // calls a second, all together; 0 means as many as can be
	Open        bool    // calls at the rate come at random times, see arrive
	Window      int     // sagas on their way at the same time, at most; 0 means any number
	Shards      string  // file with the databases' URLs, one a line, that a window needs
	Spread      int     // shards that each connection keeps to one of, for doDraft
	HTTP1       bool    // over HTTP/1.1 instead of h2c
}

// loadResult is what it saw.
type loadResult struct {
	Answered int // well
	Shed     int // turned away, of calls at random times
	Unsent   int // due when no connection was free, of those
	Seconds  float64
	P50, P99 float64 // milliseconds; of calls at random times from when they were due
	CPU      float64 // seconds that the load process itself took
}

// runLoad runs a load in another process.
func runLoad(ctx context.Context, j loadJob) (r loadResult, err error) {
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	cmd := exec.CommandContext(ctx, self, loadCommand, "-host", j.Host, "-do", j.Do, "-run", j.Run, "-names", j.Names, //nolint:gosec // ourselves
		"-connections", fmt.Sprint(j.Connections), "-seconds", fmt.Sprint(j.Seconds),
		"-rate", fmt.Sprint(j.Rate), "-window", fmt.Sprint(j.Window), "-shards", j.Shards,
		"-open="+fmt.Sprint(j.Open), "-http1="+fmt.Sprint(j.HTTP1), "-spread", fmt.Sprint(j.Spread))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return r, fmt.Errorf("load %s %s: %w", j.Do, j.Run, err)
	}
	return r, json.Unmarshal(out, &r)
}

// loadMain is the other process.
func loadMain(ctx context.Context, args []string, out io.Writer) error {
	var j loadJob
	flags := flag.NewFlagSet(loadCommand, flag.ContinueOnError)
	flags.StringVar(&j.Host, "host", "", "")
	flags.StringVar(&j.Do, "do", "", "")
	flags.StringVar(&j.Run, "run", "", "")
	flags.StringVar(&j.Names, "names", "", "")
	flags.Float64Var(&j.Rate, "rate", 0, "")
	flags.IntVar(&j.Window, "window", 0, "")
	flags.StringVar(&j.Shards, "shards", "", "")
	flags.BoolVar(&j.Open, "open", false, "")
	flags.IntVar(&j.Spread, "spread", 1, "")
	flags.BoolVar(&j.HTTP1, "http1", false, "")
	flags.IntVar(&j.Connections, "connections", 1, "")
	flags.Float64Var(&j.Seconds, "seconds", 1, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	r, err := j.do(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(r)
}

// caller is one connection that has one unary Connect call in flight at a time.
type caller interface {
	// call sends one message and reads the answer, which is valid until the next call.
	call(path string, message []byte) ([]byte, error)
	close() error
}

// dial opens a connection, of the loop if there is one.
func (j loadJob) dial(ctx context.Context, l *loop) (caller, error) {
	open := func() (io.ReadWriteCloser, error) { return new(net.Dialer).DialContext(ctx, "tcp", j.Host) }
	if l != nil {
		open = func() (io.ReadWriteCloser, error) { return l.dial(ctx, j.Host) }
	}
	if j.HTTP1 {
		return dialHTTP1(j.Host, open)
	}
	return dialH2C(j.Host, open)
}

// busy tells whether there is always something to do: each connection makes its calls as fast as it can, or they
// come at random times.
func (j loadJob) busy() bool { return j.Open || j.Rate == 0 && j.Window == 0 }

// errShed is the answer to a call that was turned away because there are too many.
var errShed = errors.New("turned away")

// statusError gives the error that an answer is.
func statusError(status int, body []byte) error {
	switch status {
	case http.StatusOK:
		return nil
	case http.StatusTooManyRequests:
		return errShed
	}
	return fmt.Errorf("status %d: %s", status, body)
}

func (j loadJob) do(ctx context.Context) (r loadResult, err error) {
	makeCall, err := j.calls()
	if err != nil {
		return r, err
	}
	var together *loop
	if j.busy() {
		if together, err = newLoop(); err != nil {
			return r, err
		}
		defer together.close() //nolint:errcheck // nothing is left to say
	}
	connections := make([]caller, j.Connections)
	for i := range connections {
		if connections[i], err = j.dial(ctx, together); err != nil {
			return r, err
		}
		defer connections[i].close() //nolint:errcheck // nothing is left to say
	}
	took, shed := make([][]time.Duration, j.Connections), make([]int, j.Connections)
	errs := make([]error, j.Connections)
	started := time.Now()
	until := started.Add(time.Duration(j.Seconds * float64(time.Second)))
	paced, end := context.WithDeadline(ctx, until)
	defer end()
	pace, err := j.pace(paced, together, until)
	if err != nil {
		return r, err
	}
	work := make([]func(), j.Connections)
	for i, c := range connections {
		work[i] = func() {
			call := makeCall(i)
			for began := range pace.turns() {
				if began.After(until) {
					return
				}
				err := call(c)
				if j.Open && errors.Is(err, errShed) {
					shed[i]++
					continue
				}
				if errs[i] = err; err != nil {
					return
				}
				took[i] = append(took[i], time.Since(began))
				pace.answered.Add(1)
			}
		}
	}
	if together != nil {
		err = together.run(ctx, work)
	} else {
		beside(work)
	}
	if err != nil {
		return r, err
	}
	r.Seconds = time.Since(started).Seconds()
	if err := errors.Join(append(errs, pace.err)...); err != nil {
		return r, err
	}
	every := slices.Concat(took...)
	r.Answered = len(every)
	if together != nil {
		r.Unsent = together.unsent
	}
	for _, n := range shed {
		r.Shed += n
	}
	r.P50, r.P99 = percentiles(every)
	r.CPU = ownCPU()
	return r, nil
}

// beside does all work at the same time.
func beside(work []func()) {
	var all sync.WaitGroup
	for _, do := range work {
		all.Go(do)
	}
	all.Wait()
}

// percentiles gives the median and the 99th percentile in milliseconds. It sorts took.
func percentiles(took []time.Duration) (p50, p99 float64) {
	if len(took) == 0 {
		return 0, 0
	}
	slices.Sort(took)
	at := func(share float64) float64 {
		return float64(took[int(share*float64(len(took)-1))]) / float64(time.Millisecond)
	}
	return at(.5), at(.99)
}

// ownCPU gives the seconds of CPU that this process took.
func ownCPU() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}
