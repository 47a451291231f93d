// Package interceptors gives what surrounds every call: limits before it is read, then trace, log,
// metrics, errors, who may call, validation. Each concern has its file; this one alone states their order. What a
// call does is up to its handler.
package interceptors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/otelconnect"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// compressMinBytes is the least answer worth compressing; a shorter one fits in a packet anyway.
const compressMinBytes = 1 << 10

// Options say what a chain needs. All but Registry, Tracer, Propagator, Denied, Acted and Limits are required.
type Options struct {
	Logger            *slog.Logger
	Registry          prometheus.Registerer // nil for no metrics
	Tracer            trace.TracerProvider  // nil for no traces
	Propagator        propagation.TextMapPropagator
	TrustRemote       bool          // continue the callers' traces instead of linking to them
	MaxRequestBytes   int           // of one message, as sent and decompressed
	ReadTimeout       time.Duration // to receive the one message of a call
	WriteTimeout      time.Duration // for the caller to take what it is sent
	StreamIdleTimeout time.Duration // for the next piece of a stream
	Authenticator     auth.Authenticator
	OpenReflection    bool // anyone may ask for the contract, not staff and operators alone
	// Denied hears of each call that was refused for who calls, in the call's own time. The reason
	// may be that something was not found: it is there, and not the caller's.
	Denied func(ctx context.Context, procedure string, caller auth.Caller, reason fault.Reason)
	// Acted keeps a record of each privileged call that succeeded, in the call's own time.
	Acted  func(ctx context.Context, act Act) error
	Limits *Limits // nil for none
}

// Chain is what surrounds every call. It is safe for concurrent use.
type Chain struct {
	options     Options
	logger      *slog.Logger
	metrics     *metrics
	trace       connect.Interceptor // nil for no traces
	limiter     *limiter            // nil for no limits
	errorWriter *connect.ErrorWriter
	rules       sync.Map // of procedure: rule
}

// New builds a chain and registers its metrics, so one registry holds one chain.
func New(o Options) (*Chain, error) {
	c := &Chain{options: o, logger: o.Logger, errorWriter: connect.NewErrorWriter()}
	if o.Authenticator == nil {
		return nil, errors.New("interceptors: there is no Authenticator")
	}
	var err error
	if c.metrics, err = newMetrics(o.Registry); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	if errValidator != nil {
		return nil, fmt.Errorf("build the validator: %w", errValidator)
	}
	if o.Limits != nil {
		if c.limiter, err = newLimiter(*o.Limits, o.Registry, c.errorWriter); err != nil {
			return nil, fmt.Errorf("build the limits: %w", err)
		}
	}
	if o.Tracer != nil {
		if c.trace, err = newTrace(o); err != nil {
			return nil, fmt.Errorf("build the tracer: %w", err)
		}
	}
	return c, nil
}

// HandlerOptions are the options that every generated handler is built with.
func (c *Chain) HandlerOptions() []connect.HandlerOption {
	return append(c.wire(), connect.WithInterceptors(c.interceptors()...))
}

// interceptors in their order, outermost first. An interceptor may rely on those above it.
func (c *Chain) interceptors() []connect.Interceptor {
	var all []connect.Interceptor
	if c.trace != nil {
		all = append(all, c.trace)
	}
	return append(all,
		arounds{
			c.observe,      // access log and metrics: sees the code that the caller gets
			c.mapErrors,    // nothing but coded errors above this line
			recoverPanics,  // a panic is an error from here on
			c.authenticate, // who calls; the message is not looked at, it may be malformed
			c.authorize,    // whether the policy of the method (policy.go) lets them
			c.limitCaller,  // how often they may call: by the class and cost in the policy
		},
		inspect(refuseUndecoded), // nobody below sees a message that could not be decoded
		ownRequests{c},           // what is asked for must be the caller's own
		inspect(copyRequestID),   // before validate, which requires the field
		inspect(c.validate),
		audited{c},        // what has succeeded goes into the audit log before it is answered
		cacheValidators{}, // innermost: only answers of handlers get an ETag
	)
}

// wire are the options about bytes: codecs, compression, limits.
func (c *Chain) wire() []connect.HandlerOption {
	failures := unencodable{c.logger}
	return []connect.HandlerOption{
		connect.WithCodec(protoCodec{failures}),
		connect.WithCodec(jsonCodec{"json", failures}),
		connect.WithCodec(jsonCodec{"json; charset=utf-8", failures}),
		limitedGzip(c.options.MaxRequestBytes),
		connect.WithCompressMinBytes(compressMinBytes),
		connect.WithReadMaxBytes(c.options.MaxRequestBytes),
	}
}

// newTrace makes spans of calls. The edge is public: a caller's trace is linked to, not continued,
// unless told otherwise. Else any caller could have itself sampled, or write into others' traces.
func newTrace(o Options) (connect.Interceptor, error) {
	options := []otelconnect.Option{
		otelconnect.WithTracerProvider(o.Tracer),
		otelconnect.WithoutMetrics(), // metrics.go has them
	}
	if o.Propagator != nil {
		options = append(options, otelconnect.WithPropagator(o.Propagator))
	}
	if o.TrustRemote {
		options = append(options, otelconnect.WithTrustRemote())
	}
	return otelconnect.NewInterceptor(options...)
}
