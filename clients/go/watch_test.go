package client

import (
	"context"
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
)

// watched is a shop whose streams of one order a test decides.
type watched struct {
	ordersv1connect.UnimplementedOrderServiceHandler
	streams [][]string // the etags that each stream sends
	ends    []error    // how each stream ends
	opened  int
}

func (w *watched) WatchOrder(
	_ context.Context, req *ordersv1.WatchOrderRequest, stream *connect.ServerStream[ordersv1.WatchOrderResponse],
) error {
	n := min(w.opened, len(w.streams)-1)
	w.opened++
	for _, etag := range w.streams[n] {
		if err := stream.Send(&ordersv1.WatchOrderResponse{Order: &ordersv1.Order{Id: req.GetOrderId(), Etag: etag}}); err != nil {
			return err
		}
	}
	return w.ends[n]
}

func muxOf(w *watched) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(ordersv1connect.NewOrderServiceHandler(w))
	return mux
}

func TestWatch(t *testing.T) {
	away := refused(connect.CodeUnavailable)
	for name, tt := range map[string]struct {
		server watched
		want   []string
		opened int
		code   connect.Code // 0 for a good end
	}{
		"a stream that ends well is the end":                       {watched{streams: [][]string{{"1", "2"}}, ends: []error{nil}}, []string{"1", "2"}, 1, 0},
		"a server that goes away is asked again, for what is news": {watched{streams: [][]string{{"1", "2"}, {}, {"2", "3"}}, ends: []error{away, away, nil}}, []string{"1", "2", "3"}, 3, 0},
		"a server that was never there is given up":                {watched{streams: [][]string{{}}, ends: []error{away}}, nil, 5, connect.CodeUnavailable},
		"an error that stays is told":                              {watched{streams: [][]string{{"1"}, {}}, ends: []error{away, refused(connect.CodeNotFound)}}, []string{"1"}, 2, connect.CodeNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			var last error
			s := &tt.server
			for o, err := range dial(t, open(t, muxOf(s)), new(waits).option()).Watch(t.Context(), "ord_1") {
				if last = err; err == nil {
					got = append(got, o.GetEtag())
				}
			}
			require.Equal(t, tt.want, got)
			require.Equal(t, tt.opened, s.opened)
			if tt.code == 0 {
				require.NoError(t, last)
				return
			}
			require.Equal(t, tt.code, connect.CodeOf(last))
		})
	}
	t.Run("once something was received it goes on as long as the context lasts", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s := &watched{streams: [][]string{{"1"}, {}}, ends: []error{away, away}}
		waited := 0
		c := dial(t, open(t, muxOf(s)), func(o *options) {
			o.wait = func(ctx context.Context, d time.Duration) error {
				require.LessOrEqual(t, d, 2*time.Second)
				if waited++; waited == 50 {
					cancel()
				}
				return ctx.Err()
			}
		})
		var last error
		for _, err := range c.Watch(ctx, "ord_1") {
			last = err
		}
		require.Equal(t, connect.CodeCanceled, connect.CodeOf(last))
		require.Equal(t, 50, s.opened)
	})
	t.Run("who has seen enough leaves", func(t *testing.T) {
		s := &watched{streams: [][]string{{"1", "2", "3"}}, ends: []error{away}}
		for _, err := range dial(t, open(t, muxOf(s)), new(waits).option()).Watch(t.Context(), "ord_1") {
			require.NoError(t, err)
			break
		}
		require.Equal(t, 1, s.opened)
	})
}
