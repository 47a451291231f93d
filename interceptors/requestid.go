package interceptors

import (
	"net/http"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

const (
	requestIDField      = protoreflect.Name("request_id")
	idempotencyKey      = "Idempotency-Key"
	requestIDTwiceText  = "the header Idempotency-Key and the field request_id name different requests"
	requestIDStreamText = "the header Idempotency-Key cannot name the many requests of a stream; set request_id in each"
)

// copyRequestID fills the request_id of a message from the header Idempotency-Key. The header may be
// quoted (draft-ietf-httpapi-idempotency-key-header) or bare. Messages without the field ignore it.
func copyRequestID(spec connect.Spec, header http.Header, message any) error {
	values := header[idempotencyKey]
	if len(values) == 0 {
		return nil
	}
	m := message.(proto.Message).ProtoReflect()
	field := m.Descriptor().Fields().ByName(requestIDField)
	if field == nil || field.Kind() != protoreflect.StringKind || field.IsList() {
		return nil
	}
	if spec.StreamType&connect.StreamTypeClient != 0 {
		return fault.Invalid(fault.ReasonInvalidRequest, string(requestIDField), requestIDStreamText)
	}
	for _, value := range values {
		value = unquote(strings.TrimSpace(value))
		switch set := m.Get(field).String(); {
		case set == "":
			m.Set(field, protoreflect.ValueOfString(strings.ToValidUTF8(value, "\uFFFD")))
		case set != value:
			return fault.Invalid(fault.ReasonInvalidRequest, string(requestIDField), requestIDTwiceText)
		}
	}
	return nil
}

func unquote(value string) string {
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		return value[1 : len(value)-1]
	}
	return value
}
