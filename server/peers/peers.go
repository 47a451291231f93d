// Package peers calls the services that run in other processes: over gRPC with mTLS, at the addresses that
// discovery finds, spread over the replicas, within a deadline, again where that is safe, and not at all
// while a circuit breaker says that they are down. What it gives is what the services declare that they
// need of each other, so that they cannot tell the difference. Faults keep their reasons.
package peers

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	_ "google.golang.org/grpc/balancer/leastrequest" // the balancer that the settings name
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	experimental "google.golang.org/grpc/experimental/opentelemetry"
	_ "google.golang.org/grpc/health" // the health check that the settings name
	"google.golang.org/grpc/stats/opentelemetry"

	"github.com/orderprocessing/orderprocessing/clients/go/grpcclient"
	"github.com/orderprocessing/orderprocessing/server/discovery"
	"github.com/orderprocessing/orderprocessing/server/outbound"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// Options say how to call.
type Options struct {
	Resolver   discovery.Resolver
	TLS        func() *tls.Config // of the next connection: our own certificate, and whose are trusted
	Logger     *slog.Logger
	Registry   prometheus.Registerer
	Tracer     trace.TracerProvider // nil for none
	Propagator propagation.TextMapPropagator
}

// Peer is a service that runs elsewhere. Make it with Dial; close it when nobody calls it any more.
type Peer struct {
	conn   *grpc.ClientConn
	caller *outbound.Caller
	name   string
}

// balancing sends each call to the less busy of two replicas that say they are healthy.
const balancing = `{"loadBalancingConfig":[{"least_request_experimental":{"choiceCount":2}}],"healthCheckConfig":{"serviceName":%q}}`

// reconnecting is how soon a replica that was not there is tried again.
var reconnecting = backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: .2, MaxDelay: 3 * time.Second}

// Dial makes a connection to the service of this name, such as inventory. health is what gRPC health calls
// it. timeout bounds a call with all its tries. It does not wait for the service to be there.
func Dial(o Options, name, health string, timeout time.Duration) (*Peer, error) {
	registry := prometheus.WrapRegistererWith(prometheus.Labels{telemetry.LabelDependency: name}, o.Registry)
	builder := discovery.NewBuilder(o.Resolver, o.Logger)
	dial := append(builder.DialOptions(),
		grpc.WithTransportCredentials(&current{TransportCredentials: credentials.NewTLS(o.TLS()), config: o.TLS}),
		grpc.WithDefaultServiceConfig(fmt.Sprintf(balancing, health)),
		// Where replicas are is known before the first call, and not forgotten when nobody has called for a
		// while: whoever tells us may be away then.
		grpc.WithIdleTimeout(0),
		// Parts start side by side: one that is not there yet is soon.
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnecting, MinConnectTimeout: 5 * time.Second}),
	)
	if o.Tracer != nil {
		dial = append(dial, opentelemetry.DialOption(opentelemetry.Options{
			TraceOptions: experimental.TraceOptions{TracerProvider: o.Tracer, TextMapPropagator: o.Propagator},
		}))
	}
	conn, err := grpcclient.New(discovery.Scheme+":///"+name, grpcclient.WithTimeout(timeout), grpcclient.WithLogger(o.Logger),
		grpcclient.WithMetrics(registry), grpcclient.WithDialOptions(dial...))
	if err != nil {
		return nil, err
	}
	conn.Connect()
	// The tries are the connection's: the breaker sees how a call ends.
	caller := outbound.New(name, outbound.Options{Timeout: timeout, TryTimeout: timeout, MaxTries: 1, Log: o.Logger, Metrics: o.Registry})
	return &Peer{conn: conn, caller: caller, name: name}, nil
}

// Ready tells whether any replica can be called, without calling one.
func (p *Peer) Ready(context.Context) error {
	if state := p.conn.GetState(); state == connectivity.TransientFailure {
		return errors.New("no replica can be called")
	}
	return nil
}

// Close ends the connections.
func (p *Peer) Close() error { return p.conn.Close() }

// ask makes a call, and turns its failure into the fault that it was.
func ask[Request, Response any](
	ctx context.Context, p *Peer, method func(context.Context, Request, ...grpc.CallOption) (Response, error), req Request,
) (Response, error) {
	return outbound.Do(ctx, p.caller, classify, func(ctx context.Context) (Response, error) {
		res, err := method(ctx, req)
		if err != nil {
			return res, p.understand(ctx, err)
		}
		return res, nil
	})
}

// current is TLS as the files say when a connection begins.
type current struct {
	credentials.TransportCredentials
	config func() *tls.Config
}

// ClientHandshake implements credentials.TransportCredentials.
func (c *current) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return credentials.NewTLS(c.config()).ClientHandshake(ctx, authority, conn)
}

// Clone implements credentials.TransportCredentials.
func (c *current) Clone() credentials.TransportCredentials {
	return &current{TransportCredentials: c.TransportCredentials.Clone(), config: c.config}
}
