package load

import (
	"fmt"
	"time"
)

// Summary tells what was offered and what became of it.
type Summary struct {
	// Run is the name of the load.
	Run string `json:"run"`
	// Seconds is how long calls were offered, until the last was answered.
	Seconds float64 `json:"seconds"`
	// Calls are those of each procedure that was called.
	Calls []Procedure `json:"calls"`
	// Stages are the calls that were due in each stage that began.
	Stages []Step `json:"stages"`
	// Reasons counts why calls were shed or failed. May be empty.
	Reasons map[string]int64 `json:"reasons"`
	// Check is what became of the orders. Absent when the load ended before.
	Check *Check `json:"check,omitempty"`
	// Violations are the promises that the server found broken. Absent unless it was asked.
	Violations *int64 `json:"violations,omitempty"`
}

// Procedure is the calls of one procedure.
type Procedure struct {
	Name string `json:"procedure"`
	Line
}

// Step is the calls that were due in one stage.
type Step struct {
	Offered float64 `json:"offered_per_second"`
	Line
}

// Line is what became of calls.
type Line struct {
	// PerSecond is how many were answered well.
	PerSecond float64 `json:"ok_per_second"`
	Outcomes
	// Latency is that of calls that were answered well, from when each was due.
	Latency Latency `json:"latency_ms"`
}

// Outcomes are numbers of calls.
type Outcomes struct {
	// OK were answered well.
	OK int64 `json:"ok"`
	// Shed were turned away because there were too many. Nothing of them happened.
	Shed int64 `json:"shed"`
	// Unsent were due while too many were under way, and not made.
	Unsent int64 `json:"unsent"`
	// Failed are all others, be it that no answer came in time.
	Failed int64 `json:"failed"`
}

func (o Outcomes) sum() int64 { return o.OK + o.Shed + o.Unsent + o.Failed }

// Latency is in milliseconds, exact to three digits; 0 when nothing was measured.
type Latency struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99_9"`
	Max  float64 `json:"max"`
}

// Check is what became of the orders that were acknowledged: Right, Wrong and Lost make all of them.
type Check struct {
	Acknowledged int64 `json:"acknowledged"`
	// Right are stored under their id with their total, and canceled if that was acknowledged.
	Right int64 `json:"right"`
	// Wrong are stored, but not so.
	Wrong int64 `json:"wrong"`
	// Lost are not stored.
	Lost int64 `json:"lost"`
	// Doubled are orders more than one of the same request.
	Doubled int64 `json:"doubled"`
	// Unanswered are stored though the caller got no answer: the call failed on its way back, which is
	// as it may be.
	Unanswered int64 `json:"unanswered"`
}

// OK tells whether nothing is lost, doubled or wrong.
func (c Check) OK() bool { return c.Wrong == 0 && c.Lost == 0 && c.Doubled == 0 }

// Thresholds are what a load must hold, besides that its orders are right.
type Thresholds struct {
	// P99 is the longest that 99 of 100 calls of any procedure may take. 0 for any.
	P99 time.Duration
	// Failed is the largest part of the calls that may be shed, unsent or failed, from 0 to 1. Below 0
	// for any.
	Failed float64
}

// Missed gives a sentence for everything that did not hold.
func (s Summary) Missed(t Thresholds) (missed []string) {
	miss := func(format string, args ...any) { missed = append(missed, fmt.Sprintf(format, args...)) }
	var all Outcomes
	for _, p := range s.Calls {
		all = Outcomes{OK: all.OK + p.OK, Shed: all.Shed + p.Shed, Unsent: all.Unsent + p.Unsent, Failed: all.Failed + p.Failed}
		if limit := float64(t.P99) / float64(time.Millisecond); t.P99 > 0 && p.Latency.P99 > limit {
			miss("p99 of %s is %.1f ms, above %s", p.Name, p.Latency.P99, t.P99)
		}
	}
	if bad := all.sum() - all.OK; t.Failed >= 0 && float64(bad) > t.Failed*float64(all.sum()) {
		miss("%d of %d calls were shed, unsent or failed, above a part of %g", bad, all.sum(), t.Failed)
	}
	if s.Check != nil && !s.Check.OK() {
		miss("%d acknowledged orders are lost, %d doubled, %d wrong", s.Check.Lost, s.Check.Doubled, s.Check.Wrong)
	}
	if s.Violations != nil && *s.Violations > 0 {
		miss("verify finds %d violations", *s.Violations)
	}
	return missed
}
