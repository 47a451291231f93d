// Package flagd connects flags to a flagd, a server of feature flags (https://flagd.dev).
package flagd

import (
	"fmt"
	"net"
	"strconv"

	provider "github.com/open-feature/go-sdk-contrib/providers/flagd/pkg"
	"github.com/open-feature/go-sdk/openfeature"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// New gives a provider that evaluates in this process what a flagd at host:port hands out, and is
// told of its changes. Nothing has to be there yet: until then flags are their defaults.
func New(address string, overTLS bool) (openfeature.FeatureProvider, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("flags.flagd.address: %w", err)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("flags.flagd.address: %w", err)
	}
	secure := insecure.NewCredentials()
	if overTLS {
		secure = credentials.NewTLS(nil)
	}
	return provider.NewProvider(
		provider.WithInProcessResolver(), provider.WithHost(host), provider.WithPort(uint16(port)),
		provider.WithGrpcDialOptionsOverride([]grpc.DialOption{
			grpc.WithTransportCredentials(secure),
			// Without it the provider gives up for good on a flagd that is not there yet.
			grpc.WithDefaultCallOptions(grpc.WaitForReady(true)),
		}),
	)
}
