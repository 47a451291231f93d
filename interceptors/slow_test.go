package interceptors

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

func queryEscape(data []byte) string {
	return base64.RawURLEncoding.EncodeToString(data) + "&base64=1"
}

func reader(text string) io.Reader { return strings.NewReader(text) }

// impatient gives callers little time.
func impatient(o *Options) {
	o.ReadTimeout, o.WriteTimeout, o.StreamIdleTimeout = 100*time.Millisecond, 100*time.Millisecond, 100*time.Millisecond
}

func TestSlowCallers(t *testing.T) {
	const create = "/orders.v1.OrderService/CreateOrder"
	work := make(chan struct{})
	ended := make(chan error, 1)
	e := serve(t, &orders{
		create: func(ctx context.Context, req *ordersv1.CreateOrderRequest) (*ordersv1.CreateOrderResponse, error) {
			select {
			case <-work:
			case <-ctx.Done():
			}
			return &ordersv1.CreateOrderResponse{Order: req.GetOrder()}, ctx.Err()
		},
		imports: echoImports,
		export: func(_ context.Context, _ *ordersv1.ExportOrdersRequest, stream *connect.ServerStream[ordersv1.ExportOrdersResponse]) error {
			var err error
			for err == nil {
				err = stream.Send(&ordersv1.ExportOrdersResponse{Orders: []*ordersv1.Order{{Note: strings.Repeat("x", 32<<10)}}})
			}
			ended <- err
			return err
		},
	}, impatient)

	t.Run("a body that drips in over HTTP/1.1 is ended", func(t *testing.T) {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", e.address)
		require.NoError(t, err)
		defer conn.Close()
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", create)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Contains(t, string(body), `"REQUEST_TOO_SLOW"`)
		require.True(t, res.Close, "the connection ends, too")
	})
	t.Run("a body that drips in over HTTP/2 is ended", func(t *testing.T) {
		body, writer := io.Pipe()
		defer writer.Close()
		got := send(t, e.http2, http.MethodPost, e.url+create, "application/json", body)
		require.Equal(t, "deadline_exceeded", got.code)
		require.Equal(t, "REQUEST_TOO_SLOW", got.reason)
	})
	t.Run("a body that drips in over gRPC is ended", func(t *testing.T) {
		body, writer := io.Pipe()
		defer writer.Close()
		got := send(t, e.http2, http.MethodPost, e.url+create, "application/grpc", struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(framed(0, make([]byte, 9))[:7]), body), body})
		require.Equal(t, "REQUEST_TOO_SLOW", got.reason)
	})
	t.Run("a stream that falls silent is ended", func(t *testing.T) {
		stream, err := ordersv1connect.NewOrderServiceClient(e.http2, e.url, connect.WithGRPC()).ImportOrders(t.Context())
		require.NoError(t, err)
		require.NoError(t, stream.Send(&ordersv1.ImportOrdersRequest{Source: "shop", Documents: []*ordersv1.ImportDocument{{}}}))
		_, err = stream.Receive()
		require.NoError(t, err)
		_, err = stream.Receive()
		requireRefused(t, err, connect.CodeDeadlineExceeded, fault.ReasonRequestTooSlow)
		require.NoError(t, stream.CloseRequest())
		require.NoError(t, stream.CloseResponse())
	})
	for name, client := range map[string]*http.Client{"HTTP/1.1": e.http1, "HTTP/2": e.http2} {
		t.Run("a call that is worked on for longer than it may take to arrive is not ended over "+name, func(t *testing.T) {
			timer := time.AfterFunc(300*time.Millisecond, func() { work <- struct{}{} })
			defer timer.Stop()
			_, err := ordersv1connect.NewOrderServiceClient(client, e.url).CreateOrder(t.Context(), validCreate())
			require.NoError(t, err)
		})
		t.Run("a caller that does not read a stream is ended over "+name, func(t *testing.T) {
			uncompressed := connect.WithAcceptCompression("gzip", nil, nil)
			stream, err := ordersv1connect.NewOrderServiceClient(client, e.url, uncompressed).ExportOrders(t.Context(), &ordersv1.ExportOrdersRequest{})
			require.NoError(t, err)
			require.Error(t, <-ended)
			_ = stream.Close()
		})
	}
	t.Run("a connection serves on after the time that a call before had", func(t *testing.T) {
		client := ordersv1connect.NewOrderServiceClient(e.http1, e.url)
		for range 3 {
			_, err := client.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: orderID})
			require.NoError(t, err)
			<-time.After(150 * time.Millisecond)
		}
	})
}
