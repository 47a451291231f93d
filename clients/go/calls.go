package client

import (
	"context"
	"reflect"
	"time"

	"connectrpc.com/connect"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/orderprocessing/orderprocessing/clients/go/internal/retry"
)

const (
	authorization  = "Authorization"
	idempotencyKey = "Idempotency-Key"

	requestIDField protoreflect.Name = "request_id"
)

// calls is the interceptor of every call of a client.
type calls struct {
	token   string
	timeout time.Duration // 0: none
	tries   int           // of a call, at most
	budget  *retry.Budget
	wait    func(context.Context, time.Duration) error
}

// WrapUnary gives a call its deadline, token, request id and tries.
func (c *calls) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		if _, ok := ctx.Deadline(); !ok && c.timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, c.timeout)
			defer cancel()
		}
		if c.token != "" && request.Header().Get(authorization) == "" {
			request.Header().Set(authorization, "Bearer "+c.token)
		}
		nameRequest(request)
		return c.try(ctx, request, next)
	}
}

// WrapStreamingClient gives a stream its token.
func (c *calls) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		if c.token != "" {
			conn.RequestHeader().Set(authorization, "Bearer "+c.token)
		}
		return conn
	}
}

// WrapStreamingHandler does nothing: there are no handlers on this side.
func (c *calls) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// nameRequest makes a request id for a request that has a place for one and none in it, nor in the
// header. The message may be the caller's template for many calls, so a copy takes its place.
func nameRequest(request connect.AnyRequest) {
	message, ok := request.Any().(proto.Message)
	if !ok || request.Header().Get(idempotencyKey) != "" {
		return
	}
	m := message.ProtoReflect()
	field := m.Descriptor().Fields().ByName(requestIDField)
	if field == nil || field.Kind() != protoreflect.StringKind || field.IsList() || m.Get(field).String() != "" {
		return
	}
	named := proto.Clone(message)
	named.ProtoReflect().Set(field, protoreflect.ValueOfString(uuid.NewString()))
	// The request is a *connect.Request[T] with T unknown here; its message is the exported field Msg.
	reflect.ValueOf(request).Elem().FieldByName("Msg").Set(reflect.ValueOf(named))
}
