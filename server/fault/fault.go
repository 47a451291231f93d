// Package fault gives the one vocabulary of errors. Whoever finds something wrong makes a fault;
// everyone between passes it on or wraps it with %w; only interceptors turn it into a code.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what a fault means to the caller.
type Kind uint8

// The kinds. Anything that is not a fault counts as KindInternal.
const (
	KindInternal        Kind = iota // our mistake; the cause stays in the log
	KindInvalid                     // wrong in any state; fix the request
	KindUnauthenticated             // no credentials, or bad ones
	KindDenied                      // known, but not allowed
	KindNotFound                    // absent, or not yours
	KindExists                      // taken: an id, or a request id by another request
	KindPrecondition                // the state forbids it; do not retry as is
	KindConflict                    // lost a race on a version; read again and retry
	KindExhausted                   // over a rate or a quota; retry after RetryAfter
	KindUnavailable                 // retry with backoff and the same request id
)

var kindNames = [...]string{
	"internal", "invalid", "unauthenticated", "denied", "not found", "exists", "precondition",
	"conflict", "exhausted", "unavailable",
}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Reason is a stable, documented name such as ORDER_ALREADY_SHIPPED. Clients match reasons.
type Reason string

// Violation is one field of a request that is wrong.
type Violation struct {
	Field   string // path in the request, such as order.lines[2].quantity
	Message string // what would be right
}

// Fault is an error that is meant for the caller: nothing in it may be a secret.
type Fault struct {
	Kind       Kind
	Reason     Reason
	Message    string
	Violations []Violation   // only for KindInvalid; may be empty
	RetryAfter time.Duration // only for KindExhausted and KindUnavailable; 0 means not said
	cause      error
}

// Error gives the message, without the cause.
func (f *Fault) Error() string { return f.Message }

// Unwrap gives the cause, for the log.
func (f *Fault) Unwrap() error { return f.cause }

// New makes a fault. The message is a sentence for people, without a full stop.
func New(kind Kind, reason Reason, format string, args ...any) *Fault {
	return &Fault{Kind: kind, Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// Invalid makes a KindInvalid fault about one field.
func Invalid(reason Reason, field, format string, args ...any) *Fault {
	f := New(KindInvalid, reason, format, args...)
	f.Violations = []Violation{{Field: field, Message: f.Message}}
	return f
}

// Within says where the fields are that are wrong.
func (f *Fault) Within(where string) *Fault {
	for i := range f.Violations {
		f.Violations[i].Field = where + f.Violations[i].Field
	}
	return f
}

// Because adds the cause, which is logged and never sent.
func (f *Fault) Because(cause error) *Fault {
	f.cause = cause
	return f
}

// From finds the fault in an error's chain, or nil.
func From(err error) *Fault {
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return nil
}

// KindOf tells the kind of an error; KindInternal for what is no fault.
func KindOf(err error) Kind {
	if f := From(err); f != nil {
		return f.Kind
	}
	return KindInternal
}

// ReasonOf tells the reason of an error; empty for what is no fault.
func ReasonOf(err error) Reason {
	if f := From(err); f != nil {
		return f.Reason
	}
	return ""
}
