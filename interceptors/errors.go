package interceptors

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// ErrorDomain is the domain of every reason that is sent (google.rpc.ErrorInfo).
const ErrorDomain = "orderprocessing"

// codes is the one map from what went wrong to what the caller is told.
var codes = map[fault.Kind]connect.Code{
	fault.KindInternal:        connect.CodeInternal,
	fault.KindInvalid:         connect.CodeInvalidArgument,
	fault.KindUnauthenticated: connect.CodeUnauthenticated,
	fault.KindDenied:          connect.CodePermissionDenied,
	fault.KindNotFound:        connect.CodeNotFound,
	fault.KindExists:          connect.CodeAlreadyExists,
	fault.KindPrecondition:    connect.CodeFailedPrecondition,
	fault.KindConflict:        connect.CodeAborted,
	fault.KindExhausted:       connect.CodeResourceExhausted,
	fault.KindUnavailable:     connect.CodeUnavailable,
}

// answer is an error as the caller gets it.
type answer struct {
	code       connect.Code
	reason     fault.Reason // empty when there is none to tell
	message    string
	violations []fault.Violation
	retryAfter time.Duration
	errorID    string // only of internal errors
}

// refusal is an answer in the form of an error. Connect sends what it unwraps to.
type refusal struct {
	wire   *connect.Error
	reason fault.Reason
}

func (r *refusal) Error() string { return r.wire.Error() }
func (r *refusal) Unwrap() error { return r.wire }

// mapErrors is the interceptor that turns every error into a coded one.
func (c *Chain) mapErrors(ctx context.Context, call *call, next func(context.Context) error) error {
	err := next(ctx)
	if err == nil || connect.IsNotModifiedError(err) {
		return err
	}
	r := c.refuse(ctx, call.spec.Procedure, err)
	if call.get {
		r.wire.Meta().Set("Cache-Control", "no-store")
	}
	return r
}

// refuse makes the answer to an error. An internal one is logged here, once, and nowhere else.
func (c *Chain) refuse(ctx context.Context, procedure string, err error) *refusal {
	a, known := understand(ctx, err)
	if !known {
		a.code = connect.CodeInternal
		a.errorID = errorID(ctx)
		a.message = "internal error; quote " + a.errorID + " when you ask about it"
		c.logInternal(ctx, procedure, a.errorID, err)
	}
	return a.refusal()
}

// understand tells what an error means to the caller; false means that it must not be told.
func understand(ctx context.Context, err error) (answer, bool) {
	if errors.As(err, new(*panicError)) {
		return answer{reason: fault.ReasonInternal}, false
	}
	f := fault.From(err)
	ended := ctx.Err() != nil
	switch {
	case ended && (f == nil || f.Kind == fault.KindInternal || f.Kind == fault.KindUnavailable):
		// A call that ended fails in odd ways below; what matters is why it ended.
		if stop := fault.From(context.Cause(ctx)); stop != nil {
			return ofFault(stop), true
		}
		return ofContext(ctx.Err()), true
	case f != nil && f.Kind == fault.KindInternal:
		return answer{reason: f.Reason}, false
	case f != nil:
		return ofFault(f), true
	case errors.Is(err, errTooSlow):
		return answer{code: connect.CodeDeadlineExceeded, reason: fault.ReasonRequestTooSlow, message: errTooSlow.Error()}, true
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return ofContext(err), true
	}
	if made := new(connect.Error); errors.As(err, &made) && !connect.IsWireError(err) {
		if a, ok := recognize(made.Code(), made.Message()); ok {
			return a, true
		}
	}
	return answer{reason: fault.ReasonInternal}, false
}

func ofFault(f *fault.Fault) answer {
	a := answer{code: codes[f.Kind], reason: f.Reason, message: f.Message, violations: f.Violations}
	if f.Kind == fault.KindExhausted || f.Kind == fault.KindUnavailable {
		a.retryAfter = f.RetryAfter
	}
	return a
}

func ofContext(err error) answer {
	if errors.Is(err, context.DeadlineExceeded) {
		return answer{code: connect.CodeDeadlineExceeded, reason: fault.ReasonDeadlineExceeded, message: "the call took longer than its deadline"}
	}
	return answer{code: connect.CodeCanceled, reason: fault.ReasonCanceled, message: "the call was canceled"}
}

// refusal writes the answer as Connect sends it, with the standard details (AIP-193).
func (a answer) refusal() *refusal {
	wire := connect.NewError(a.code, errors.New(strings.ToValidUTF8(a.message, "\uFFFD")))
	if a.reason != "" {
		info := &errdetails.ErrorInfo{Reason: string(a.reason), Domain: ErrorDomain}
		if a.errorID != "" {
			info.Metadata = map[string]string{telemetry.LogErrorID: a.errorID}
		}
		addDetail(wire, info)
	}
	if len(a.violations) > 0 {
		bad := &errdetails.BadRequest{}
		for _, violation := range a.violations {
			bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{
				Field:       strings.ToValidUTF8(violation.Field, "\uFFFD"),
				Description: strings.ToValidUTF8(violation.Message, "\uFFFD"),
			})
		}
		addDetail(wire, bad)
	}
	if a.code == connect.CodeUnauthenticated {
		wire.Meta().Set("WWW-Authenticate", challenge(a.reason))
	}
	if a.retryAfter > 0 {
		addDetail(wire, &errdetails.RetryInfo{RetryDelay: durationpb.New(a.retryAfter)})
		wire.Meta().Set("Retry-After", strconv.Itoa(int(math.Ceil(a.retryAfter.Seconds()))))
		wire.Meta().Set("Grpc-Retry-Pushback-Ms", strconv.FormatInt(a.retryAfter.Milliseconds(), 10))
	}
	return &refusal{wire: wire, reason: a.reason}
}

func addDetail(wire *connect.Error, message proto.Message) {
	detail, err := connect.NewErrorDetail(message)
	if err != nil {
		return // only for text that is not UTF-8, which there is none of
	}
	wire.AddDetail(detail)
}

// errorID is the trace of the call, or something to find it by when there is none.
func errorID(ctx context.Context) string {
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		return span.TraceID().String()
	}
	return rand.Text()
}

func (c *Chain) logInternal(ctx context.Context, procedure, id string, err error) {
	attrs := []slog.Attr{
		slog.String(telemetry.LogProcedure, procedure),
		slog.String(telemetry.LogErrorID, id),
		slog.Any(telemetry.LogError, cause(err)),
	}
	if panicked := new(panicError); errors.As(err, &panicked) {
		attrs = append(attrs, slog.String(telemetry.LogStack, string(panicked.stack)))
	}
	trace.SpanFromContext(ctx).SetAttributes(attribute.String(telemetry.AttributeErrorID, id))
	c.logger.LogAttrs(ctx, slog.LevelError, "internal error", attrs...)
}

// cause adds to an error what its fault keeps from the caller.
func cause(err error) error {
	if f := fault.From(err); f != nil && f.Unwrap() != nil {
		return fmt.Errorf("%w: %w", err, f.Unwrap())
	}
	return err
}
