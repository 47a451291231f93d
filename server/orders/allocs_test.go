//go:build !race

package orders_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
)

// TestHandler_allocations holds the calls that come most often to a budget, from the request to the answer:
// interceptors, handler, and the store with its SQLite database. The budgets are a tenth above what was measured.
func TestHandler_allocations(t *testing.T) {
	s := newShop(t)
	const listed = 20
	for range listed {
		s.place()
	}
	orderID := s.place().ID.String()
	placed := 0
	for _, c := range []struct {
		procedure string
		request   func() proto.Message
		most      float64
	}{
		{ordersv1connect.OrderServiceCreateOrderProcedure, func() proto.Message {
			placed++
			return &ordersv1.CreateOrderRequest{Order: cart(), PaymentMethod: "tok_ok", RequestId: strconv.Itoa(placed)}
		}, 539},
		{ordersv1connect.OrderServiceGetOrderProcedure, func() proto.Message {
			return &ordersv1.GetOrderRequest{OrderId: orderID}
		}, 422},
		{ordersv1connect.OrderServiceListOrdersProcedure, func() proto.Message {
			return &ordersv1.ListOrdersRequest{PageSize: listed}
		}, 1948},
	} {
		t.Run(c.procedure, func(t *testing.T) {
			allocated := testing.AllocsPerRun(200, func() {
				body, err := proto.Marshal(c.request())
				require.NoError(t, err)
				req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, c.procedure, bytes.NewReader(body))
				req.Header.Set("Content-Type", "application/proto")
				w := httptest.NewRecorder()
				s.handler.ServeHTTP(w, req)
				require.Equal(t, http.StatusOK, w.Code, w.Body)
			})
			require.LessOrEqual(t, allocated, c.most)
		})
	}
}
