package interceptors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	policyv1 "github.com/orderprocessing/orderprocessing/gen/policy/v1"
	"github.com/orderprocessing/orderprocessing/server/auth"
)

// Act is a privileged call that succeeded.
type Act struct {
	Caller    auth.Caller
	Procedure string
	Object    string // what was acted upon
	Personal  bool   // the object's name may itself be personal
	Detail    string // such as delta=-5; may be empty
}

// audited is the interceptor that has privileged calls recorded: those of methods whose policy says so,
// by staff and operators. Services call them for orders, whose events tell. Such methods are no streams.
type audited struct{ chain *Chain }

// WrapUnary implements connect.Interceptor. A call without its record fails, although it had its effect:
// the same request again has the same answer, and another try at the record.
func (a audited) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		procedure := req.Spec().Procedure
		record, caller := a.chain.ruleOf(procedure).audit, auth.CallerFrom(ctx)
		if record == nil || a.chain.options.Acted == nil || !caller.Is(auth.Staff) && !caller.Is(auth.Operator) {
			return next(ctx, req)
		}
		// Before the handler, which may change the message.
		m := req.Any().(proto.Message).ProtoReflect()
		act := Act{
			Caller: caller, Procedure: procedure, Object: textAt(m, record.GetObject()), Personal: record.GetPersonal(), Detail: detailOf(m, record),
		}
		res, err := next(ctx, req)
		if err != nil {
			return nil, err
		}
		if err := a.chain.options.Acted(ctx, act); err != nil {
			return nil, fmt.Errorf("record what was done: %w", err)
		}
		return res, nil
	}
}

// WrapStreamingHandler implements connect.Interceptor.
func (audited) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// WrapStreamingClient implements connect.Interceptor; these interceptors serve, they do not call.
func (audited) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func detailOf(m protoreflect.Message, record *policyv1.Audit) string {
	details := make([]string, len(record.GetDetails()))
	for i, path := range record.GetDetails() {
		details[i] = path[strings.LastIndexByte(path, '.')+1:] + "=" + textAt(m, path)
	}
	return strings.Join(details, " ")
}

// textAt writes the field that a path leads to, which checkAudit has followed.
func textAt(m protoreflect.Message, path string) string {
	for {
		name, rest, deeper := strings.Cut(path, ".")
		field := m.Descriptor().Fields().ByName(protoreflect.Name(name))
		value := m.Get(field)
		if deeper {
			m, path = value.Message(), rest
			continue
		}
		switch {
		case field.HasPresence() && !m.Has(field):
			return "" // not said is another thing than zero
		case field.IsMap():
			return textOfMap(value.Map())
		case field.Enum() != nil:
			if known := field.Enum().Values().ByNumber(value.Enum()); known != nil {
				return string(known.Name())
			}
		}
		return fmt.Sprint(value.Interface())
	}
}

// textOfMap writes a map by key, such as off:90,on:10.
func textOfMap(m protoreflect.Map) string {
	var pairs []string
	m.Range(func(key protoreflect.MapKey, value protoreflect.Value) bool {
		pairs = append(pairs, fmt.Sprintf("%v:%v", key, value))
		return true
	})
	slices.Sort(pairs)
	return strings.Join(pairs, ",")
}

// checkAudit tells why calls of a method cannot be recorded as its policy says.
func checkAudit(method protoreflect.MethodDescriptor, record *policyv1.Audit) error {
	switch {
	case record == nil:
		return nil
	case method.IsStreamingClient() || method.IsStreamingServer():
		return errors.New("policy has a stream recorded")
	}
	for _, path := range append([]string{record.GetObject()}, record.GetDetails()...) {
		message := method.Input()
		for name := range strings.SplitSeq(path, ".") {
			var field protoreflect.FieldDescriptor
			if message != nil {
				field = message.Fields().ByName(protoreflect.Name(name))
			}
			if field == nil || field.IsList() || field.IsMap() && field.MapValue().Message() != nil {
				return fmt.Errorf("policy has %q recorded, which is no single field of the request", path)
			}
			message = field.Message()
			if field.IsMap() {
				message = nil
			}
		}
		if message != nil {
			return fmt.Errorf("policy has %q recorded, which is a message", path)
		}
	}
	return nil
}
