package client

import (
	"context"
	"crypto/tls"
	"time"

	"connectrpc.com/connect"
)

const defaultTimeout = 10 * time.Second

// Option changes what [New] makes.
type Option func(*options)

type options struct {
	token        string
	timeout      time.Duration
	tries        int
	http         connect.HTTPClient
	tls          *tls.Config
	certificates *certificates
	protocol     []connect.ClientOption
	written      *written // nil for reads that see all
	wait         func(context.Context, time.Duration) error
}

// WithToken sends a bearer token with each call. An empty token sends none. Over http:// anyone on the
// way can read it.
func WithToken(token string) Option {
	return func(o *options) { o.token = token }
}

// WithTimeout sets the deadline of unary calls whose context has none: this long after their start,
// all tries included. The default is 10 seconds; 0 sets no deadline.
func WithTimeout(timeout time.Duration) Option {
	return func(o *options) { o.timeout = timeout }
}

// WithoutRetries sends each call once: for who measures, or tries again by other rules.
func WithoutRetries() Option {
	return func(o *options) { o.tries = 1 }
}

// WithHTTPClient sends through a client of your own. Streams in both directions, and so ImportOrders,
// need one that speaks HTTP/2.
func WithHTTPClient(client connect.HTTPClient) Option {
	return func(o *options) { o.http = client }
}

// WithTLSConfig sets the certificates, own and trusted, of an https:// connection.
func WithTLSConfig(config *tls.Config) Option {
	return func(o *options) { o.tls = config }
}

// WithGRPC speaks gRPC. The default is the Connect protocol.
func WithGRPC() Option {
	return func(o *options) { o.protocol = []connect.ClientOption{connect.WithGRPC()} }
}

// WithGRPCWeb speaks gRPC-Web. The default is the Connect protocol.
func WithGRPCWeb() Option {
	return func(o *options) { o.protocol = []connect.ClientOption{connect.WithGRPCWeb()} }
}
