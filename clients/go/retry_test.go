package client

import (
	"context"
	"errors"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/orderprocessing/orderprocessing/clients/go/internal/retry"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

func comeBack(after time.Duration) *errdetails.RetryInfo {
	return &errdetails.RetryInfo{RetryDelay: durationpb.New(after)}
}

func TestRetry(t *testing.T) {
	t.Run("a server that fails four times is asked five times, by one request id", func(t *testing.T) {
		s, w := &shop{answer: fails(4, refused(connect.CodeUnavailable))}, new(waits)
		_, err := dial(t, open(t, s.handler()), w.option()).Orders.CreateOrder(t.Context(), order())
		require.NoError(t, err)
		require.Len(t, s.ids(), 5)
		for _, id := range s.ids() {
			require.NotEmpty(t, id)
			require.Equal(t, s.ids()[0], id)
		}
		require.Len(t, w.taken, 4)
		for i, d := range w.taken {
			require.LessOrEqual(t, d, 50*time.Millisecond<<i)
		}
	})
	t.Run("the fifth failure is final, and nothing is waited for after it", func(t *testing.T) {
		s, w := &shop{answer: fails(99, refused(connect.CodeUnavailable))}, new(waits)
		_, err := dial(t, open(t, s.handler()), w.option()).Orders.CreateOrder(t.Context(), order())
		require.Equal(t, connect.CodeUnavailable, connect.CodeOf(err))
		require.Len(t, s.ids(), 5)
		require.Len(t, w.taken, 4)
	})
	t.Run("a server that names a time gets it", func(t *testing.T) {
		s, w := &shop{answer: fails(1, refused(connect.CodeResourceExhausted, comeBack(3*time.Second)))}, new(waits)
		_, err := dial(t, open(t, s.handler()), w.option()).Orders.CreateOrder(t.Context(), order())
		require.NoError(t, err)
		require.Len(t, w.taken, 1)
		require.GreaterOrEqual(t, w.taken[0], 3*time.Second)
		require.LessOrEqual(t, w.taken[0], 3*time.Second+50*time.Millisecond)
	})
	t.Run("a time past the deadline is not waited for", func(t *testing.T) {
		s, w := &shop{answer: fails(9, refused(connect.CodeUnavailable, comeBack(11*time.Second)))}, new(waits)
		_, err := dial(t, open(t, s.handler()), w.option()).Orders.CreateOrder(t.Context(), order())
		require.Equal(t, connect.CodeUnavailable, connect.CodeOf(err))
		require.Len(t, s.ids(), 1)
		require.Empty(t, w.taken)
	})
	t.Run("nor one of an hour without a deadline", func(t *testing.T) {
		s, w := &shop{answer: fails(9, refused(connect.CodeUnavailable, comeBack(time.Hour)))}, new(waits)
		_, err := dial(t, open(t, s.handler()), w.option(), WithTimeout(0)).Orders.CreateOrder(t.Context(), order())
		require.Error(t, err)
		require.Empty(t, w.taken)
	})
	for _, code := range []connect.Code{
		connect.CodeInvalidArgument, connect.CodeAborted, connect.CodeFailedPrecondition, connect.CodeInternal, connect.CodeUnknown,
		connect.CodeDeadlineExceeded, connect.CodeCanceled, connect.CodeUnauthenticated, connect.CodeDataLoss,
		connect.CodeResourceExhausted, // too large: it names no time
	} {
		t.Run(code.String()+" is final", func(t *testing.T) {
			s, w := &shop{answer: fails(9, refused(code))}, new(waits)
			_, err := dial(t, open(t, s.handler()), w.option()).Orders.CreateOrder(t.Context(), order())
			require.Equal(t, code, connect.CodeOf(err))
			require.Len(t, s.ids(), 1)
		})
	}
	t.Run("a method that is not idempotent is called once", func(t *testing.T) {
		s, w := &shop{answer: fails(9, refused(connect.CodeUnavailable))}, new(waits)
		url := open(t, s.handler()) + "/orders.v1.OrderService/CreateOrder"
		transport := newTransport(false, nil)
		defer transport.CloseIdleConnections()
		var o options
		w.option()(&o)
		plain := connect.NewClient[ordersv1.CreateOrderRequest, emptypb.Empty](&http.Client{Transport: transport}, url,
			connect.WithInterceptors(&calls{tries: retry.MaxTries, budget: retry.NewBudget(), wait: o.wait}))
		_, err := plain.CallUnary(t.Context(), connect.NewRequest(order()))
		require.Equal(t, connect.CodeUnavailable, connect.CodeOf(err))
		require.Len(t, s.ids(), 1)
	})
	t.Run("a client without retries calls once", func(t *testing.T) {
		s := &shop{answer: fails(9, refused(connect.CodeUnavailable))}
		_, err := dial(t, open(t, s.handler()), WithoutRetries()).Orders.CreateOrder(t.Context(), order())
		require.Equal(t, connect.CodeUnavailable, connect.CodeOf(err))
		require.Len(t, s.ids(), 1)
	})
	t.Run("a canceled call stops waiting", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &shop{answer: fails(9, refused(connect.CodeUnavailable))}
		c := dial(t, open(t, s.handler()), func(o *options) {
			o.wait = func(ctx context.Context, _ time.Duration) error { cancel(); return sleep(ctx, time.Hour) }
		})
		_, err := c.Orders.CreateOrder(ctx, order())
		require.Equal(t, connect.CodeCanceled, connect.CodeOf(err))
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorContains(t, err, "unavailable")
		require.Len(t, s.ids(), 1)
	})
}

func TestRetry_Streams(t *testing.T) {
	t.Run("an import that fails is not opened again", func(t *testing.T) {
		s, w := &shop{answer: fails(9, refused(connect.CodeUnavailable))}, new(waits)
		stream, err := dial(t, open(t, s.handler()), w.option()).Orders.ImportOrders(t.Context())
		require.NoError(t, err)
		_, err = stream.Receive()
		require.Equal(t, connect.CodeUnavailable, connect.CodeOf(err))
		require.NoError(t, stream.CloseRequest())
		require.NoError(t, stream.CloseResponse())
		require.EqualValues(t, 1, s.streams.Load())
		require.Empty(t, w.taken)
	})
	t.Run("nor an export, and neither has a deadline it was not given", func(t *testing.T) {
		var limited bool
		s := &shop{answer: func(ctx context.Context, _ int) error {
			_, limited = ctx.Deadline()
			return refused(connect.CodeUnavailable)
		}}
		stream, err := dial(t, open(t, s.handler())).Orders.ExportOrders(t.Context(), &ordersv1.ExportOrdersRequest{})
		require.NoError(t, err)
		require.False(t, stream.Receive())
		require.Equal(t, connect.CodeUnavailable, connect.CodeOf(stream.Err()))
		require.NoError(t, stream.Close())
		require.EqualValues(t, 1, s.streams.Load())
		require.False(t, limited)
	})
}

func TestRetry_Deadline(t *testing.T) {
	t.Run("a call without one gets the default, on both sides", func(t *testing.T) {
		var left time.Duration
		s := &shop{answer: func(ctx context.Context, _ int) error {
			deadline, _ := ctx.Deadline()
			left = time.Until(deadline)
			return nil
		}}
		_, err := dial(t, open(t, s.handler())).Orders.CreateOrder(t.Context(), order())
		require.NoError(t, err)
		require.InDelta(t, 10, left.Seconds(), 2)
	})
	t.Run("the caller's own is kept", func(t *testing.T) {
		var left time.Duration
		s := &shop{answer: func(ctx context.Context, _ int) error {
			deadline, _ := ctx.Deadline()
			left = time.Until(deadline)
			return nil
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := dial(t, open(t, s.handler())).Orders.CreateOrder(ctx, order())
		require.NoError(t, err)
		require.InDelta(t, 3600, left.Seconds(), 2)
	})
	t.Run("a server that never answers costs the default deadline and no more", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			started := time.Now()
			c := dial(t, "http://shop", WithHTTPClient(inMemory(func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			})))
			_, err := c.Orders.CreateOrder(t.Context(), order())
			require.Equal(t, connect.CodeDeadlineExceeded, connect.CodeOf(err))
			require.Equal(t, 10*time.Second, time.Since(started))
		})
	})
	t.Run("it spans all tries", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			tries, started := 0, time.Now()
			c := dial(t, "http://shop", WithTimeout(5*time.Second), WithHTTPClient(inMemory(func(r *http.Request) (*http.Response, error) {
				tries++
				if err := sleep(r.Context(), 2*time.Second); err != nil {
					return nil, err
				}
				return nil, errors.New("connection refused")
			})))
			_, err := c.Orders.CreateOrder(t.Context(), order())
			require.Equal(t, connect.CodeDeadlineExceeded, connect.CodeOf(err))
			require.Equal(t, 3, tries)
			require.Equal(t, 5*time.Second, time.Since(started))
		})
	})
	t.Run("waiting ends with the deadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			require.ErrorIs(t, sleep(ctx, time.Minute), context.DeadlineExceeded)
			require.NoError(t, sleep(t.Context(), time.Minute))
			err := interrupted(context.DeadlineExceeded, errors.New("busy"))
			require.Equal(t, connect.CodeDeadlineExceeded, connect.CodeOf(err))
		})
	})
}

type inMemory func(*http.Request) (*http.Response, error)

func (f inMemory) Do(r *http.Request) (*http.Response, error) { return f(r) }

func TestRetry_LostConnection(t *testing.T) {
	for name, opts := range map[string][]Option{
		"Connect":  nil,
		"gRPC":     {WithGRPC()},
		"gRPC-Web": {WithGRPCWeb()},
	} {
		for place, before := range map[string]func(http.ResponseWriter){
			"before the answer": func(http.ResponseWriter) {},
			"in the middle of the answer": func(w http.ResponseWriter) {
				w.Header().Set("Content-Type", map[string]string{
					"Connect": "application/proto", "gRPC": "application/grpc", "gRPC-Web": "application/grpc-web+proto",
				}[name])
				_, _ = w.Write([]byte{0, 0, 0})
				_ = http.NewResponseController(w).Flush()
			},
		} {
			t.Run("a connection that breaks "+place+" is followed by another, "+name, func(t *testing.T) {
				s, w := new(shop), new(waits)
				lines := make(chan net.Conn, 9)
				var cut atomic.Bool
				server := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					if cut.CompareAndSwap(false, true) {
						before(rw)
						line := <-lines
						_ = line.(*net.TCPConn).SetLinger(0) // a reset, as by a process that was killed
						_ = line.Close()
						return
					}
					s.handler().ServeHTTP(rw, r)
				}))
				server.Config.ConnState = func(line net.Conn, state http.ConnState) {
					if state == http.StateNew {
						lines <- line
					}
				}
				server.Config.Protocols = new(http.Protocols)
				server.Config.Protocols.SetUnencryptedHTTP2(true)
				server.Start()
				defer server.Close()
				_, err := dial(t, server.URL, append(opts, w.option())...).Orders.CreateOrder(t.Context(), order())
				require.NoError(t, err)
				require.True(t, cut.Load())
				require.Len(t, w.taken, 1)
			})
		}
	}
	t.Run("a server that is not there is Unavailable after five tries", func(t *testing.T) {
		w := new(waits)
		closed := httptest.NewServer(nil)
		closed.Close()
		_, err := dial(t, closed.URL, w.option()).Orders.CreateOrder(t.Context(), order())
		require.Equal(t, connect.CodeUnavailable, connect.CodeOf(err))
		require.Len(t, w.taken, 4)
	})
}

func TestBackoff(t *testing.T) {
	for tries, ceiling := range map[int]time.Duration{
		1: 50 * time.Millisecond, 2: 100 * time.Millisecond, 6: 1600 * time.Millisecond, 7: 2 * time.Second,
		64: 2 * time.Second, math.MaxInt: 2 * time.Second,
	} {
		low, high := ceiling, time.Duration(0)
		for range 2000 {
			d := retry.Backoff(tries)
			low, high = min(low, d), max(high, d)
		}
		require.GreaterOrEqual(t, low, time.Duration(0))
		require.LessOrEqual(t, high, ceiling)
		require.Less(t, low, ceiling/20, "full jitter starts near nothing")
		require.Greater(t, high, ceiling-ceiling/20, "and reaches the ceiling")
	}
}

func TestBudget(t *testing.T) {
	t.Run("when every call fails, retries stay under a tenth of the calls and ten", func(t *testing.T) {
		s, w := &shop{answer: fails(math.MaxInt, refused(connect.CodeUnavailable))}, new(waits)
		c := dial(t, open(t, s.handler()), w.option())
		const callers, each = 8, 50
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				for range each {
					_, _ = c.Orders.CreateOrder(t.Context(), order())
				}
			})
		}
		all.Wait()
		require.Len(t, w.taken, callers*each/10+10)
		require.Len(t, s.ids(), callers*each+callers*each/10+10)
	})
	t.Run("it saves up to a hundred", func(t *testing.T) {
		b := retry.NewBudget()
		for range 10_000 {
			b.Deposit()
		}
		taken := 0
		for b.Withdraw() {
			taken++
		}
		require.Equal(t, 100, taken)
	})
}
