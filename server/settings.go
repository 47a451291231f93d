package server

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/orderprocessing/orderprocessing/interceptors"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/config/live"
	"github.com/orderprocessing/orderprocessing/server/outbound"
	"github.com/orderprocessing/orderprocessing/server/ratelimit/gate"
	"github.com/orderprocessing/orderprocessing/server/store/replica"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// newSettings keeps the settings that a server starts with. They change when those who can follow them do:
// Follow adds one.
func newSettings(cfg config.Config, o Options, t *telemetry.Telemetry, k *keeper) *live.Settings {
	options := live.Options{Logger: o.Logger, Registry: t.Registry}
	if o.Source != nil {
		options.File = o.Source.File
		options.Load = func(ctx context.Context) (config.Config, error) {
			c, err := o.Source.Load()
			if err != nil {
				return c, err
			}
			return k.resolve(ctx, c)
		}
	}
	settings := live.New(cfg, options)
	if o.Level != nil {
		settings.Follow(func(_, after config.Config) (func(), error) {
			var level slog.Level
			err := level.UnmarshalText([]byte(after.Log.Level))
			return func() { o.Level.Set(level) }, err
		}, "log.level")
	}
	return settings
}

// settingsPart watches the settings while everything else runs.
func settingsPart(settings *live.Settings, o Options) Part {
	return Part{
		Name:  "settings",
		Start: func(ctx context.Context) error { return settings.Start(ctx, o.Hangups) },
		Stop:  settings.Stop,
	}
}

// followLimits puts other limits in force. Buckets keep what is in them.
func followLimits(settings *live.Settings, chain *interceptors.Chain, l *limiting, limits *interceptors.Limits) {
	places := limits.Gate
	settings.Follow(func(_, after config.Config) (func(), error) {
		next, err := l.of(after.Limits)
		return func() {
			switch {
			case after.Limits.Concurrency.Most == 0:
				places = nil
			case places == nil:
				places = gate.New(gateOptions(after.Limits.Concurrency))
			default:
				places.Change(gateOptions(after.Limits.Concurrency))
			}
			next.Gate = places
			chain.SetLimits(*next)
		}, err
	}, "limits")
}

// followPools bounds the connections to databases anew. The engine of sagas keeps its own few.
func followPools(settings *live.Settings, stores *Stores, replicas *replica.Replicas) {
	settings.Follow(func(_, after config.Config) (func(), error) {
		return func() {
			stores.resize(after.Store.MaxConnections)
			replicas.Resize(after.Store.MaxConnections)
		}, nil
	}, "store.max_connections")
}

// followGateway bounds the calls of the gateway anew. A longer time than the process began with is refused: how
// soon an unanswered payment may be asked about rests on it.
func followGateway(settings *live.Settings, longest config.Payments, caller *outbound.Caller) {
	settings.Follow(func(_, after config.Config) (func(), error) {
		p := after.Payments
		if p.CallTimeout > longest.CallTimeout {
			return nil, fmt.Errorf("payments.call_timeout %s is above the %s that this process began with: a restart can raise it, a reload can only lower it",
				p.CallTimeout, longest.CallTimeout)
		}
		return func() { caller.Change(p.CallTimeout, p.CallTimeout, breakerOptions(p.Breaker)) }, nil
	}, "payments.call_timeout", "payments.breaker")
}

func breakerOptions(b config.Breaker) outbound.BreakerOptions {
	return outbound.BreakerOptions{
		Window: b.Window, MinTries: uint32(b.MinCalls), FailureRate: b.FailureRate, OpenFor: b.OpenFor, //nolint:gosec // it was checked
	}
}
