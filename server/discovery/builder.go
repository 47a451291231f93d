package discovery

import (
	"context"
	"log/slog"
	"net"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/resolver"

	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// Scheme begins the targets that a Builder resolves: Scheme:///<service>.
const Scheme = "orderprocessing"

// Builder gives one connection of grpc-go what a Resolver finds, without the addresses that keep failing.
// Make one for each connection with NewBuilder, and dial with its DialOptions.
type Builder struct {
	from     Resolver
	logger   *slog.Logger
	outliers *outliers
}

// NewBuilder makes a Builder.
func NewBuilder(from Resolver, logger *slog.Logger) *Builder {
	return &Builder{from: from, logger: logger, outliers: newOutliers()}
}

// DialOptions are what a connection needs.
func (b *Builder) DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithResolvers(b),
		grpc.WithContextDialer(b.outliers.dial),
		grpc.WithChainUnaryInterceptor(b.outliers.observe),
	}
}

// Scheme implements resolver.Builder.
func (b *Builder) Scheme() string { return Scheme }

// Build implements resolver.Builder.
func (b *Builder) Build(target resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watching{cancel: cancel}
	service, known := target.Endpoint(), false
	logger := b.logger.With(telemetry.LogDependency, service)
	b.outliers.tell(func(addresses []string) {
		state := resolver.State{}
		for _, address := range addresses {
			host, _, _ := net.SplitHostPort(address) // without one the address cannot be dialed either
			state.Endpoints = append(state.Endpoints, resolver.Endpoint{
				Addresses: []resolver.Address{{Addr: address, ServerName: host}},
			})
		}
		_ = cc.UpdateState(state) // the balancer refuses what has no address, and says so to the calls
	})
	w.running.Go(func() {
		b.from.Watch(ctx, service, func(addresses []string, err error) {
			switch {
			case err != nil:
				logger.WarnContext(ctx, "cannot find out where a service is", slog.Any(telemetry.LogError, err))
				if !known {
					cc.ReportError(err)
				}
			case len(addresses) == 0 && known: // better an address that may be good than none
				logger.WarnContext(ctx, "a service is nowhere; the last known addresses stay in use")
			default:
				known = known || len(addresses) > 0
				b.outliers.set(addresses)
			}
		})
	})
	return w, nil
}

// watching is a resolver.Resolver: a watch of one service.
type watching struct {
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// ResolveNow implements resolver.Resolver. A watch knows by itself.
func (w *watching) ResolveNow(resolver.ResolveNowOptions) {}

// Close implements resolver.Resolver.
func (w *watching) Close() {
	w.cancel()
	w.running.Wait()
}
