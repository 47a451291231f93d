// Package live keeps the settings that are in force, and changes them while the process runs: all that was
// changed at once, or nothing. What a change does is up to those who follow it.
package live

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// Prepare gets ready for settings that differ in keys that it follows. It changes nothing yet: it tells why
// they cannot hold, or gives what makes them hold, which cannot fail and does not block.
type Prepare func(before, after config.Config) (apply func(), err error)

// Options say how settings are kept.
type Options struct {
	// Load reads the settings anew, valid and with their secrets; nil when they never change.
	Load func(context.Context) (config.Config, error)
	// File names the config file, which is watched, or nothing. May be nil.
	File     func() (string, error)
	Logger   *slog.Logger
	Registry prometheus.Registerer
}

// Settings are the settings in force. Make them with New; they are safe for concurrent use once everybody
// follows.
type Settings struct {
	options   Options
	followers []follower
	metrics   metrics

	mu      sync.Mutex
	current config.Config
	stop    context.CancelFunc
	stopped sync.WaitGroup
}

type follower struct {
	keys    []string
	prepare Prepare
}

// New keeps the settings that a process starts with.
func New(c config.Config, o Options) *Settings {
	s := &Settings{options: o, current: c, metrics: newMetrics(o.Registry)}
	s.metrics.inForce(c, 0)
	return s
}

// Current gives the settings in force.
func (s *Settings) Current() config.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// Follow hears of every change of keys: a key, or a section with all below it. Call it before Start.
func (s *Settings) Follow(prepare Prepare, keys ...string) {
	s.followers = append(s.followers, follower{keys, prepare})
}

func (f follower) follows(key string) bool {
	return slices.ContainsFunc(f.keys, func(k string) bool { return key == k || strings.HasPrefix(key, k+".") })
}

// Reload reads the settings anew and puts them in force, those that can change without a restart. When it
// fails, everything is as it was.
func (s *Settings) Reload(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.reload(ctx)
	if err != nil {
		s.metrics.reloads.WithLabelValues(refused).Inc()
		s.options.Logger.ErrorContext(ctx, "the new settings are refused, those before stay in force", slog.Any(telemetry.LogError, err))
	}
	return err
}

func (s *Settings) reload(ctx context.Context) error {
	if s.options.Load == nil {
		return errors.New("the settings of this process cannot be read anew")
	}
	read, err := s.options.Load(ctx)
	if err != nil {
		return err
	}
	var now, later []config.Key
	for _, key := range config.Changed(s.current, read) {
		if key.Reloads {
			now = append(now, key)
		} else {
			later = append(later, key)
		}
	}
	next := s.current.With(read, now)
	if err := next.Validate(); err != nil {
		return fmt.Errorf("what reloads does not go together with what needs a restart (%s): %w", names(later), err)
	}
	var apply []func()
	for _, f := range s.followers {
		if !slices.ContainsFunc(now, func(k config.Key) bool { return f.follows(k.Name) }) {
			continue
		}
		one, err := f.prepare(s.current, next)
		if err != nil {
			return err
		}
		apply = append(apply, one)
	}
	for _, one := range apply {
		one()
	}
	s.current = next
	s.tell(ctx, now, later)
	return nil
}

// tell says what became of a change; values are never told, keys are.
func (s *Settings) tell(ctx context.Context, now, later []config.Key) {
	s.metrics.inForce(s.current, len(later))
	outcome := unchanged
	if len(now) > 0 {
		outcome = applied
		s.options.Logger.InfoContext(ctx, "new settings are in force", slog.String(telemetry.LogKeys, names(now)))
	}
	if len(later) > 0 {
		outcome = pending
		s.options.Logger.WarnContext(ctx, "changed settings need a restart, their old values stay in force", slog.String(telemetry.LogKeys, names(later)))
	}
	s.metrics.reloads.WithLabelValues(outcome).Inc()
}

func names(keys []config.Key) string {
	texts := make([]string, len(keys))
	for i, key := range keys {
		texts[i] = key.Name
	}
	return strings.Join(texts, ", ")
}

// How a reload ended.
const (
	applied   = "applied"
	unchanged = "unchanged"
	pending   = "restart_needed"
	refused   = "refused"
)

type metrics struct {
	reloads                      *prometheus.CounterVec
	fingerprint, restart, loaded prometheus.Gauge
}

func newMetrics(registry prometheus.Registerer) metrics {
	m := metrics{
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: telemetry.MetricConfigReloads,
			Help: "Times the settings were read anew, by outcome: applied, unchanged, restart_needed (what reloads was applied) or refused.",
		}, []string{telemetry.LabelOutcome}),
		fingerprint: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: telemetry.MetricConfigFingerprint,
			Help: "A number made of the settings in force, secrets apart: the same in every replica that has the same settings.",
		}),
		restart: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: telemetry.MetricConfigRestart,
			Help: "Keys that were changed and need a restart.",
		}),
		loaded: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: telemetry.MetricConfigLoaded,
			Help: "When the settings in force were read, in seconds since 1970.",
		}),
	}
	for _, outcome := range []string{applied, unchanged, pending, refused} {
		m.reloads.WithLabelValues(outcome)
	}
	registry.MustRegister(m.reloads, m.fingerprint, m.restart, m.loaded)
	return m
}

func (m metrics) inForce(c config.Config, pending int) {
	sum := c.Fingerprint()
	m.fingerprint.Set(float64(binary.BigEndian.Uint64(sum[:]) >> 16)) // 48 bits: a float64 has them exactly
	m.restart.Set(float64(pending))
	m.loaded.Set(float64(time.Now().Unix()))
}
