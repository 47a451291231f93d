package interceptors

import (
	"context"
	"net/http"

	"connectrpc.com/connect"
)

// call is what every interceptor may know of a call, unary or stream.
type call struct {
	spec   connect.Spec
	peer   connect.Peer
	header http.Header // of the request
	get    bool        // whether it came by HTTP GET
}

// around is an interceptor that surrounds calls of either kind.
type around func(ctx context.Context, c call, next func(context.Context) error) error

// WrapUnary implements connect.Interceptor.
func (a around) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		var res connect.AnyResponse
		c := call{req.Spec(), req.Peer(), req.Header(), req.HTTPMethod() == http.MethodGet}
		err := a(ctx, c, func(ctx context.Context) (err error) {
			res, err = next(ctx, req)
			return err
		})
		if err != nil {
			return nil, err
		}
		return res, nil
	}
}

// WrapStreamingHandler implements connect.Interceptor.
func (a around) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		c := call{conn.Spec(), conn.Peer(), conn.RequestHeader(), false}
		return a(ctx, c, func(ctx context.Context) error { return next(ctx, conn) })
	}
}

// WrapStreamingClient implements connect.Interceptor; these interceptors serve, they do not call.
func (a around) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// inspect is an interceptor that looks at each message of a request before the handler does, and may
// change or refuse it.
type inspect func(spec connect.Spec, header http.Header, message any) error

// WrapUnary implements connect.Interceptor.
func (i inspect) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		if err := i(req.Spec(), req.Header(), req.Any()); err != nil {
			return nil, err
		}
		return next(ctx, req)
	}
}

// WrapStreamingHandler implements connect.Interceptor.
func (i inspect) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		return next(ctx, &inspectedConn{conn, i})
	}
}

// WrapStreamingClient implements connect.Interceptor; these interceptors serve, they do not call.
func (i inspect) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

type inspectedConn struct {
	connect.StreamingHandlerConn
	inspect inspect
}

func (c *inspectedConn) Receive(message any) error {
	if err := c.StreamingHandlerConn.Receive(message); err != nil {
		return err
	}
	return c.inspect(c.Spec(), c.RequestHeader(), message)
}
