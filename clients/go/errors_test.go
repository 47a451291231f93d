package client

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/durationpb"
)

func TestErrors(t *testing.T) {
	told := refused(connect.CodeInvalidArgument,
		&errdetails.ErrorInfo{Reason: "QUOTA", Domain: "elsewhere"},
		&errdetails.ErrorInfo{Reason: "INVALID_REQUEST", Domain: "orderprocessing"},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "order.lines[0].quantity", Description: "must be at least 1"},
			{Field: "request_id", Description: "must be set"},
		}},
	)
	for name, opts := range map[string][]Option{
		"Connect":  nil,
		"gRPC":     {WithGRPC()},
		"gRPC-Web": {WithGRPCWeb()},
	} {
		t.Run("reason and violations arrive by "+name, func(t *testing.T) {
			s := &shop{answer: fails(1, told)}
			_, err := dial(t, open(t, s.handler()), opts...).Orders.CreateOrder(t.Context(), order())
			err = fmt.Errorf("place the order: %w", err)
			require.Equal(t, "INVALID_REQUEST", Reason(err))
			require.Equal(t, []Violation{
				{Field: "order.lines[0].quantity", Message: "must be at least 1"},
				{Field: "request_id", Message: "must be set"},
			}, Violations(err))
			_, ok := RetryAfter(err)
			require.False(t, ok)
		})
	}
	t.Run("other errors have none", func(t *testing.T) {
		for _, err := range []error{nil, errors.New("x"), refused(connect.CodeInternal)} {
			require.Empty(t, Reason(err))
			require.Nil(t, Violations(err))
			_, ok := RetryAfter(err)
			require.False(t, ok)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // for the date
		for value, want := range map[string]time.Duration{
			"0":  0,
			"7":  7 * time.Second,
			"-1": -1, "1.5": -1, "soon": -1, "99999999999999999999": -1,
			time.Now().Add(time.Minute).UTC().Format(http.TimeFormat):  time.Minute,
			time.Now().Add(-time.Minute).UTC().Format(http.TimeFormat): 0,
		} {
			err := connect.NewError(connect.CodeUnavailable, errors.New("busy"))
			err.Meta().Set("Retry-After", value)
			got, ok := RetryAfter(err)
			require.Equal(t, want >= 0, ok, value)
			if ok {
				require.Equal(t, want, got, value)
			}
		}
	})
	t.Run("the detail beats the header", func(t *testing.T) {
		err := refused(connect.CodeUnavailable, &errdetails.RetryInfo{RetryDelay: durationpb.New(1500 * time.Millisecond)})
		err.(*connect.Error).Meta().Set("Retry-After", "2") //nolint:errorlint // made a line above
		got, ok := RetryAfter(err)
		require.True(t, ok)
		require.Equal(t, 1500*time.Millisecond, got)
	})
}
