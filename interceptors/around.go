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

// around surrounds calls of either kind. It calls next once, or not at all.
type around func(ctx context.Context, c *call, next func(context.Context) error) error

// arounds is an interceptor that surrounds calls with each of them, the first one outermost. They are one
// interceptor because each would allocate as much as all.
type arounds []around

// surrounded is one call on its way in.
type surrounded struct {
	call   call
	rest   arounds // that it has not come to
	handle func(context.Context) error
	inward func(context.Context) error // next, made once
}

// enter begins with the first one.
func (s *surrounded) enter(ctx context.Context) error {
	s.inward = s.next
	return s.next(ctx)
}

// next goes on to the next one, or the handler.
func (s *surrounded) next(ctx context.Context) error {
	if len(s.rest) == 0 {
		return s.handle(ctx)
	}
	a := s.rest[0]
	s.rest = s.rest[1:]
	return a(ctx, &s.call, s.inward)
}

// WrapUnary implements connect.Interceptor.
func (a arounds) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		var res connect.AnyResponse
		s := &surrounded{call: call{req.Spec(), req.Peer(), req.Header(), req.HTTPMethod() == http.MethodGet}, rest: a}
		s.handle = func(ctx context.Context) (err error) {
			res, err = next(ctx, req)
			return err
		}
		if err := s.enter(ctx); err != nil {
			return nil, err
		}
		return res, nil
	}
}

// WrapStreamingHandler implements connect.Interceptor.
func (a arounds) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		s := &surrounded{call: call{conn.Spec(), conn.Peer(), conn.RequestHeader(), false}, rest: a}
		s.handle = func(ctx context.Context) error { return next(ctx, conn) }
		return s.enter(ctx)
	}
}

// WrapStreamingClient implements connect.Interceptor; these interceptors serve, they do not call.
func (a arounds) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
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
