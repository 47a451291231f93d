package server

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/grpchealth"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

const (
	checkTimeout = 2 * time.Second
	// checkAge is how long a result serves: probes of many callers must not load what they probe.
	checkAge = time.Second
)

// Check asks one dependency whether it works.
type Check struct {
	Name     string
	Optional bool // reported, but the process is ready without it, such as what every replica shares
	Run      func(context.Context) error
}

// Health tells whether the process is live, has started, and is ready. It is safe for concurrent use.
type Health struct {
	checks            []Check
	started, draining atomic.Bool
	drained           chan struct{} // closed when the process drains
	drain             sync.Once
	now               func() time.Time

	mu     sync.Mutex
	last   Report
	lastAt time.Time
}

// Report is the readiness of the process, dependency by dependency.
type Report struct {
	Ready    bool          `json:"ready"`
	Started  bool          `json:"started"`
	Draining bool          `json:"draining"`
	Checks   []CheckResult `json:"checks"` // in the order they were given; may be empty
}

// CheckResult is what one check found.
type CheckResult struct {
	Name     string `json:"name"`
	OK       bool   `json:"ok"`
	Optional bool   `json:"optional,omitempty"`
	Error    string `json:"error,omitempty"`
	Millis   int64  `json:"millis"`
}

// NewHealth makes the health of a process that has not started yet.
func NewHealth(checks ...Check) *Health {
	return &Health{checks: checks, drained: make(chan struct{}), now: time.Now}
}

// Add adds checks, before anybody asks.
func (h *Health) Add(checks ...Check) { h.checks = append(h.checks, checks...) }

// SetStarted tells that everything was built and the ports are open.
func (h *Health) SetStarted() { h.started.Store(true) }

// SetDraining tells that the process is about to stop and wants no new calls.
func (h *Health) SetDraining() {
	h.draining.Store(true)
	h.drain.Do(func() { close(h.drained) })
}

// Ready runs the checks, at once, or takes what they found a moment ago.
func (h *Health) Ready(ctx context.Context) Report {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lastAt.IsZero() || h.now().Sub(h.lastAt) >= checkAge {
		h.last = Report{Checks: h.runChecks(context.WithoutCancel(ctx))}
		h.lastAt = h.now()
	}
	report := h.last
	report.Started, report.Draining = h.started.Load(), h.draining.Load()
	report.Ready = report.Started && !report.Draining &&
		!slices.ContainsFunc(report.Checks, func(c CheckResult) bool { return !c.OK && !c.Optional })
	return report
}

func (h *Health) runChecks(ctx context.Context) []CheckResult {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	results := make([]CheckResult, len(h.checks))
	var running sync.WaitGroup
	for i, check := range h.checks {
		running.Go(func() {
			began := h.now()
			err := check.Run(ctx)
			results[i] = CheckResult{Name: check.Name, OK: err == nil, Optional: check.Optional, Millis: h.now().Sub(began).Milliseconds()}
			if err != nil {
				results[i].Error = err.Error()
			}
		})
	}
	running.Wait()
	return results
}

// checker is the same health over gRPC; every service of the process shares it.
func (h *Health) checker(services []string) grpchealth.Checker {
	return healthChecker{h, services}
}

type healthChecker struct {
	health   *Health
	services []string
}

// Check implements grpchealth.Checker.
func (c healthChecker) Check(ctx context.Context, req *grpchealth.CheckRequest) (*grpchealth.CheckResponse, error) {
	if req.Service != "" && !slices.Contains(c.services, req.Service) {
		return nil, fault.New(fault.KindNotFound, fault.ReasonServiceUnknown, "there is no service of this name")
	}
	if c.health.Ready(ctx).Ready {
		return &grpchealth.CheckResponse{Status: grpchealth.StatusServing}, nil
	}
	return &grpchealth.CheckResponse{Status: grpchealth.StatusNotServing}, nil
}
