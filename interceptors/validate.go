package interceptors

import (
	"errors"
	"fmt"
	"net/http"

	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

// maxViolations bounds how many are told: gRPC sends them in a header, and 8 KiB is all some clients take.
const maxViolations = 20

// validate checks a message against the rules of its contract and tells every field that is wrong.
func (c *Chain) validate(_ connect.Spec, _ http.Header, message any) error {
	err := validator.Validate(message.(proto.Message))
	if err == nil {
		return nil
	}
	var invalid *protovalidate.ValidationError
	if !errors.As(err, &invalid) {
		return fmt.Errorf("validate %T: %w", message, err)
	}
	f := fault.New(fault.KindInvalid, fault.ReasonInvalidRequest, "")
	for _, violation := range invalid.Violations[:min(len(invalid.Violations), maxViolations)] {
		text := violation.Proto.GetMessage()
		if text == "" {
			text = "breaks the rule " + violation.Proto.GetRuleId()
		}
		f.Violations = append(f.Violations, fault.Violation{
			Field:   protovalidate.FieldPathString(violation.Proto.GetField()),
			Message: text,
		})
	}
	f.Message = f.Violations[0].Message
	if field := f.Violations[0].Field; field != "" {
		f.Message = field + ": " + f.Message
	}
	if more := len(invalid.Violations) - 1; more > 0 {
		f.Message = fmt.Sprintf("%s, and %d more", f.Message, more)
	}
	return f
}
