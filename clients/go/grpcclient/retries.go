package grpcclient

import (
	"context"
	"slices"
	"strings"
	"time"

	middleware "github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/retry"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/orderprocessing/orderprocessing/clients/go/internal/retry"
)

// retries tells the middleware, call by call, what it does not know itself: which methods may be tried
// again, how long the server wants to be left alone, and whether there is a retry left.
type retries struct{ budget *retry.Budget }

func newRetries() *retries { return &retries{budget: retry.NewBudget()} }

func (r *retries) unary(
	ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, next grpc.UnaryInvoker, opts ...grpc.CallOption,
) error {
	r.budget.Deposit()
	if !idempotent(method) {
		return next(ctx, method, req, reply, conn, append(slices.Clip(opts), middleware.Disable())...)
	}
	t := &tries{ctx: ctx, budget: r.budget}
	return next(ctx, method, req, reply, conn, append(slices.Clip(opts),
		middleware.WithMax(retry.MaxTries),
		middleware.WithRetriable(t.again),
		middleware.WithBackoff(func(context.Context, uint) time.Duration { return t.delay }),
	)...)
}

// tries are those of one call.
type tries struct {
	ctx    context.Context
	budget *retry.Budget
	failed int
	delay  time.Duration // before the next
}

// again decides, after each try that failed, whether there is another, and how long to wait for it.
func (t *tries) again(err error) bool {
	t.failed++
	asked, passes := passing(err)
	if !passes || asked > retry.MaxServerDelay || t.failed == retry.MaxTries {
		return false
	}
	t.delay = asked + retry.Backoff(t.failed) // the jitter stays, so that those who were sent away do not come back as one
	if deadline, ok := t.ctx.Deadline(); ok && time.Until(deadline) <= t.delay {
		return false
	}
	return t.budget.Withdraw()
}

// passing tells whether the same call may succeed a little later, and when the server says to come back.
func passing(err error) (after time.Duration, passes bool) {
	failure := status.Convert(err)
	for _, detail := range failure.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			after, passes = max(info.GetRetryDelay().AsDuration(), 0), true
		}
	}
	switch failure.Code() {
	case codes.Unavailable:
		return after, true
	case codes.ResourceExhausted:
		return after, passes // without a time to come back it is the request that is too large
	default:
		return 0, false
	}
}

// idempotent tells whether a method may be called again by its contract.
func idempotent(method string) bool {
	name := protoreflect.FullName(strings.Replace(strings.TrimPrefix(method, "/"), "/", ".", 1))
	descriptor, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
	if err != nil {
		return false
	}
	options, ok := descriptor.Options().(*descriptorpb.MethodOptions)
	return ok && options.GetIdempotencyLevel() != descriptorpb.MethodOptions_IDEMPOTENCY_UNKNOWN
}
