package interceptors

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/orderprocessing/orderprocessing/server/auth"
)

// Names of the contract: whose something is, and what narrows a list.
const (
	customerIDField = protoreflect.Name("customer_id")
	filterField     = protoreflect.Name("filter")
)

// ownRequests is the interceptor that ties what a customer asks for to the customer. Where the policy
// says that objects are owned, each customer_id of a request must be the caller's own, and is filled
// in when it is empty, so that a list without a filter is a list of what is theirs.
type ownRequests struct{ chain *Chain }

// WrapUnary implements connect.Interceptor.
func (o ownRequests) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		return o.inspect(ctx).WrapUnary(next)(ctx, req)
	}
}

// WrapStreamingHandler implements connect.Interceptor.
func (o ownRequests) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		return o.inspect(ctx).WrapStreamingHandler(next)(ctx, conn)
	}
}

// WrapStreamingClient implements connect.Interceptor; these interceptors serve, they do not call.
func (o ownRequests) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func (o ownRequests) inspect(ctx context.Context) inspect {
	return func(spec connect.Spec, _ http.Header, message any) error {
		caller := auth.CallerFrom(ctx)
		if caller.AccessesAll() || !o.chain.ruleOf(spec.Procedure).owned {
			return nil
		}
		return own(caller, message.(proto.Message).ProtoReflect())
	}
}

// own narrows a message, and the messages in it, to the caller.
func own(caller auth.Caller, m protoreflect.Message) error {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		switch {
		case field.Name() == customerIDField:
			customerID, err := caller.Narrow(m.Get(field).String())
			if err != nil {
				return err
			}
			m.Set(field, protoreflect.ValueOfString(customerID))
		case field.Message() == nil || field.IsList() || field.IsMap(): // checkOwned sees to it that no customer is in there
		case m.Has(field) || field.Name() == filterField:
			if err := own(caller, m.Mutable(field).Message()); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkOwned tells what of a request own could not narrow. inMany tells whether the message is one of
// a list or a map; seen are the messages that were looked at, each way.
func checkOwned(m protoreflect.MessageDescriptor, inMany bool, seen map[protoreflect.FullName][]bool) error {
	if slices.Contains(seen[m.FullName()], inMany) {
		return nil
	}
	seen[m.FullName()] = append(seen[m.FullName()], inMany)
	for i := range m.Fields().Len() {
		field := m.Fields().Get(i)
		many := inMany || field.IsList() || field.IsMap()
		if field.Name() == customerIDField && (many || field.Kind() != protoreflect.StringKind) {
			return fmt.Errorf("%s cannot be held against the caller: it is no text, or one of many", field.FullName())
		}
		if inner := field.Message(); inner != nil {
			if err := checkOwned(inner, many, seen); err != nil {
				return err
			}
		}
	}
	return nil
}
