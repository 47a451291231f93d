package client

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
)

// errorDomain is the domain of every reason that the server sends (google.rpc.ErrorInfo).
const errorDomain = "orderprocessing"

// Violation is one field of a request that is wrong.
type Violation struct {
	// Field is its path in the request: order.lines[0].quantity. Empty when it is the request as a whole.
	Field string
	// Message tells what is wrong with it, for people.
	Message string
}

// Reason gives the stable name of what went wrong, like STALE_ETAG: what programs tell errors apart
// by. It is empty for an error without one, such as a connection that failed.
func Reason(err error) string {
	for info := range details[*errdetails.ErrorInfo](err) {
		if info.GetDomain() == errorDomain {
			return info.GetReason()
		}
	}
	return ""
}

// Violations gives the fields that are wrong, in the server's order; nil when none are named.
func Violations(err error) []Violation {
	var violations []Violation
	for bad := range details[*errdetails.BadRequest](err) {
		for _, violation := range bad.GetFieldViolations() {
			violations = append(violations, Violation{Field: violation.GetField(), Message: violation.GetDescription()})
		}
	}
	return violations
}

// RetryAfter gives how long to wait at least before the call is repeated, and whether the error says
// so at all: by google.rpc.RetryInfo, or else by the header Retry-After.
func RetryAfter(err error) (time.Duration, bool) {
	for info := range details[*errdetails.RetryInfo](err) {
		if info.GetRetryDelay().IsValid() {
			return max(info.GetRetryDelay().AsDuration(), 0), true
		}
	}
	failure, ok := errors.AsType[*connect.Error](err)
	if !ok {
		return 0, false
	}
	value := failure.Meta().Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(time.Until(at), 0), true
	}
	return 0, false
}

// details walks the details of one type.
func details[T proto.Message](err error) func(yield func(T) bool) {
	return func(yield func(T) bool) {
		failure, ok := errors.AsType[*connect.Error](err)
		if !ok {
			return
		}
		for _, detail := range failure.Details() {
			value, err := detail.Value()
			if err != nil {
				continue // a type this client does not know
			}
			if message, ok := value.(T); ok && !yield(message) {
				return
			}
		}
	}
}
