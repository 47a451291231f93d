package load

import (
	"cmp"
	"maps"
	"sync"
	"time"

	"connectrpc.com/connect"
	"github.com/HdrHistogram/hdrhistogram-go"

	client "github.com/orderprocessing/orderprocessing/clients/go"
)

// reportEvery is how often somebody is told how far a load is.
const reportEvery = 200 * time.Millisecond

// tally counts what became of calls. It is safe for concurrent use.
type tally struct {
	mu      sync.Mutex
	run     string
	offered []Stage
	began   time.Time // zero until the first call is due
	ended   time.Time // zero until all calls are made
	calls   [procedures]*counted
	stages  []*counted
	reasons map[string]int64
	found   *Check
	broken  *int64
}

// counted is the calls of one kind.
type counted struct {
	outcomes Outcomes
	took     *hdrhistogram.Histogram // microseconds, of those answered well
}

func newCounted() *counted {
	return &counted{took: hdrhistogram.New(1, time.Hour.Microseconds(), 3)}
}

func newTally(opts Options) *tally {
	t := &tally{run: opts.Run, offered: opts.Stages, reasons: map[string]int64{}}
	for i := range t.calls {
		t.calls[i] = newCounted()
	}
	for range opts.Stages {
		t.stages = append(t.stages, newCounted())
	}
	return t
}

// report tells now and then how far it is, until it is stopped.
func (t *tally) report(tell func(Summary)) (stop func()) {
	if tell == nil {
		return func() {}
	}
	end := make(chan struct{})
	var telling sync.WaitGroup
	telling.Go(func() {
		ticks := time.NewTicker(reportEvery)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				tell(t.summary())
			case <-end:
				return
			}
		}
	})
	return func() {
		close(end)
		telling.Wait()
	}
}

func (t *tally) begin(at time.Time) { t.change(func() { t.began = at }) }

func (t *tally) end(at time.Time) { t.change(func() { t.ended = at }) }

func (t *tally) checked(found Check) { t.change(func() { t.found = &found }) }

func (t *tally) verified(violations int64) { t.change(func() { t.broken = &violations }) }

func (t *tally) change(what func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	what()
}

func (t *tally) unsent(c call) {
	t.each(c, func(n *counted) { n.outcomes.Unsent++ })
}

// answered counts a call by what became of it, so long after it was due.
func (t *tally) answered(c call, took time.Duration, err error) {
	switch {
	case err == nil:
		t.each(c, func(n *counted) {
			n.outcomes.OK++
			_ = n.took.RecordValue(min(max(took.Microseconds(), 1), n.took.HighestTrackableValue())) // it is in reach now
		})
		return
	case connect.CodeOf(err) == connect.CodeResourceExhausted:
		t.each(c, func(n *counted) { n.outcomes.Shed++ })
	default:
		t.each(c, func(n *counted) { n.outcomes.Failed++ })
	}
	reason := cmp.Or(client.Reason(err), connect.CodeOf(err).String())
	if err == errWrong { //nolint:errorlint // it is never wrapped
		reason = "wrong_answer"
	}
	t.change(func() { t.reasons[reason]++ })
}

func (t *tally) each(c call, count func(*counted)) {
	t.change(func() {
		count(t.calls[c.procedure])
		count(t.stages[c.stage])
	})
}

func (t *tally) summary() Summary {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := Summary{Run: t.run, Reasons: maps.Clone(t.reasons), Check: t.found, Violations: t.broken}
	if t.began.IsZero() {
		return s
	}
	so := time.Since(t.began)
	if !t.ended.IsZero() {
		so = t.ended.Sub(t.began)
	}
	s.Seconds = so.Seconds()
	for p, n := range t.calls {
		if line := n.line(s.Seconds); line.sum() > 0 {
			s.Calls = append(s.Calls, Procedure{Name: procedure(p).String(), Line: line})
		}
	}
	for i, stage := range t.offered {
		if ran := min(so, stage.Duration); ran > 0 {
			s.Stages = append(s.Stages, Step{Offered: t.offered[i].Rate, Line: t.stages[i].line(ran.Seconds())})
		}
		so -= stage.Duration
	}
	return s
}

// line sums up calls that were offered in so many seconds.
func (n *counted) line(seconds float64) Line {
	at := func(quantile float64) float64 { return float64(n.took.ValueAtQuantile(quantile)) / 1000 }
	return Line{
		Outcomes: n.outcomes, PerSecond: float64(n.outcomes.OK) / max(seconds, .001),
		Latency: Latency{P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: float64(n.took.Max()) / 1000},
	}
}
