package peers

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/outbound"
)

// kinds tells what a code means here. Who we are and what we may is our own trouble, not that of whoever
// called us, so these are no faults.
var kinds = map[codes.Code]fault.Kind{
	codes.InvalidArgument:    fault.KindInvalid,
	codes.NotFound:           fault.KindNotFound,
	codes.AlreadyExists:      fault.KindExists,
	codes.FailedPrecondition: fault.KindPrecondition,
	codes.Aborted:            fault.KindConflict,
	codes.ResourceExhausted:  fault.KindExhausted,
	codes.Unavailable:        fault.KindUnavailable,
}

// understand turns what a call failed with into the fault that the other side made, or that its absence is.
func (p *Peer) understand(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("call %s: %w", p.name, ctx.Err())
	}
	s := status.Convert(err)
	f := &fault.Fault{Kind: kinds[s.Code()], Message: s.Message()}
	for _, detail := range s.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			f.Reason = fault.Reason(d.GetReason())
		case *errdetails.RetryInfo:
			f.RetryAfter = d.GetRetryDelay().AsDuration()
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				f.Violations = append(f.Violations, fault.Violation{Field: v.GetField(), Message: v.GetDescription()})
			}
		}
	}
	switch {
	case f.Kind != fault.KindInternal && f.Reason != "":
		return f
	case s.Code() == codes.DeadlineExceeded:
		err = errors.Join(context.DeadlineExceeded, err)
		fallthrough
	case s.Code() == codes.Unavailable, s.Code() == codes.Canceled:
		return fault.New(fault.KindUnavailable, fault.ReasonDependencyDown, "%s does not answer", p.name).Because(errors.Join(errSilent, err))
	}
	return fmt.Errorf("call %s: %w", p.name, err)
}

// errSilent marks that the other side gave no answer of its own.
var errSilent = errors.New("no answer")

// classify tells what a failure says about the other side: whatever it decided, it works. The tries are
// the connection's.
func classify(err error) outbound.Verdict {
	if fault.From(err) != nil && !errors.Is(err, errSilent) {
		return outbound.Verdict{Health: outbound.Answered}
	}
	return outbound.Verdict{Health: outbound.Failed}
}
