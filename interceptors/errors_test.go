package interceptors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func TestCodes(t *testing.T) {
	t.Run("every kind of fault has a code of its own", func(t *testing.T) {
		seen := map[connect.Code]fault.Kind{}
		for kind := fault.KindInternal; kind <= fault.KindUnavailable; kind++ {
			code, ok := codes[kind]
			require.True(t, ok, kind)
			require.NotContains(t, seen, code, kind)
			seen[code] = kind
		}
		require.Len(t, codes, len(seen), "a kind is new: extend the bounds of this loop")
		require.Contains(t, (fault.KindUnavailable + 1).String(), "Kind(", "a kind is new: extend the bounds of this loop")
	})
}

func TestMapErrors(t *testing.T) {
	var answer error
	service := &orders{
		create: func(context.Context, *ordersv1.CreateOrderRequest) (*ordersv1.CreateOrderResponse, error) {
			return nil, answer
		},
	}
	e := serve(t, service, nil)
	call := func(t *testing.T, err error) error {
		t.Helper()
		answer = err
		_, got := ordersv1connect.NewOrderServiceClient(e.http2, e.url, connect.WithGRPC()).CreateOrder(t.Context(), validCreate())
		require.Error(t, got)
		return got
	}

	for kind := fault.KindInvalid; kind <= fault.KindUnavailable; kind++ {
		t.Run(fmt.Sprintf("the fault %q keeps its text and reason, and not its cause", kind), func(t *testing.T) {
			err := call(t, fmt.Errorf("place: %w", fault.New(kind, "SOME_REASON", "told").Because(errors.New("kept"))))
			requireRefused(t, err, codes[kind], "SOME_REASON")
			require.Contains(t, err.Error(), "told")
			require.NotContains(t, err.Error(), "kept")
			require.NotContains(t, err.Error(), "place")
		})
	}
	for name, cause := range map[string]error{
		"a plain error":            errors.New("password=hunter2 at 10.0.0.1"),
		"an internal fault":        fault.New(fault.KindInternal, fault.ReasonInternal, "password=hunter2").Because(errors.New("10.0.0.1")),
		"an error from the wire":   connect.NewWireError(connect.CodeNotFound, errors.New("password=hunter2 10.0.0.1")),
		"an internal connect code": connect.NewError(connect.CodeInternal, errors.New("password=hunter2 10.0.0.1")),
	} {
		t.Run(name+" is hidden behind an id that the log has once", func(t *testing.T) {
			err := call(t, cause)
			requireRefused(t, err, connect.CodeInternal, fault.ReasonInternal)
			require.NotContains(t, err.Error(), "hunter2")
			info, _, _ := details(t, err)
			id := info.GetMetadata()["error_id"]
			require.NotEmpty(t, id)
			require.Contains(t, err.Error(), id)
			require.Equal(t, 1, countLines(e.logs.String(), id))
			require.Contains(t, e.logs.String(), "10.0.0.1")
		})
	}
	t.Run("the time to wait is told in all three ways", func(t *testing.T) {
		f := fault.New(fault.KindExhausted, fault.ReasonOverloaded, "too much")
		f.RetryAfter = 1500 * time.Millisecond
		err := call(t, f)
		_, _, retry := details(t, err)
		require.Equal(t, f.RetryAfter, retry.GetRetryDelay().AsDuration())
		var connectErr *connect.Error
		require.ErrorAs(t, err, &connectErr)
		require.Equal(t, "2", connectErr.Meta().Get("Retry-After"))
		require.Equal(t, "1500", connectErr.Meta().Get("Grpc-Retry-Pushback-Ms"))
	})
	t.Run("text that is not UTF-8 is mended", func(t *testing.T) {
		err := call(t, fault.Invalid(fault.ReasonInvalidRequest, "order.\xff", "bad \xff"))
		requireRefused(t, err, connect.CodeInvalidArgument, fault.ReasonInvalidRequest)
	})
	t.Run("the end of a context has its code", func(t *testing.T) {
		requireRefused(t, call(t, fmt.Errorf("query: %w", context.Canceled)), connect.CodeCanceled, fault.ReasonCanceled)
		requireRefused(t, call(t, context.DeadlineExceeded), connect.CodeDeadlineExceeded, fault.ReasonDeadlineExceeded)
	})
}

func TestUnderstand(t *testing.T) {
	t.Run("a database that failed because the caller left is no trouble of the database", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		a, known := understand(ctx, fault.New(fault.KindUnavailable, fault.ReasonDatabaseDown, "down"))
		require.True(t, known)
		require.Equal(t, connect.CodeCanceled, a.code)
	})
	t.Run("a call that the server ends while it stops may be called again", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(fault.New(fault.KindUnavailable, fault.ReasonShuttingDown, "stopping"))
		a, known := understand(ctx, errors.New("interrupted"))
		require.True(t, known)
		require.Equal(t, connect.CodeUnavailable, a.code)
		require.Equal(t, fault.ReasonShuttingDown, a.reason)
	})
	t.Run("an outcome that was decided before the caller left stands", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		a, _ := understand(ctx, fault.New(fault.KindConflict, fault.ReasonStaleEtag, "stale"))
		require.Equal(t, connect.CodeAborted, a.code)
	})
}

func TestRecoverPanics(t *testing.T) {
	service := &orders{
		get: func(context.Context, *ordersv1.GetOrderRequest) (*ordersv1.GetOrderResponse, error) {
			panic("secret unary")
		},
		create: func(context.Context, *ordersv1.CreateOrderRequest) (*ordersv1.CreateOrderResponse, error) {
			panic(errors.New("secret create"))
		},
		export: func(_ context.Context, _ *ordersv1.ExportOrdersRequest, stream *connect.ServerStream[ordersv1.ExportOrdersResponse]) error {
			if err := stream.Send(&ordersv1.ExportOrdersResponse{}); err != nil {
				return err
			}
			panic(http.ErrHandlerTimeout)
		},
	}
	e := serve(t, service, nil)
	for name, client := range e.clients() {
		t.Run("the panic of a call is an internal error over "+name, func(t *testing.T) {
			_, err := client.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: orderID})
			requireRefused(t, err, connect.CodeInternal, fault.ReasonInternal)
			require.NotContains(t, err.Error(), "secret")
			_, err = client.CreateOrder(t.Context(), validCreate())
			requireRefused(t, err, connect.CodeInternal, fault.ReasonInternal)
		})
		t.Run("the panic of a stream is an internal error over "+name, func(t *testing.T) {
			stream, err := client.ExportOrders(t.Context(), &ordersv1.ExportOrdersRequest{})
			require.NoError(t, err)
			require.True(t, stream.Receive())
			require.False(t, stream.Receive())
			requireRefused(t, stream.Err(), connect.CodeInternal, fault.ReasonInternal)
			require.NoError(t, stream.Close())
		})
	}
	require.Contains(t, e.logs.String(), "secret unary")
	require.Contains(t, e.logs.String(), "errors_test.go", "the stack is logged")
}

func TestUnencodableAnswer(t *testing.T) {
	service := &orders{get: func(context.Context, *ordersv1.GetOrderRequest) (*ordersv1.GetOrderResponse, error) {
		return &ordersv1.GetOrderResponse{Order: &ordersv1.Order{Note: "\xff"}}, nil
	}}
	e := serve(t, service, nil)
	for name, client := range e.clients() {
		t.Run("its field is not told over "+name, func(t *testing.T) {
			_, err := client.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: orderID})
			require.Equal(t, connect.CodeInternal, connect.CodeOf(err))
			require.NotContains(t, err.Error(), "note")
			require.NotContains(t, err.Error(), "UTF-8")
		})
	}
}
