// Package interceptors gives what surrounds every call: limits before it is read, then trace, log,
// metrics, errors, validation. Each concern has its file; this one alone states their order. What a
// call does is up to its handler.
package interceptors

import (
	"fmt"
	"log/slog"
	"time"

	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"connectrpc.com/otelconnect"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// compressMinBytes is the least answer worth compressing; a shorter one fits in a packet anyway.
const compressMinBytes = 1 << 10

// Options say what a chain needs. All but Tracer and Propagator are required.
type Options struct {
	Logger            *slog.Logger
	Registry          prometheus.Registerer
	Tracer            trace.TracerProvider // nil for no traces
	Propagator        propagation.TextMapPropagator
	TrustRemote       bool          // continue the callers' traces instead of linking to them
	MaxRequestBytes   int           // of one message, as sent and decompressed
	ReadTimeout       time.Duration // to receive the one message of a call
	WriteTimeout      time.Duration // for the caller to take what it is sent
	StreamIdleTimeout time.Duration // for the next piece of a stream
}

// Chain is what surrounds every call. It is safe for concurrent use.
type Chain struct {
	options     Options
	logger      *slog.Logger
	metrics     *metrics
	trace       connect.Interceptor // nil for no traces
	validator   protovalidate.Validator
	errorWriter *connect.ErrorWriter
}

// New builds a chain and registers its metrics, so one registry holds one chain.
func New(o Options) (*Chain, error) {
	c := &Chain{options: o, logger: o.Logger, errorWriter: connect.NewErrorWriter()}
	var err error
	if c.metrics, err = newMetrics(o.Registry); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	if c.validator, err = protovalidate.New(); err != nil {
		return nil, fmt.Errorf("build the validator: %w", err)
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
		around(c.observe),     // access log and metrics: sees the code that the caller gets
		around(c.mapErrors),   // nothing but coded errors above this line
		around(recoverPanics), // a panic is an error from here on
		// authenticate: who calls. It must not read the message, which may be malformed.
		// authorize: whether the policy of the method (policy.go) lets them.
		// rate limit: whether they called too often; the class and cost are in the policy too.
		inspect(refuseUndecoded), // nobody below sees a message that could not be decoded
		inspect(copyRequestID),   // before validate, which requires the field
		inspect(c.validate),
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
