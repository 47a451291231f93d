package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"connectrpc.com/grpchealth"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

const (
	checkTimeout = 2 * time.Second
	// checkAge is how long a result serves: probes of many callers must not load what they probe.
	checkAge = time.Second
)

// Check asks one dependency whether it works.
type Check struct {
	Name string
	// Optional is what the process is ready without: above all what every replica shares. docs/health.md has
	// the rule. It is only reported.
	Optional bool
	Run      func(context.Context) error
}

// Health tells whether the process is live, has started, and is ready. It is safe for concurrent use.
type Health struct {
	required, optional checks
	logger             *slog.Logger
	started, draining  atomic.Bool
	drained            chan struct{} // closed when the process drains
	drain              sync.Once
}

// Report is the readiness of the process, dependency by dependency.
type Report struct {
	Ready        bool         `json:"ready"`
	Started      bool         `json:"started"`
	Draining     bool         `json:"draining"`
	Dependencies []Dependency `json:"dependencies,omitempty"` // those that are required first
}

// Dependency is what was found of one.
type Dependency struct {
	Name     string    `json:"name"`
	State    string    `json:"state"`           // up or down
	Since    time.Time `json:"since"`           // when it was first found so
	Millis   int64     `json:"millis"`          // how long it took to answer, or not to
	Error    string    `json:"error,omitempty"` // why it is down, as a class: the cause is in the log
	Required bool      `json:"required"`        // the process is not ready without it
}

// What a dependency's state may be.
const (
	StateUp   = "up"
	StateDown = "down"
)

// NewHealth makes the health of a process that has not started yet. The logger hears of dependencies that
// come and go.
func NewHealth(logger *slog.Logger, list ...Check) *Health {
	h := &Health{logger: logger, drained: make(chan struct{})}
	h.required.now, h.optional.now = time.Now, time.Now
	h.Add(list...)
	return h
}

// Add adds checks, before anybody asks.
func (h *Health) Add(list ...Check) {
	for _, c := range list {
		if c.Optional {
			h.optional.list = append(h.optional.list, c)
		} else {
			h.required.list = append(h.required.list, c)
		}
	}
}

// SetStarted tells that everything was built and the ports are open.
func (h *Health) SetStarted() { h.started.Store(true) }

// SetDraining tells that the process is about to stop and wants no new calls.
func (h *Health) SetDraining() {
	h.draining.Store(true)
	h.drain.Do(func() { close(h.drained) })
}

// Ready tells whether the process wants calls. It asks what is required, at once, or takes what was found
// a moment ago; it never waits for anything else, which may not answer to any replica.
func (h *Health) Ready(ctx context.Context) bool {
	return h.of(h.required.results(ctx, h.logger)).Ready
}

// Report asks all dependencies, and may take 2 s.
func (h *Health) Report(ctx context.Context) Report {
	var optional []Dependency
	var asked sync.WaitGroup
	asked.Go(func() { optional = h.optional.results(ctx, h.logger) })
	report := h.of(h.required.results(ctx, h.logger))
	asked.Wait()
	report.Dependencies = slices.Concat(report.Dependencies, optional)
	return report
}

func (h *Health) of(required []Dependency) Report {
	r := Report{Started: h.started.Load(), Draining: h.draining.Load(), Dependencies: required}
	r.Ready = r.Started && !r.Draining && !slices.ContainsFunc(required, func(d Dependency) bool { return d.State == StateDown })
	return r
}

// checks are asked together.
type checks struct {
	list []Check
	now  func() time.Time

	mu     sync.Mutex
	last   []Dependency // in the order of list; nil when nobody has asked
	lastAt time.Time
}

// results asks all, or gives what was found a moment ago.
func (c *checks) results(ctx context.Context, logger *slog.Logger) []Dependency {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.list) == 0 || c.last != nil && c.now().Sub(c.lastAt) < checkAge {
		return c.last
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
	defer cancel()
	found := make([]Dependency, len(c.list))
	var running sync.WaitGroup
	for i, check := range c.list {
		running.Go(func() {
			before := Dependency{State: StateUp}
			if c.last != nil {
				before = c.last[i]
			}
			found[i] = check.ask(ctx, before, c.now, logger)
		})
	}
	running.Wait()
	c.last, c.lastAt = found, c.now()
	return found
}

// ask runs the check, and logs when its dependency is in another state than before.
func (c Check) ask(ctx context.Context, before Dependency, now func() time.Time, logger *slog.Logger) Dependency {
	began := now()
	err := c.Run(ctx)
	d := Dependency{Name: c.Name, State: StateUp, Required: !c.Optional, Since: before.Since, Millis: now().Sub(began).Milliseconds()}
	if err != nil {
		d.State, d.Error = StateDown, classOf(err)
	}
	if d.State == before.State && !before.Since.IsZero() {
		return d
	}
	d.Since = now().UTC()
	switch {
	case err != nil:
		logger.WarnContext(ctx, "a dependency is away", slog.String(telemetry.LogDependency, c.Name), slog.Any(telemetry.LogError, err))
	case before.State == StateDown:
		logger.InfoContext(ctx, "a dependency is back", slog.String(telemetry.LogDependency, c.Name))
	}
	return d
}

// classOf says why a dependency does not work, in a word that shows nothing of the inside.
func classOf(err error) string {
	var network net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.As(err, new(*net.DNSError)):
		return "no such host"
	case fault.ReasonOf(err) != "":
		return string(fault.ReasonOf(err))
	}
	return "failed"
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
	if c.health.Ready(ctx) {
		return &grpchealth.CheckResponse{Status: grpchealth.StatusServing}, nil
	}
	return &grpchealth.CheckResponse{Status: grpchealth.StatusNotServing}, nil
}
