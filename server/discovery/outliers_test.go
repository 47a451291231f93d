package discovery

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestOutliers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutliers()
		var latest []string
		o.tell(func(addresses []string) { latest = addresses })
		use := func() []string {
			o.mu.Lock()
			defer o.mu.Unlock()
			return latest
		}
		o.set([]string{"a", "b", "c"})
		fail := func(address string, times int) {
			for range times {
				o.tried(address, true)
			}
		}
		fail("a", outlierAfter-1)
		o.tried("a", false)
		fail("a", outlierAfter-1)
		require.Equal(t, []string{"a", "b", "c"}, use(), "failures in a row count")
		fail("a", 1)
		require.Equal(t, []string{"b", "c"}, use(), "one that keeps failing is left out")
		fail("b", 2*outlierAfter)
		require.Equal(t, []string{"b", "c"}, use(), "never more than half are")
		o.set([]string{"a", "b", "c", "d"})
		require.Equal(t, []string{"b", "c", "d"}, use(), "it stays out when others come")
		time.Sleep(outlierFor) // in the bubble
		synctest.Wait()
		require.Equal(t, []string{"a", "b", "c", "d"}, use(), "it gets another chance")
	})
}

func TestBroken(t *testing.T) {
	decided, err := status.New(codes.Unavailable, "the gateway does not answer").WithDetails(&errdetails.ErrorInfo{Reason: "GATEWAY_UNAVAILABLE"})
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"an answer":                         {nil, false},
		"a refusal":                         {status.Error(codes.FailedPrecondition, "shipped"), false},
		"a dependency of theirs is away":    {decided.Err(), false},
		"a connection that broke":           {status.Error(codes.Unavailable, "reset"), true},
		"a mistake of theirs":               {status.Error(codes.Internal, "internal"), true},
		"what is no status":                 {errors.New("odd"), true},
		"a deadline, which may be too soon": {status.Error(codes.DeadlineExceeded, "late"), false},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, broken(tt.err)) })
	}
}
