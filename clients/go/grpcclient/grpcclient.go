// Package grpcclient connects to a server of orderprocessing by grpc-go, for programs that already use
// it: a connection for the generated gRPC clients, with a deadline, safe retries, logs, metrics and
// TLS. Package client is for all others.
package grpcclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	grpcprom "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/retry"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/timeout"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

const defaultTimeout = 10 * time.Second

// Option changes what [New] makes.
type Option func(*options)

type options struct {
	token    string
	timeout  time.Duration
	tls      *tls.Config
	logger   *slog.Logger
	registry prometheus.Registerer
	dial     []grpc.DialOption
}

// WithToken sends a bearer token with each call. Without TLS anyone on the way can read it.
func WithToken(token string) Option { return func(o *options) { o.token = token } }

// WithTimeout sets the longest a unary call may take, all tries included; the deadline of its context
// may be sooner. The default is 10 seconds.
func WithTimeout(timeout time.Duration) Option { return func(o *options) { o.timeout = timeout } }

// WithTLSConfig uses TLS. A certificate in the config is the client's own, for servers that tell
// services apart by theirs (mTLS).
func WithTLSConfig(config *tls.Config) Option { return func(o *options) { o.tls = config } }

// WithLogger logs each call when it ends: its method, code and time, never a message.
func WithLogger(logger *slog.Logger) Option { return func(o *options) { o.logger = logger } }

// WithMetrics counts and times calls, by method and code. A registry takes one connection's.
func WithMetrics(registry prometheus.Registerer) Option {
	return func(o *options) { o.registry = registry }
}

// WithDialOptions adds settings of grpc-go, such as a resolver of names. They go before our own; an
// interceptor among them sees each try.
func WithDialOptions(dial ...grpc.DialOption) Option {
	return func(o *options) { o.dial = append(o.dial, dial...) }
}

// New makes a connection to host:port for the generated clients, such as
// ordersv1.NewOrderServiceClient. It does not connect: a server that is down shows in the first call.
// The caller closes it.
//
// A unary call of a method that is idempotent by its contract is tried up to five times, after errors
// that pass, as long as its deadline and the retry budget of the connection allow it: retries stay
// under a tenth of the calls plus ten. The waits are jittered in full, and a wait that the server
// names in RetryInfo is kept. Streams are not tried again.
func New(target string, opts ...Option) (*grpc.ClientConn, error) {
	o := options{timeout: defaultTimeout}
	for _, opt := range opts {
		opt(&o)
	}
	if o.timeout <= 0 {
		return nil, errors.New("the timeout must be more than 0")
	}
	unary, stream, err := o.observers()
	if err != nil {
		return nil, err
	}
	unary = append(unary, timeout.UnaryClientInterceptor(o.timeout), newRetries().unary, retry.UnaryClientInterceptor())
	security := insecure.NewCredentials()
	if o.tls != nil {
		security = credentials.NewTLS(o.tls.Clone())
	}
	settings := []grpc.DialOption{
		grpc.WithTransportCredentials(security),
		grpc.WithChainUnaryInterceptor(unary...),
		grpc.WithChainStreamInterceptor(stream...),
	}
	if o.token != "" {
		settings = append(settings, grpc.WithPerRPCCredentials(bearer(o.token)))
	}
	conn, err := grpc.NewClient(target, append(settings, o.dial...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to %q: %w", target, err)
	}
	return conn, nil
}

// observers see each call as the caller does: once, with all its tries.
func (o *options) observers() (unary []grpc.UnaryClientInterceptor, stream []grpc.StreamClientInterceptor, err error) {
	if o.registry != nil {
		metrics := grpcprom.NewClientMetrics(grpcprom.WithClientHandlingTimeHistogram())
		if err := o.registry.Register(metrics); err != nil {
			return nil, nil, fmt.Errorf("register metrics: %w", err)
		}
		unary, stream = append(unary, metrics.UnaryClientInterceptor()), append(stream, metrics.StreamClientInterceptor())
	}
	if o.logger != nil {
		log := logging.LoggerFunc(func(ctx context.Context, level logging.Level, text string, fields ...any) {
			o.logger.Log(ctx, slog.Level(level), text, fields...)
		})
		ends := logging.WithLogOnEvents(logging.FinishCall)
		unary, stream = append(unary, logging.UnaryClientInterceptor(log, ends)), append(stream, logging.StreamClientInterceptor(log, ends))
	}
	return unary, stream, nil
}

// bearer sends a token.
type bearer string

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials: the way may be private.
func (b bearer) RequireTransportSecurity() bool { return false }
